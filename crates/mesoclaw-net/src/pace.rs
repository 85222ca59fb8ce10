//! Notices a server that sends, but so slowly that it is as good as silent.

use std::time::Duration;

use tokio::time::Instant;

/// Time over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// The speed of one answer.
pub(crate) struct Pace {
    min_bytes_per_sec: u64,
    window: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(min_bytes_per_sec: u64) -> Self {
        Self {
            min_bytes_per_sec,
            window: WINDOW,
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts a piece; `false` = too slow since the last window began.
    pub(crate) fn is_kept(&mut self, n_bytes: u64, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(n_bytes);
        let passed = now.saturating_duration_since(self.since);
        if passed < self.window {
            return true;
        }
        let wanted = u128::from(self.min_bytes_per_sec) * passed.as_millis() / 1000;
        let is_kept = u128::from(self.bytes) >= wanted;
        self.since = now;
        self.bytes = 0;
        is_kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_byte_a_minute_is_too_slow() {
        for (min, step_secs, n_bytes, expected) in [
            (50, 60, 1, false),
            (50, 5, 100, false),
            (50, 5, 250, true),
            (1, 11, 11, true),
            (0, 60, 1, true),
        ] {
            let mut pace = Pace::new(min);
            let mut now = pace.since;
            let all = (0..4).all(|_| {
                now += Duration::from_secs(step_secs);
                pace.is_kept(n_bytes, now)
            });
            assert_eq!(all, expected, "{min} {step_secs} {n_bytes}");
        }
    }
}
