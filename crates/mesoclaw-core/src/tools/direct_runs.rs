//! Which tools run by themselves, so that they end when whoever runs them goes away.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections that ended and are remembered: a run that was on its way when its connection ended
/// begins within the time in which so many others end.
const REMEMBERED: usize = 1024;

/// A token for each connection that ran a tool.
#[derive(Default)]
pub(crate) struct DirectRuns {
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    open: HashMap<u64, CancellationToken>,
    /// The latest that ended.
    closed: VecDeque<u64>,
}

impl DirectRuns {
    /// The token of a run that begins over this connection. Calls from inside the daemon (0) go on
    /// until they end.
    pub fn begin(&self, connection: u64) -> CancellationToken {
        if connection == 0 {
            return CancellationToken::new();
        }
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if connections.closed.contains(&connection) {
            let token = CancellationToken::new();
            token.cancel();
            return token;
        }
        connections
            .open
            .entry(connection)
            .or_default()
            .child_token()
    }

    /// A connection ended: what ran over it ends too.
    pub fn connection_closed(&self, connection: u64) {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = connections.open.remove(&connection) {
            token.cancel();
        }
        if connections.closed.len() == REMEMBERED {
            connections.closed.pop_front();
        }
        connections.closed.push_back(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_over_a_connection_ends_with_it() {
        let runs = DirectRuns::default();
        let (one, other, internal) = (runs.begin(1), runs.begin(2), runs.begin(0));
        runs.connection_closed(1);
        runs.connection_closed(0);
        let ended = [one, other, internal].map(|token| token.is_cancelled());
        assert_eq!(ended, [true, false, false]);
        assert!(runs.begin(1).is_cancelled(), "what comes late");
    }
}
