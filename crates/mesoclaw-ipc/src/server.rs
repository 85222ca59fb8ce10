//! The accept loop: lets this user in, counts connections, starts a task for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use mesoclaw_api::ops::events::EventSource;
use mesoclaw_api::rpc::Response;
use mesoclaw_api::{ApiError, ErrorCode, RawCaller};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::codec::encode_line;
use crate::connection;
use crate::endpoint::{Listener, Stream};
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_IN_FLIGHT};
use crate::peer;

/// Wait after the system could not accept a connection, usually for want of open files.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// What a connection serves: operations by name, and events.
pub trait Service: RawCaller + EventSource {}

impl<T: RawCaller + EventSource + ?Sized> Service for T {}

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Connections at once; one more is told so and closed.
    pub max_connections: u32,
    /// Requests of one connection that run at once; one more is answered with `MESO_OVERLOADED`.
    pub max_in_flight: usize,
    /// Time for `daemon.hello`.
    pub handshake_timeout: Duration,
    /// Lines that may wait for a slow reader.
    pub outbox_capacity: usize,
    /// Where the server counts; keep a clone to read it.
    pub stats: Arc<ServerStats>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 256,
            max_in_flight: MAX_IN_FLIGHT,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            outbox_capacity: 256,
            stats: Arc::default(),
        }
    }
}

/// Counters of a server.
#[derive(Debug, Default)]
pub struct ServerStats {
    connections: AtomicU32,
    clients: AtomicU32,
    peak_queued_bytes: AtomicU64,
    skipped_events: AtomicU64,
}

impl ServerStats {
    /// Clients that are connected and said hello.
    pub fn clients(&self) -> u32 {
        self.clients.load(Ordering::Relaxed)
    }

    /// The most bytes that ever waited for one connection.
    pub fn peak_queued_bytes(&self) -> u64 {
        self.peak_queued_bytes.load(Ordering::Relaxed)
    }

    /// Events that slow readers missed, in all.
    pub fn skipped_events(&self) -> u64 {
        self.skipped_events.load(Ordering::Relaxed)
    }

    pub(crate) fn client_came(self: &Arc<Self>) -> ClientCount {
        self.clients.fetch_add(1, Ordering::Relaxed);
        ClientCount(Arc::clone(self))
    }

    pub(crate) fn note_outbox(&self, peak_bytes: usize, skipped: u64) {
        self.peak_queued_bytes
            .fetch_max(peak_bytes as u64, Ordering::Relaxed);
        self.skipped_events.fetch_add(skipped, Ordering::Relaxed);
    }
}

/// One client in [`ServerStats::clients`], until it is dropped.
pub(crate) struct ClientCount(Arc<ServerStats>);

impl Drop for ClientCount {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

struct ConnectionCount(Arc<ServerStats>);

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves the socket until `shutdown`; connections then finish what they have, for at most 2 s, as
/// tasks of `tracker`. Returning removes the socket.
///
/// Cancel `shutdown` after the last event was published: a connection still sends what its stream
/// of events has at that moment.
pub async fn serve(
    listener: Listener,
    service: Arc<dyn Service>,
    options: ServerOptions,
    shutdown: CancellationToken,
    tracker: TaskTracker,
) {
    let options = Arc::new(options);
    let mut last_id = 0_u64;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let Some(count) = admit(&stream, &options) else {
            continue;
        };
        last_id += 1;
        let span = tracing::info_span!("connection", conn = last_id);
        let task = connection::run(
            stream,
            Arc::clone(&service),
            Arc::clone(&options),
            last_id,
            shutdown.clone(),
        );
        tracker.spawn(
            async move {
                task.await;
                drop(count);
            }
            .instrument(span),
        );
    }
}

/// Counts the connection; `None` when it may not stay.
fn admit(stream: &Stream, options: &ServerOptions) -> Option<ConnectionCount> {
    let verdict = match peer::peer_of(stream) {
        Ok(peer) => peer::check(peer),
        Err(error) => {
            tracing::warn!(%error, "closed a connection: its user is not known");
            return None;
        }
    };
    if let Err(error) = verdict {
        tracing::warn!(%error, "closed a connection");
        return None;
    }
    let before = options.stats.connections.fetch_add(1, Ordering::Relaxed);
    let count = ConnectionCount(Arc::clone(&options.stats));
    if before < options.max_connections {
        return Some(count);
    }
    tracing::warn!(
        max = options.max_connections,
        "closed a connection: too many"
    );
    let error = ApiError::new(
        ErrorCode::Overloaded,
        format!("{} clients are connected already", options.max_connections),
    )
    .with_hint("close some clients and try again");
    if let Ok(line) = encode_line(&Response::from_result(None, Err(error))) {
        // A fresh socket takes a short line at once; a client that cannot take it gets the close.
        let mut writer = stream;
        writer.write_all(&line).now_or_never();
    }
    None
}
