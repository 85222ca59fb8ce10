//! News of a running command: its newest line, at most a few times a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mesoclaw_agent::policy::escaped;

/// The least time between two pieces of news.
const PAUSE: Duration = Duration::from_millis(250);

/// Longest line that is told, in bytes.
const LINE_MAX_BYTES: usize = 200;

pub(super) struct Progress {
    tell: Arc<dyn Fn(String) + Send + Sync>,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn new(tell: Arc<dyn Fn(String) + Send + Sync>) -> Self {
        Self { tell, last: None }
    }

    /// Sees a piece of output; lines that come too fast are passed over.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let mut lines = piece.rsplit(|byte| *byte == b'\n' || *byte == b'\r');
        let Some(line) = lines.find(|line| !line.trim_ascii().is_empty()) else {
            return;
        };
        let start = line.get(..LINE_MAX_BYTES).unwrap_or(line);
        (self.tell)(escaped(&String::from_utf8_lossy(start)));
        self.last = Some(Instant::now());
    }
}
