//! How many calls may begin in a while (`security_rate_limit_max`, `security_rate_limit_window_secs`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mesoclaw_api::SessionId;
use mesoclaw_config::Config;
use tokio::time::Instant;

/// Counts the calls of each session. Those that are run by themselves count together.
#[derive(Default)]
pub(crate) struct Rate {
    begun: Mutex<HashMap<Option<SessionId>, VecDeque<Instant>>>,
}

impl Rate {
    /// Counts a call.
    ///
    /// # Errors
    /// Too many began already: a sentence that says when to go on.
    pub fn count(&self, session_id: Option<&SessionId>, config: &Config) -> Result<(), String> {
        let limit = config.security_rate_limit_max as usize;
        if limit == 0 {
            return Ok(());
        }
        let window = Duration::from_secs(config.security_rate_limit_window_secs.into());
        let now = Instant::now();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, times| {
            times.retain(|at| now.duration_since(*at) < window);
            !times.is_empty()
        });
        let times = begun.entry(session_id.cloned()).or_default();
        if times.len() >= limit {
            let oldest = times.front().copied().unwrap_or(now);
            let wait = window.saturating_sub(now.duration_since(oldest));
            return Err(format!(
                "{limit} tool calls began within {} s, which is the limit \
                 (security_rate_limit_max); the next one may begin in {} s",
                window.as_secs(),
                wait.as_secs().max(1)
            ));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_has_its_own_window_and_goes_on_after_it() {
        let rate = Rate::default();
        let config = Config {
            security_rate_limit_max: 2,
            security_rate_limit_window_secs: 10,
            ..Config::default()
        };
        let one = SessionId::from("one");
        assert_eq!(rate.count(Some(&one), &config), Ok(()));
        assert_eq!(rate.count(Some(&one), &config), Ok(()));
        let refused = rate.count(Some(&one), &config).unwrap_err();
        assert!(refused.contains("in 10 s"), "{refused}");
        assert_eq!(rate.count(None, &config), Ok(()));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(rate.count(Some(&one), &config), Ok(()));
    }
}
