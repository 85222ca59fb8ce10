//! One `GenerateContentResponse` of an answer, and what it says. Only the fields in use are read.

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::deltas::{last_words, say};
use crate::dialect::{Fault, Reader, Taken};

/// A chunk of a stream, or a whole answer, which has the same fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    prompt_feedback: Option<PromptFeedback>,
    usage_metadata: Option<UsageMetadata>,
    /// An error in a stream that began well.
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    content: Option<Content<'a>>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    text: Option<String>,
    /// Whether `text` is thinking.
    thought: Option<bool>,
    thought_signature: Option<String>,
    #[serde(borrow)]
    function_call: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
struct FunctionCall<'a> {
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

/// Counts of tokens.
#[derive(Deserialize)]
struct UsageMetadata {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use_prompt: Option<u64>,
    /// A part of `prompt`.
    #[serde(rename = "cachedContentTokenCount")]
    cached: Option<u64>,
    /// Without the thoughts.
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<u64>,
}

impl UsageMetadata {
    fn usage(&self) -> Usage {
        let reasoning = self.thoughts.unwrap_or(0);
        let prompt = self.prompt.unwrap_or(0);
        Usage {
            input_tokens: prompt.saturating_add(self.tool_use_prompt.unwrap_or(0)),
            cached_tokens: self.cached.unwrap_or(0),
            output_tokens: self.candidates.unwrap_or(0).saturating_add(reasoning),
            reasoning_tokens: reasoning,
            cache_write_tokens: 0,
            model_calls: 1,
        }
    }
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
        let chunk: Chunk<'_> = serde_json::from_slice(event)
            .map_err(|failure| Fault::NotUnderstood(failure.to_string()))?;
        self.take_chunk(chunk, out)?;
        Ok(Taken::More)
    }

    fn is_finished(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        // Gemini says `STOP` after calls too.
        last_words(self.usage.take(), self.stop, self.n_calls > 0, out);
    }
}

impl Answer {
    /// Appends what the chunk says to `out`.
    fn take_chunk(
        &mut self,
        chunk: Chunk<'_>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Fault> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(json!({"error": error})));
        }
        if let Some(usage) = chunk.usage_metadata {
            self.usage = Some(usage.usage());
        }
        // Without an answer there are no candidates, only the reason why.
        let blocked = chunk.prompt_feedback.and_then(|it| it.block_reason);
        if blocked.is_some_and(|reason| reason != "BLOCK_REASON_UNSPECIFIED") {
            self.stop = Some(StopReason::Filtered);
        }
        // One answer was asked for; others, if any, are not ours.
        let candidates = chunk.candidates.into_iter().flatten();
        for candidate in candidates.filter(|candidate| candidate.index == 0) {
            let parts = candidate.content.and_then(|content| content.parts);
            for part in parts.into_iter().flatten() {
                self.take_part(part, out);
            }
            if let Some(reason) = candidate.finish_reason {
                self.take_finish_reason(&reason, candidate.finish_message)?;
            }
        }
        Ok(())
    }

    fn take_part(&mut self, part: Part<'_>, out: &mut VecDeque<ModelDelta>) {
        let make = if part.thought == Some(true) {
            ModelDelta::Reasoning
        } else {
            ModelDelta::Text
        };
        say(part.text, make, out);
        let Some(call) = part.function_call else {
            return;
        };
        let index = self.n_calls;
        self.n_calls += 1;
        out.push_back(ModelDelta::ToolCall {
            index,
            id: call.id.unwrap_or_default(),
            name: call.name,
            arguments: call.args.map_or("{}", RawValue::get).to_owned(),
        });
        if let Some(signature) = part.thought_signature {
            out.push_back(ModelDelta::CallSignature { index, signature });
        }
    }

    fn take_finish_reason(&mut self, reason: &str, message: Option<String>) -> Result<(), Fault> {
        self.stop = Some(match reason {
            "" | "FINISH_REASON_UNSPECIFIED" => return Ok(()),
            "MAX_TOKENS" => StopReason::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => StopReason::Filtered,
            // What the model made is no answer; another try makes another one.
            "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS" => {
                return Err(Fault::Reported(
                    json!({"error": {"type": reason, "message": message}}),
                ));
            }
            // The fault is in the request, so the same request has it again.
            "MISSING_THOUGHT_SIGNATURE" => {
                return Err(Fault::Reported(
                    json!({"error": {"code": 400, "type": reason, "message": message}}),
                ));
            }
            _ => StopReason::End,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
