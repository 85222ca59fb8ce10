//! Drives one model call: the stream, and retries before anything was said.
//!
//! This is the only place that retries. Clock and jitter live here, the decision whether a failure
//! is worth another try comes from the error's class.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use mesoclaw_agent::model::{ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream};
use mesoclaw_agent::turn::Event;
use tokio::time::{Instant, Sleep};

use crate::models::ResolvedModel;

/// First wait before another try; it doubles each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// Longest wait before another try, also when the provider asks for more.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Deltas taken from the stream in one go.
const DELTAS_AT_ONCE: usize = 512;

/// A running model call.
pub(crate) struct ModelCall {
    model: ResolvedModel,
    request: ModelRequest,
    max_retries: u32,
    attempt: u32,
    has_emitted: bool,
    state: State,
}

enum State {
    Streaming(ModelStream),
    Waiting(std::pin::Pin<Box<Sleep>>),
    Over,
}

impl ModelCall {
    /// Starts the call.
    pub fn start(model: ResolvedModel, request: ModelRequest, max_retries: u32) -> Self {
        let state = State::Streaming(model.client.stream(request.clone()));
        Self {
            model,
            request,
            max_retries,
            attempt: 1,
            has_emitted: false,
            state,
        }
    }

    /// The next news for the machine: everything that is there by now, pieces of text joined.
    ///
    /// # Cancellation
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Vec<Event> {
        loop {
            match &mut self.state {
                State::Over => std::future::pending().await,
                State::Waiting(sleep) => {
                    sleep.as_mut().await;
                    let stream = self.model.client.stream(self.request.clone());
                    self.state = State::Streaming(stream);
                }
                State::Streaming(stream) => {
                    let first = stream.next().await;
                    return self.collect(first);
                }
            }
        }
    }

    fn collect(&mut self, first: Option<Result<ModelDelta, ModelError>>) -> Vec<Event> {
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some(piece) = next {
            match piece {
                Some(Ok(delta)) => self.take(delta, &mut events),
                Some(Err(error)) => self.fail(error, &mut events),
                None => {
                    let error = ModelError::new(
                        ModelErrorKind::BrokenStream,
                        "the answer broke off before its end",
                    );
                    self.fail(error, &mut events);
                }
            }
            next = match &mut self.state {
                State::Streaming(stream) if events.len() < DELTAS_AT_ONCE => {
                    stream.next().now_or_never()
                }
                State::Streaming(_) | State::Waiting(_) | State::Over => None,
            };
        }
        events
    }

    fn take(&mut self, delta: ModelDelta, events: &mut Vec<Event>) {
        match &delta {
            ModelDelta::Stop(_) => self.state = State::Over,
            ModelDelta::Text(_) | ModelDelta::Reasoning(_) | ModelDelta::ToolCall { .. } => {
                self.has_emitted = true;
            }
            ModelDelta::Usage(_) => {}
        }
        match (events.last_mut(), delta) {
            (Some(Event::ModelDelta(ModelDelta::Text(text))), ModelDelta::Text(more))
            | (Some(Event::ModelDelta(ModelDelta::Reasoning(text))), ModelDelta::Reasoning(more)) =>
            {
                text.push_str(&more);
            }
            (_, delta) => events.push(Event::ModelDelta(delta)),
        }
    }

    fn fail(&mut self, error: ModelError, events: &mut Vec<Event>) {
        let may_retry = error.kind.is_retryable()
            && !self.has_emitted
            && self.attempt <= self.max_retries
            && error.retry_after.is_none_or(|wait| wait <= LONGEST_BACKOFF);
        if !may_retry {
            self.state = State::Over;
            events.push(Event::ModelFailed(error));
            return;
        }
        let after = error
            .retry_after
            .unwrap_or_else(|| backoff(self.attempt, jitter()));
        self.attempt += 1;
        self.state = State::Waiting(Box::pin(tokio::time::sleep_until(Instant::now() + after)));
        events.push(Event::ModelRetrying {
            attempt: self.attempt,
            after,
            reason: error.message,
        });
    }
}

/// The wait after try number `attempt` (from 1): doubling, with up to a quarter of jitter.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << (attempt - 1).min(10));
    doubled.min(LONGEST_BACKOFF).mul_f64(1.0 - jitter / 4.0)
}

/// A number from 0 to 1 that differs between clients: two of them must not retry in step.
fn jitter() -> f64 {
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
