//! One line of an answer, and what it says. Only the fields in use are read.

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::deltas::{last_words, say};
use crate::dialect::{Fault, Reader, Taken};

/// A line of a stream, or a whole answer, which has the same fields.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    prompt_eval_cached_count: Option<u64>,
    eval_count: Option<u64>,
    /// An error in a stream that began well.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message<'a> {
    content: Option<String>,
    thinking: Option<String>,
    #[serde(borrow)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    /// Older servers give none.
    id: Option<String>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(default)]
    name: String,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// What was said so far that the end depends on.
#[derive(Default)]
pub(super) struct Answer {
    n_calls: u32,
    stop: Option<StopReason>,
    usage: Option<Usage>,
}

impl Reader for Answer {
    fn take(&mut self, event: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault> {
        let record: Record<'_> = serde_json::from_slice(event)
            .map_err(|failure| Fault::NotUnderstood(failure.to_string()))?;
        self.take_record(record, out)?;
        Ok(if self.stop.is_some() {
            Taken::Last
        } else {
            Taken::More
        })
    }

    fn is_finished(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        last_words(self.usage.take(), self.stop, self.n_calls > 0, out);
    }
}

impl Answer {
    /// Appends what the line says to `out`.
    fn take_record(
        &mut self,
        record: Record<'_>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Fault> {
        if let Some(error) = record.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(json!({"error": error})));
        }
        if let Some(message) = record.message {
            self.take_message(message, out);
        }
        if record.done {
            if record.prompt_eval_count.is_some() || record.eval_count.is_some() {
                self.usage = Some(Usage {
                    input_tokens: record.prompt_eval_count.unwrap_or(0),
                    cached_tokens: record.prompt_eval_cached_count.unwrap_or(0),
                    output_tokens: record.eval_count.unwrap_or(0),
                    model_calls: 1,
                    ..Usage::default()
                });
            }
            self.stop = Some(match record.done_reason.as_deref() {
                Some("length") => StopReason::Length,
                // It says `stop` after calls too; `load` and `unload` come without an answer.
                _ => StopReason::End,
            });
        }
        Ok(())
    }

    fn take_message(&mut self, message: Message<'_>, out: &mut VecDeque<ModelDelta>) {
        say(message.thinking, ModelDelta::Reasoning, out);
        say(message.content, ModelDelta::Text, out);
        for call in message.tool_calls.into_iter().flatten() {
            let Some(function) = call.function else {
                continue;
            };
            out.push_back(ModelDelta::ToolCall {
                // The server's own numbers are not in every version, and not always apart.
                index: self.n_calls,
                id: call.id.unwrap_or_default(),
                name: function.name,
                arguments: function.arguments.map_or("{}", RawValue::get).to_owned(),
            });
            self.n_calls += 1;
        }
    }
}

#[cfg(test)]
mod tests;
