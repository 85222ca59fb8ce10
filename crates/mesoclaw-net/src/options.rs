//! What a guard allows and how long it waits.

use std::time::Duration;

use crate::allow::HostPattern;

/// The limits of a guard. The defaults suit reading web pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuardOptions {
    /// Hosts that may have private addresses.
    pub allow_private: Vec<HostPattern>,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured. A proxy
    /// resolves names by itself, so addresses are then checked but not pinned.
    pub environment_proxy: bool,
    /// From the call to the last byte, redirects and resolution included.
    pub total_timeout: Duration,
    /// For one connection.
    pub connect_timeout: Duration,
    /// Without a byte.
    pub idle_timeout: Duration,
    /// Fewer than this, over ten seconds, is as good as nothing; 0 = no such limit.
    pub min_bytes_per_sec: u64,
    /// Redirects one after another.
    pub max_redirects: usize,
    /// Of an answer, after decompression.
    pub max_body_bytes: u64,
    /// Of an answer, as it comes over the wire.
    pub max_wire_bytes: u64,
    /// Names and values of an answer's header together.
    pub max_header_bytes: u64,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            allow_private: Vec::new(),
            environment_proxy: false,
            total_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(15),
            min_bytes_per_sec: 50,
            max_redirects: 5,
            max_body_bytes: 5 * 1024 * 1024,
            max_wire_bytes: 5 * 1024 * 1024,
            max_header_bytes: 64 * 1024,
        }
    }
}
