//! A provider that fails again and again is left alone for a while, so nobody waits for a time-out
//! that is sure to come.
//!
//! Closed: calls go through. After enough failures in a row it opens; when the pause is over one
//! call is let through, and its end decides.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a circuit opens and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CircuitLimits {
    /// Failures in a row that open it; 0 = never.
    pub failures: u32,
    /// How long it stays open.
    pub pause: Duration,
}

/// See the module documentation. One circuit a provider.
#[derive(Default)]
pub(crate) struct Circuits {
    providers: Mutex<HashMap<String, Circuit>>,
}

#[derive(Default)]
struct Circuit {
    n_failures: u32,
    open_until: Option<Instant>,
    is_trying: bool,
}

/// A circuit is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Open {
    /// Failures in a row.
    pub n_failures: u32,
    /// How long it stays open.
    pub remaining: Duration,
}

impl Circuits {
    /// Whether a provider may be asked now. Whoever asks it then says how that ended.
    ///
    /// # Errors
    /// It is left alone.
    pub fn enter(&self, provider_id: &str) -> Result<(), Open> {
        let mut providers = self.lock();
        let Some(circuit) = providers.get_mut(provider_id) else {
            return Ok(());
        };
        let Some(until) = circuit.open_until else {
            return Ok(());
        };
        let now = Instant::now();
        if now >= until && !circuit.is_trying {
            circuit.is_trying = true;
            return Ok(());
        }
        Err(Open {
            n_failures: circuit.n_failures,
            remaining: until.saturating_duration_since(now),
        })
    }

    /// Whether a provider is left alone now.
    pub fn is_open(&self, provider_id: &str) -> bool {
        let providers = self.lock();
        let until = providers
            .get(provider_id)
            .and_then(|circuit| circuit.open_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// A provider answered.
    pub fn succeeded(&self, provider_id: &str) {
        self.lock().remove(provider_id);
    }

    /// A provider could not be reached, kept silent, or its server failed.
    pub fn failed(&self, provider_id: &str, limits: CircuitLimits) {
        let mut providers = self.lock();
        let circuit = providers.entry(provider_id.to_owned()).or_default();
        circuit.n_failures = circuit.n_failures.saturating_add(1);
        circuit.is_trying = false;
        if limits.failures > 0 && circuit.n_failures >= limits.failures {
            circuit.open_until = Some(Instant::now() + limits.pause);
        }
    }

    /// A call was given up before anybody could tell how it would end.
    pub fn given_up(&self, provider_id: &str) {
        if let Some(circuit) = self.lock().get_mut(provider_id) {
            circuit.is_trying = false;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Circuit>> {
        self.providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CircuitLimits = CircuitLimits {
        failures: 2,
        pause: Duration::from_secs(30),
    };

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_one_call_tries() {
        let circuits = Circuits::default();
        circuits.failed("p", LIMITS);
        assert_eq!(circuits.enter("p"), Ok(()));
        circuits.failed("p", LIMITS);
        let open = |remaining| {
            Err(Open {
                n_failures: 2,
                remaining: Duration::from_secs(remaining),
            })
        };
        assert_eq!(circuits.enter("p"), open(30));
        assert_eq!(circuits.enter("q"), Ok(()));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(circuits.enter("p"), open(10));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(circuits.enter("p"), Ok(()));
        assert_eq!(circuits.enter("p"), open(0), "one call tries, not all");
        circuits.given_up("p");
        assert_eq!(circuits.enter("p"), Ok(()));
        circuits.succeeded("p");
        assert_eq!(circuits.enter("p"), Ok(()));
        circuits.failed("p", LIMITS);
        assert_eq!(circuits.enter("p"), Ok(()), "the count began anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_try_opens_it_again_and_zero_means_never() {
        let circuits = Circuits::default();
        for _ in 0..2 {
            circuits.failed("p", LIMITS);
        }
        tokio::time::advance(LIMITS.pause).await;
        assert_eq!(circuits.enter("p"), Ok(()));
        circuits.failed("p", LIMITS);
        assert_eq!(
            circuits.enter("p"),
            Err(Open {
                n_failures: 3,
                remaining: LIMITS.pause,
            })
        );
        let never = CircuitLimits {
            failures: 0,
            ..LIMITS
        };
        for _ in 0..100 {
            circuits.failed("q", never);
        }
        assert_eq!(circuits.enter("q"), Ok(()));
    }
}
