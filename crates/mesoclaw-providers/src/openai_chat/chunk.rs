//! One chunk of an answer, and what it says. Only the fields in use are read; a chunk is parsed
//! once and its text moved, not copied.

use std::collections::VecDeque;
use std::fmt;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::deltas::{last_words, say};
use crate::dialect::Fault;

/// Finish reasons of an answer that the server did not finish: DeepSeek, Mistral, OpenRouter, vLLM.
const FAILURES: [&str; 3] = ["abort", "error", "insufficient_system_resource"];

/// A `chat.completion.chunk`, or a whole `chat.completion`, whose `message` has the same fields.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    /// Boxed, as is all that few chunks have: a chunk is moved about for every token.
    #[serde(default)]
    usage: Option<Box<WireUsage>>,
    /// Groq.
    #[serde(default)]
    x_groq: Option<XGroq>,
    /// An error in a stream that began well.
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<Delta>,
    /// What a whole answer has in place of `delta`. Perplexity sends it beside `delta`, with all
    /// that was said so far, so it is read only where there is nothing else.
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// Moonshot.
    #[serde(default)]
    usage: Option<Box<WireUsage>>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Content>,
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

/// Text, by the protocol; Mistral's thinking models send parts. Read by hand: this is the field of
/// every token, and an untagged enum would be read twice.
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of parts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
    }
}

/// A part of a text or of a thought; its other fields say nothing to a reader.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thinking: Option<Thinking>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Thinking {
    Text(String),
    Parts(Vec<Thought>),
}

#[derive(Deserialize)]
struct Thought {
    #[serde(default)]
    text: String,
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
struct XGroq {
    #[serde(default)]
    usage: Option<Box<WireUsage>>,
}

#[derive(Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    /// Moonshot.
    #[serde(default)]
    cached_tokens: Option<u64>,
    /// DeepSeek.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    /// OpenRouter.
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    fn counted(self) -> Usage {
        let input_tokens = self.prompt_tokens.unwrap_or(0);
        let reasoning_tokens = self
            .completion_tokens_details
            .and_then(|details| details.reasoning_tokens)
            .unwrap_or(0);
        let mut output_tokens = self.completion_tokens.unwrap_or(0);
        // xAI counts reasoning beside the answer; the total shows it.
        let with_reasoning = output_tokens.saturating_add(reasoning_tokens);
        if reasoning_tokens > 0
            && self.total_tokens == Some(input_tokens.saturating_add(with_reasoning))
        {
            output_tokens = with_reasoning;
        }
        let details = self.prompt_tokens_details;
        let written = details
            .as_ref()
            .and_then(|details| details.cache_write_tokens);
        let cached = details.and_then(|details| details.cached_tokens);
        Usage {
            input_tokens,
            cached_tokens: cached
                .or(self.prompt_cache_hit_tokens)
                .or(self.cached_tokens)
                .unwrap_or(0),
            output_tokens,
            reasoning_tokens,
            cache_write_tokens: written.unwrap_or(0),
            model_calls: 1,
        }
    }
}

impl Part {
    fn push(self, out: &mut VecDeque<ModelDelta>) {
        let thoughts = match self.thinking {
            None => Vec::new(),
            Some(Thinking::Text(text)) => vec![text],
            Some(Thinking::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
        };
        for text in thoughts {
            say(Some(text), ModelDelta::Reasoning, out);
        }
        say(self.text, ModelDelta::Text, out);
    }
}

impl Chunk<'_> {
    /// Whether it says nothing of what chunks say.
    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_none() && self.usage.is_none() && self.x_groq.is_none()
    }
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
    pub(super) fn has_finish_reason(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Appends what the chunk says to `out`.
    pub(super) fn take_chunk(
        &mut self,
        chunk: Chunk<'_>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Fault> {
        let usage = chunk.usage.or(chunk.x_groq.and_then(|groq| groq.usage));
        if let Some(usage) = usage {
            self.usage = Some(usage.counted());
        }
        // One answer was asked for; others, if any, are not ours.
        let choices = chunk.choices.into_iter().flatten();
        for choice in choices.filter(|choice| choice.index == 0) {
            if let Some(delta) = delta_of(choice.delta, choice.message)? {
                self.take_delta(delta, out);
            }
            if let Some(usage) = choice.usage {
                self.usage = Some(usage.counted());
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                if FAILURES.contains(&&*reason) {
                    return Err(Fault::Reported(json!({"error": {"type": reason}})));
                }
                self.finish_reason = Some(reason);
            }
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: Delta, out: &mut VecDeque<ModelDelta>) {
        let reasoning = delta.reasoning_content.filter(|text| !text.is_empty());
        say(reasoning.or(delta.reasoning), ModelDelta::Reasoning, out);
        match delta.content {
            None => {}
            Some(Content::Text(text)) => say(Some(text), ModelDelta::Text, out),
            Some(Content::Parts(parts)) => {
                for part in parts {
                    part.push(out);
                }
            }
        }
        say(delta.refusal, ModelDelta::Text, out);
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
    pub(super) fn last_words(&mut self, out: &mut VecDeque<ModelDelta>) {
        let stop = match self.finish_reason.as_deref() {
            Some("length" | "max_tokens" | "model_length") => StopReason::Length,
            Some("content_filter") => StopReason::Filtered,
            Some("tool_calls" | "function_call") => StopReason::ToolCalls,
            // Every server has words of its own for it.
            _ => StopReason::End,
        };
        let has_calls = !self.call_ids.is_empty();
        last_words(self.usage.take(), Some(stop), has_calls, out);
    }
}

fn delta_of(delta: Option<Delta>, message: Option<&RawValue>) -> Result<Option<Delta>, Fault> {
    match (delta, message) {
        (None, Some(message)) => serde_json::from_str(message.get())
            .map_err(|failure| Fault::NotUnderstood(failure.to_string())),
        (delta, _) => Ok(delta),
    }
}

#[cfg(test)]
mod tests;
