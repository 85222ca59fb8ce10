//! Tools for models that know none: the prompt lists them, and calls are read out of the text.
//!
//! A call is a block between `<tool_call>` and `</tool_call>` that holds one JSON object with
//! `name` and `arguments`, the form many open models were trained on. The reader is strict: only
//! such a block is a call; everything else is the answer. A block whose JSON is broken is still a
//! call, one with broken arguments, so the model is told what is wrong with it.

mod reader;
mod request;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::model::{ModelClient, ModelDelta, ModelError, ModelRequest, ModelStream};
use crate::prompted_tools::reader::Reader;

pub use self::request::needs_rewriting;

/// What begins a call.
const OPEN: &str = "<tool_call>";
/// What ends it.
const CLOSE: &str = "</tool_call>";

/// A client of a model without tools, for callers that use tools.
pub struct PromptedTools {
    inner: Arc<dyn ModelClient>,
}

impl PromptedTools {
    /// Puts tools into the prompts of `inner`.
    pub fn new(inner: Arc<dyn ModelClient>) -> Self {
        Self { inner }
    }
}

impl ModelClient for PromptedTools {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        if !needs_rewriting(&request) {
            return self.inner.stream(request);
        }
        Box::pin(Answer {
            inner: self.inner.stream(request::rewritten(request)),
            reader: Reader::default(),
            ready: VecDeque::new(),
            is_over: false,
        })
    }
}

/// An answer whose text is read for calls.
struct Answer {
    inner: ModelStream,
    reader: Reader,
    /// What was read and not yet given.
    ready: VecDeque<Result<ModelDelta, ModelError>>,
    is_over: bool,
}

impl Stream for Answer {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.ready.pop_front() {
                return Poll::Ready(Some(item));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let Poll::Ready(item) = this.inner.as_mut().poll_next(cx) else {
                return Poll::Pending;
            };
            let mut deltas = Vec::new();
            let last = match item {
                Some(Ok(delta)) => {
                    this.reader.take(delta, &mut deltas);
                    None
                }
                Some(Err(error)) => {
                    // What was held back may be the beginning of a call, or plain text: shown.
                    this.reader.give_up(&mut deltas);
                    Some(Err(error))
                }
                None => {
                    this.reader.give_up(&mut deltas);
                    this.is_over = true;
                    None
                }
            };
            this.ready.extend(deltas.into_iter().map(Ok));
            this.ready.extend(last);
        }
    }
}

#[cfg(test)]
mod tests;
