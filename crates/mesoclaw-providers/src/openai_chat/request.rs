//! A chat-completions request: rig's wire for the JSON and the address, and what some providers
//! need otherwise.

use mesoclaw_agent::model::{ModelError, ModelMessage, ModelRequest};
use mesoclaw_api::CallId;
use rig_core::providers::openai::wire::{Auth, BodyRewrite, Dialect, OutputCap, Quirks};
use rig_core::providers::openai::{OpenAIConfig, Route};
use serde_json::{Map, Value};

use crate::dialect::Outgoing;
use crate::rig_messages::{completion, encode_completion};

/// OpenAI's own dialect with the two spellings that compatible servers agree on.
const COMPATIBLE: Dialect = Dialect::gateway("openai-compatible", "", "").with_quirks(quirks());

/// The same for servers that tell their usage unasked and refuse to be asked.
const USAGE_UNASKED: Dialect =
    Dialect::gateway("openai-compatible", "", "").with_quirks(quirks().without_stream_usage());

/// `content` goes out as one string where it is only text: several servers know no part arrays
/// (rig keeps that rewrite under the name of the first provider that needed it). The output limit
/// is `max_tokens`, except for OpenAI's models that refuse the name. The key is added by the HTTP
/// client, rig never gets it.
const fn quirks() -> Quirks {
    let mut quirks = Quirks::openai();
    quirks.rewrite = BodyRewrite::Perplexity;
    quirks.output_cap = OutputCap::OpenAiReasoningFamilies;
    quirks.auth = Auth::OptionalBearer;
    quirks
}

/// What a provider wants otherwise than the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ways {
    /// Whether usage has to be asked for with `stream_options`.
    asks_for_usage: bool,
    /// Whether the conversation is named, for its prompt cache.
    sends_cache_key: bool,
    /// What the seed is called.
    seed: &'static str,
    /// Whether ids of calls have exactly nine letters and digits.
    has_short_call_ids: bool,
}

/// The common way.
const COMMON: Ways = Ways {
    asks_for_usage: true,
    sends_cache_key: false,
    seed: "seed",
    has_short_call_ids: false,
};

impl Ways {
    /// The ways of a provider of the catalogue; the module's text says where they are from.
    pub(super) fn of(provider_id: &str) -> Self {
        match provider_id {
            "openai" => Self {
                sends_cache_key: true,
                ..COMMON
            },
            "mistral" => Self {
                asks_for_usage: false,
                sends_cache_key: true,
                seed: "random_seed",
                has_short_call_ids: true,
            },
            "openrouter" | "perplexity" | "mira" => Self {
                asks_for_usage: false,
                ..COMMON
            },
            _ => COMMON,
        }
    }
}

/// Makes the request for a streamed answer.
pub(crate) fn encode(
    provider_id: &str,
    base_url: &str,
    mut request: ModelRequest,
) -> Result<Outgoing, ModelError> {
    let ways = Ways::of(provider_id);
    if ways.has_short_call_ids {
        shorten_call_ids(&mut request.messages);
    }
    let cache_key = std::mem::take(&mut request.cache_key);
    let mut request = completion(request)?;
    let mut fields = match request.additional_params.take() {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Some(seed) = fields.remove(COMMON.seed) {
        fields.insert(ways.seed.to_owned(), seed);
    }
    if ways.sends_cache_key && !cache_key.is_empty() {
        fields.insert("prompt_cache_key".to_owned(), Value::from(cache_key));
    }
    request.additional_params = (!fields.is_empty()).then_some(Value::Object(fields));
    let dialect = if ways.asks_for_usage {
        &COMPATIBLE
    } else {
        &USAGE_UNASKED
    };
    let model = request.model.clone().unwrap_or_default();
    let wire = OpenAIConfig::with_key(dialect, "")
        .with_base_url(base_url)
        .with_route(Route::Chat)
        .chat(model);
    encode_completion(&wire, request)
}

fn shorten_call_ids(messages: &mut [ModelMessage]) {
    for message in messages {
        match message {
            ModelMessage::User { .. } => {}
            ModelMessage::Assistant { calls, .. } => {
                for call in calls {
                    call.call_id = short_call_id(&call.call_id);
                }
            }
            ModelMessage::ToolResult { call_id, .. } => *call_id = short_call_id(call_id),
        }
    }
}

/// An id as it is where it fits, else nine letters and digits that stand for it.
fn short_call_id(id: &CallId) -> CallId {
    let text = id.as_str();
    if text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.clone();
    }
    // FNV-1a: the same id has the same short form in every request, so prompt caches hold.
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut short = String::with_capacity(9);
    for _ in 0..9 {
        let digit = u32::try_from(hash % 36).unwrap_or(0);
        short.push(char::from_digit(digit, 36).unwrap_or('0'));
        hash /= 36;
    }
    short.as_str().into()
}

#[cfg(test)]
mod tests;
