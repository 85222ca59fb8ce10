//! One chunk of an answer, and what it says. Only the fields in use are read; a chunk is parsed
//! once and its text moved, not copied.

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::Deserialize;
use serde_json::Value;

/// A `chat.completion.chunk`, or a whole `chat.completion`, whose `message` has the same fields.
#[derive(Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<WireUsage>,
    /// An error in a stream that began well.
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    /// DeepSeek, llama.cpp, vLLM.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// OpenRouter, Ollama; a server that sends both says the same in both.
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<Arguments>,
}

/// Text, by the protocol; some servers send the object itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Arguments {
    Text(String),
    Object(Value),
}

#[derive(Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

/// What was said so far that later chunks depend on.
#[derive(Default)]
pub(super) struct Answer {
    finish_reason: Option<String>,
    usage: Option<Usage>,
    /// Ids of the calls, by index: a call without an index is told by its id.
    call_ids: Vec<String>,
}

impl Answer {
    /// Whether the server said why the answer ends.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Appends what the chunk says to `out`.
    pub(super) fn take(&mut self, chunk: Chunk, out: &mut VecDeque<ModelDelta>) {
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                input_tokens: usage.prompt_tokens.unwrap_or(0),
                cached_tokens: usage
                    .prompt_tokens_details
                    .and_then(|details| details.cached_tokens)
                    .unwrap_or(0),
                output_tokens: usage.completion_tokens.unwrap_or(0),
                model_calls: 1,
            });
        }
        // One answer was asked for; others, if any, are not ours.
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            if let Some(delta) = choice.delta {
                self.take_delta(delta, out);
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish_reason = Some(reason);
            }
        }
    }

    fn take_delta(&mut self, delta: Delta, out: &mut VecDeque<ModelDelta>) {
        let reasoning = delta
            .reasoning_content
            .filter(|text| !text.is_empty())
            .or(delta.reasoning.filter(|text| !text.is_empty()));
        if let Some(text) = reasoning {
            out.push_back(ModelDelta::Reasoning(text));
        }
        for text in [delta.content, delta.refusal].into_iter().flatten() {
            if !text.is_empty() {
                out.push_back(ModelDelta::Text(text));
            }
        }
        for call in delta.tool_calls.into_iter().flatten() {
            let id = call.id.unwrap_or_default();
            let index = self.call_index(call.index, &id);
            let (name, arguments) = match call.function {
                Some(function) => (function.name, function.arguments),
                None => (None, None),
            };
            out.push_back(ModelDelta::ToolCall {
                index,
                id,
                name: name.unwrap_or_default(),
                arguments: match arguments {
                    None | Some(Arguments::Object(Value::Null)) => String::new(),
                    Some(Arguments::Text(text)) => text,
                    Some(Arguments::Object(object)) => object.to_string(),
                },
            });
        }
    }

    /// The number of a call: the server's, else that of its id, else that of the last call.
    fn call_index(&mut self, index: Option<u32>, id: &str) -> u32 {
        let last = self.call_ids.len().saturating_sub(1);
        let at = match index {
            // No answer has that many calls; a wild number must not cost memory.
            Some(index) => usize::try_from(index).unwrap_or(usize::MAX).min(4096),
            None if id.is_empty() => last,
            None => self
                .call_ids
                .iter()
                .position(|known| known == id)
                .unwrap_or(self.call_ids.len()),
        };
        if self.call_ids.len() <= at {
            self.call_ids.resize(at + 1, String::new());
        }
        if let Some(known) = self.call_ids.get_mut(at)
            && !id.is_empty()
        {
            id.clone_into(known);
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The last words: usage, where the server told it, and why the answer is over.
    pub(super) fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        if let Some(usage) = self.usage.take() {
            out.push_back(ModelDelta::Usage(usage));
        }
        out.push_back(ModelDelta::Stop(self.stop_reason()));
    }

    fn stop_reason(&self) -> StopReason {
        match self.finish_reason.as_deref() {
            Some("length" | "max_tokens" | "model_length") => StopReason::Length,
            Some("content_filter") => StopReason::Filtered,
            Some("tool_calls" | "function_call") => StopReason::ToolCalls,
            // Some servers say `stop` after calls, and every server has words of its own for it.
            _ if !self.call_ids.is_empty() => StopReason::ToolCalls,
            _ => StopReason::End,
        }
    }
}

#[cfg(test)]
mod tests;
