//! Limits both ends of a connection share.

use std::time::Duration;

/// Requests of one connection that may run at once.
pub(crate) const MAX_IN_FLIGHT: usize = 32;

/// Time a client has for `daemon.hello`, and a daemon for its answer.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A write is handed to the system when it has grown to this many bytes.
pub(crate) const WRITE_BYTES: usize = 64 * 1024;
