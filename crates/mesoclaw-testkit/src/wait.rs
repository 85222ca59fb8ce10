//! Waiting for a condition of another process, which can only be asked again and again.

use std::time::{Duration, Instant};

/// Longest time anything waits.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Asks until there is an answer; `None` when none came within `limit`.
pub(crate) fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
