//! Counts of what the engine did, for status, tests and benches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the engine did since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EngineStats {
    /// Times a model was loaded.
    pub loads: u64,
    /// Times a model left memory.
    pub unloads: u64,
    /// Prompt tokens that were computed.
    pub computed_prompt_tokens: u64,
    /// Prompt tokens that were taken from the cache.
    pub cached_prompt_tokens: u64,
    /// Tokens that were generated.
    pub output_tokens: u64,
    /// Answers that ended, in whatever way.
    pub answers: u64,
}

/// How long the parts of the last whole answer took.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AnswerTimes {
    /// Milliseconds of loading the model that is in memory.
    pub load_ms: u64,
    /// Prompt tokens that were computed.
    pub computed_prompt_tokens: u64,
    /// Prompt tokens that were taken from the cache.
    pub cached_prompt_tokens: u64,
    /// Microseconds for the computed part of the prompt.
    pub prompt_us: u64,
    /// Tokens that were generated.
    pub output_tokens: u64,
    /// Microseconds for generating them.
    pub output_us: u64,
}

/// The counters behind [`EngineStats`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) loads: AtomicU64,
    pub(crate) unloads: AtomicU64,
    pub(crate) computed_prompt_tokens: AtomicU64,
    pub(crate) cached_prompt_tokens: AtomicU64,
    pub(crate) output_tokens: AtomicU64,
    pub(crate) answers: AtomicU64,
    last: Mutex<Option<AnswerTimes>>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> EngineStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStats {
            loads: read(&self.loads),
            unloads: read(&self.unloads),
            computed_prompt_tokens: read(&self.computed_prompt_tokens),
            cached_prompt_tokens: read(&self.cached_prompt_tokens),
            output_tokens: read(&self.output_tokens),
            answers: read(&self.answers),
        }
    }

    pub(crate) fn set_last(&self, times: AnswerTimes) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(times);
    }

    pub(crate) fn last(&self) -> Option<AnswerTimes> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
