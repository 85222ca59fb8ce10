//! How long to wait before another try.

use std::time::Duration;

/// First wait before another try; it doubles each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// Longest wait of our own choice.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The wait after try number `attempt` (from 1): doubling, with up to a quarter of jitter.
pub(super) fn backoff(attempt: u32, jitter: f64) -> Duration {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << (attempt - 1).min(10));
    doubled.min(LONGEST_BACKOFF).mul_f64(1.0 - jitter / 4.0)
}

/// A number from 0 to 1 that differs between clients: two of them must not retry in step.
pub(super) fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_bounded() {
        for (attempt, ms) in [(1, 500), (2, 1000), (3, 2000), (30, 30_000)] {
            assert_eq!(backoff(attempt, 0.0), Duration::from_millis(ms));
            assert_eq!(backoff(attempt, 1.0), Duration::from_millis(ms * 3 / 4));
        }
        assert!((0.0..=1.0).contains(&jitter()));
    }
}
