//! One event of an answer, and what it says. Only the fields in use are read; an event is parsed
//! once and its text moved, not copied.

use std::borrow::Cow;
use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deltas::{last_words, piece, say};
use crate::dialect::{Fault, Reader, Taken};

/// An event of the stream, or a whole message, which has blocks, usage and reason itself.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    content_block: Option<Block<'a>>,
    #[serde(default)]
    message: Option<Begun>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(borrow, default)]
    content: Option<Vec<Block<'a>>>,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// What is left of an event that is not of the known form.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Begun {
    #[serde(default)]
    usage: Option<WireUsage>,
}

/// The delta of a block, or that of the message.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    input: Value,
}

/// Cumulative; a field that is not there is as it was.
#[derive(Deserialize)]
struct WireUsage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Option<u64>,
}

/// What was said so far that later events depend on.
#[derive(Default)]
pub(super) struct Answer {
    stop_reason: Option<String>,
    usage: Option<Counts>,
    /// The calls, in order.
    calls: Vec<Call>,
}

struct Call {
    /// Number of its block among all blocks.
    block: u32,
    /// Arguments that came with its beginning, until a piece of them comes by itself.
    whole: Option<String>,
}

/// Input that was neither read from the cache nor written to it is counted apart.
#[derive(Default)]
struct Counts {
    uncached: u64,
    cache_write: u64,
    cache_read: u64,
    output: u64,
    thinking: u64,
}

impl Reader for Answer {
    fn take(&mut self, event: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault> {
        let event = match serde_json::from_slice::<Event<'_>>(event) {
            Ok(event) => event,
            Err(failure) => return unknown(event, &failure),
        };
        match &*event.kind {
            "content_block_delta" => self.take_delta(event.index, event.delta, out),
            "content_block_start" => self.take_block(event.index, event.content_block, out),
            "content_block_stop" => self.end_block(event.index, out),
            "message_start" => self.count(event.message.and_then(|message| message.usage)),
            "message_delta" => {
                self.count(event.usage);
                self.stop(event.delta.and_then(|delta| delta.stop_reason));
            }
            "message_stop" => return Ok(Taken::Last),
            "error" => return Err(Fault::Reported(reported(event.error))),
            "message" => {
                self.take_whole(event, out);
                return Ok(Taken::Last);
            }
            _ => {}
        }
        Ok(Taken::More)
    }

    fn is_finished(&self) -> bool {
        self.stop_reason.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        let usage = self.usage.take().map(|counts| Usage {
            input_tokens: counts
                .uncached
                .saturating_add(counts.cache_write)
                .saturating_add(counts.cache_read),
            cached_tokens: counts.cache_read,
            output_tokens: counts.output,
            reasoning_tokens: counts.thinking,
            cache_write_tokens: counts.cache_write,
            model_calls: 1,
        });
        let stop = match self.stop_reason.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
            Some("refusal") => StopReason::Filtered,
            Some("tool_use") => StopReason::ToolCalls,
            // `end_turn` and `stop_sequence`. `pause_turn` asks to go on with a tool that runs at
            // the server; none is ever offered, and what was said until there is an answer.
            _ => StopReason::End,
        };
        last_words(usage, Some(stop), !self.calls.is_empty(), out);
    }
}

impl Answer {
    /// Signatures of thinking, citations and whatever comes later say nothing here.
    fn take_delta(&mut self, index: u32, delta: Option<Delta<'_>>, out: &mut VecDeque<ModelDelta>) {
        let Some(delta) = delta else { return };
        match &*delta.kind {
            "text_delta" => say(delta.text, ModelDelta::Text, out),
            "thinking_delta" => say(delta.thinking, ModelDelta::Reasoning, out),
            "input_json_delta" => {
                // The input of a tool that runs at the server is not ours to run.
                let Some(at) = self.calls.iter().rposition(|call| call.block == index) else {
                    return;
                };
                let arguments = delta.partial_json.unwrap_or_default();
                if arguments.is_empty() {
                    return;
                }
                if let Some(call) = self.calls.get_mut(at) {
                    call.whole = None;
                }
                out.push_back(piece(at, String::new(), String::new(), arguments));
            }
            _ => {}
        }
    }

    fn take_block(&mut self, index: u32, block: Option<Block<'_>>, out: &mut VecDeque<ModelDelta>) {
        let Some(block) = block else { return };
        match &*block.kind {
            "text" => say(block.text, ModelDelta::Text, out),
            "thinking" => say(block.thinking, ModelDelta::Reasoning, out),
            "tool_use" => {
                // The protocol begins with an empty object and sends pieces; some servers put the
                // whole object here.
                let whole = match block.input {
                    Value::Object(input) if !input.is_empty() => {
                        Some(Value::Object(input).to_string())
                    }
                    _ => None,
                };
                let at = self.calls.len();
                self.calls.push(Call {
                    block: index,
                    whole,
                });
                out.push_back(piece(at, block.id, block.name, String::new()));
            }
            _ => {}
        }
    }

    fn end_block(&mut self, index: u32, out: &mut VecDeque<ModelDelta>) {
        let Some(at) = self.calls.iter().rposition(|call| call.block == index) else {
            return;
        };
        let whole = self.calls.get_mut(at).and_then(|call| call.whole.take());
        if let Some(arguments) = whole {
            out.push_back(piece(at, String::new(), String::new(), arguments));
        }
    }

    fn take_whole(&mut self, message: Event<'_>, out: &mut VecDeque<ModelDelta>) {
        for (index, block) in (0..).zip(message.content.into_iter().flatten()) {
            self.take_block(index, Some(block), out);
            self.end_block(index, out);
        }
        self.count(message.usage);
        self.stop(message.stop_reason);
    }

    fn count(&mut self, usage: Option<WireUsage>) {
        let Some(usage) = usage else { return };
        let counts = self.usage.get_or_insert_default();
        let thinking = usage
            .output_tokens_details
            .and_then(|details| details.thinking_tokens);
        for (count, told) in [
            (&mut counts.uncached, usage.input_tokens),
            (&mut counts.cache_write, usage.cache_creation_input_tokens),
            (&mut counts.cache_read, usage.cache_read_input_tokens),
            (&mut counts.output, usage.output_tokens),
            (&mut counts.thinking, thinking),
        ] {
            *count = told.unwrap_or(*count);
        }
    }

    fn stop(&mut self, reason: Option<String>) {
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            self.stop_reason = Some(reason);
        }
    }
}

/// An event of a kind that is not known may have any form.
fn unknown(event: &[u8], failure: &serde_json::Error) -> Result<Taken, Fault> {
    match serde_json::from_slice::<Kind<'_>>(event) {
        Ok(event) if !is_known(&event.kind) => Ok(Taken::More),
        _ => Err(Fault::NotUnderstood(failure.to_string())),
    }
}

fn is_known(kind: &str) -> bool {
    kind.is_empty()
        || kind.starts_with("content_block_")
        || kind.starts_with("message")
        || kind == "error"
}

/// The error with the status that the maker lists for its type, under which it would have come
/// if the stream had not begun.
fn reported(error: Option<Value>) -> Value {
    let mut error = error.unwrap_or_default();
    let status = match error["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    };
    if let Some(error) = error.as_object_mut() {
        error.insert("code".to_owned(), status.into());
    }
    json!({"error": error})
}

#[cfg(test)]
mod tests;
