//! The way from the engine's thread to the reader of an answer.
//!
//! The engine never waits for a reader. Text the reader has not taken yet is merged, so at most
//! the text of one answer (bounded by the context) and two closing deltas are kept.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use mesoclaw_agent::model::{ModelDelta, ModelError};

use crate::error::LocalError;

#[derive(Default)]
struct State {
    queue: VecDeque<Result<ModelDelta, ModelError>>,
    is_finished: bool,
    is_abandoned: bool,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Shared(Mutex<State>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end.
pub(crate) struct Outbox(Arc<Shared>);

/// The reader's end; dropping it stops the answer.
pub(crate) struct Answer(Arc<Shared>);

/// Both ends of a new answer.
pub(crate) fn outbox() -> (Outbox, Answer) {
    let shared = Arc::new(Shared::default());
    (Outbox(Arc::clone(&shared)), Answer(shared))
}

impl Outbox {
    /// Whether nobody reads any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.lock().is_abandoned
    }

    /// Adds a piece.
    pub(crate) fn push(&self, delta: ModelDelta) {
        let mut state = self.0.lock();
        match (state.queue.back_mut(), delta) {
            (Some(Ok(ModelDelta::Text(waiting))), ModelDelta::Text(text)) => {
                waiting.push_str(&text);
            }
            (_, delta) => state.queue.push_back(Ok(delta)),
        }
        wake(state);
    }

    /// Ends the answer well.
    pub(crate) fn finish(self) {
        self.0.lock().is_finished = true;
    }

    /// Ends the answer with an error.
    pub(crate) fn fail(self, error: LocalError) {
        let mut state = self.0.lock();
        state.queue.push_back(Err(error.into()));
        state.is_finished = true;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if !state.is_finished {
            state.queue.push_back(Err(LocalError::Worker.into()));
            state.is_finished = true;
        }
        wake(state);
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Stream for Answer {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock();
        if let Some(item) = state.queue.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.is_finished {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_abandoned = true;
        state.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn text(text: &str) -> ModelDelta {
        ModelDelta::Text(text.to_owned())
    }

    #[test]
    fn text_nobody_took_is_merged_and_the_end_comes_last() {
        let (outbox, answer) = outbox();
        for piece in ["a", "b", "c"] {
            outbox.push(text(piece));
        }
        outbox.push(ModelDelta::Stop(mesoclaw_agent::model::StopReason::End));
        outbox.finish();
        let all: Vec<_> = answer.collect().now_or_never().unwrap();
        assert_eq!(
            all,
            [
                Ok(text("abc")),
                Ok(ModelDelta::Stop(mesoclaw_agent::model::StopReason::End))
            ]
        );
    }

    #[test]
    fn engine_that_dies_ends_the_answer_with_an_error() {
        let (outbox, mut answer) = outbox();
        assert!(answer.next().now_or_never().is_none());
        drop(outbox);
        let item = answer.next().now_or_never().unwrap().unwrap();
        assert_eq!(item, Err(LocalError::Worker.into()));
        assert!(answer.next().now_or_never().unwrap().is_none());
    }

    #[test]
    fn dropped_reader_is_noticed() {
        let (outbox, answer) = outbox();
        assert!(!outbox.is_abandoned());
        drop(answer);
        assert!(outbox.is_abandoned());
    }
}
