//! The chat-completions dialect: any server that speaks OpenAI's `POST /chat/completions`.
//!
//! rig-core makes the request (`request.rs`): its message and tool types, the preparation of the
//! history, the JSON body with the dialect's field names, the URL. The answer does not go
//! through rig's client. What that client cannot give, read in rig-core 0.44.0:
//!
//! * Cost: every chunk is parsed three times (error envelope, value, rebuilt document) and the
//!   whole answer is kept twice; ours is parsed once into the fields we use.
//! * Tool calls: its events carry neither the provider's id before the end of the call nor the
//!   index, and arguments that are not JSON are repaired. A turn needs the pieces as they came.
//! * Endings: an unknown `finish_reason` fails the whole turn, `[DONE]` without one counts as cut
//!   off. Compatible servers do both.
//! * Time-outs: it has none for the first token or between two.
//! * Servers that answer a streaming request with one JSON object are refused by content type.
//! * Its bundled HTTP client is one for all and follows redirects; ours is made per endpoint at
//!   the first request (`http.rs`).
//!
//! Status, headers and error bodies do come through rig's client; they are read here too since
//! the answer is.
//!
//! What providers want otherwise, by their id in the catalogue. Everything else about them is read
//! from the answer itself, whoever sends it:
//!
//! * openai: `prompt_cache_key` is sent. OpenAI and Mistral document it; nobody else gets it, since
//!   compatible servers match prefixes by themselves and strict ones refuse unknown fields. The
//!   reasoning families get `max_completion_tokens` (rig's rule, by the model's name).
//! * mistral: `prompt_cache_key` as well; no `stream_options` (unknown fields are refused, and
//!   usage comes unasked); the seed is `random_seed`; ids of calls are nine letters and digits, so
//!   ids of another provider are replaced; `content` may be a list of parts, in which `thinking`
//!   parts are reasoning.
//! * deepseek: reasoning is `reasoning_content`, and rig sends that field back empty with every
//!   message of the model, as its thinking models want; cached tokens are
//!   `prompt_cache_hit_tokens`.
//! * moonshot: `cached_tokens` stands beside the other counts, and usage may be in the choice.
//! * groq: usage may be in `x_groq`.
//! * xai: `completion_tokens` leaves reasoning out; where `total_tokens` says so, it is added.
//! * openrouter: no `stream_options` (usage always comes); reasoning is `reasoning`; tokens
//!   written to a cache are `cache_write_tokens`; keep-alive comments are skipped like all.
//! * perplexity, mira: no `stream_options` (rig's tables). Perplexity repeats in `message` all that
//!   was said so far beside every `delta`.
//! * deepseek, mistral, openrouter, vLLM: a finish reason that says that the server failed
//!   (`error`, `abort`, `insufficient_system_resource`) is an error, not an end.
//! * together, huggingface, hyperbolic, galadriel, vercel-ai-gateway, llama.cpp, LM Studio, vLLM:
//!   nothing. Addresses hold their version part, so rig's tables of paths are not used.
//!
//! rig's own entries for these providers are not used for three reasons: they drop tools where
//! rig thinks a provider has none, they replace images where rig's list of models has no vision,
//! and they put `/v1` into paths. Which model has tools and vision is the catalogue's to say.

mod chunk;
pub(crate) mod request;

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, ModelError, ModelRequest};
use serde_json::{Value, json};

use self::chunk::{Answer, Chunk};
use crate::dialect::{Fault, Outgoing, Reader, Taken, Wire};
use crate::endpoint::Endpoint;

/// The dialect.
pub(crate) struct OpenAiChat;

impl Wire for OpenAiChat {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        request::encode(&endpoint.provider_id, &endpoint.base_url, request)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

impl Reader for Answer {
    fn take(&mut self, event: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault> {
        if event == b"[DONE]" {
            return Ok(Taken::Last);
        }
        let chunk: Chunk<'_> = serde_json::from_slice(event)
            .map_err(|failure| Fault::NotUnderstood(failure.to_string()))?;
        if let Some(reported) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            return Err(Fault::Reported(json!({"error": reported})));
        }
        if chunk.is_empty() {
            // vLLM's older error events are the error itself.
            let event: Value = serde_json::from_slice(event).unwrap_or_default();
            if event["object"] == "error" {
                return Err(Fault::Reported(event));
            }
        }
        self.take_chunk(chunk, out)?;
        Ok(Taken::More)
    }

    fn is_finished(&self) -> bool {
        self.has_finish_reason()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        self.last_words(out);
    }
}

#[cfg(test)]
mod tests;
