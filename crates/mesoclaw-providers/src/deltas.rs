//! Deltas as every dialect makes them of what its server said.

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;

/// Appends a text where there is one; an empty one says nothing.
pub(crate) fn say(
    text: Option<String>,
    make: fn(String) -> ModelDelta,
    out: &mut VecDeque<ModelDelta>,
) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        out.push_back(make(text));
    }
}

/// A piece of the call with this number.
pub(crate) fn piece(at: usize, id: String, name: String, arguments: String) -> ModelDelta {
    ModelDelta::ToolCall {
        index: u32::try_from(at).unwrap_or(u32::MAX),
        id,
        name,
        arguments,
    }
}

/// The last words of an answer: usage, where the server told it, and why the answer is over.
/// Servers that say a plain end after calls, or nothing at all, mean the calls.
pub(crate) fn last_words(
    usage: Option<Usage>,
    stop: Option<StopReason>,
    has_calls: bool,
    out: &mut VecDeque<ModelDelta>,
) {
    if let Some(usage) = usage {
        out.push_back(ModelDelta::Usage(usage));
    }
    out.push_back(ModelDelta::Stop(match stop {
        None | Some(StopReason::End) if has_calls => StopReason::ToolCalls,
        None => StopReason::End,
        Some(stop) => stop,
    }));
}
