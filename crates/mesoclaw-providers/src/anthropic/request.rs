//! A Messages request: rig's wire for the JSON and the address.

use mesoclaw_agent::model::{GenerationParams, ModelError, ModelMessage, ModelRequest};
use mesoclaw_api::error::chain;
use reqwest::header::{HeaderName, HeaderValue};
use rig_core::providers::anthropic::completion::ANTHROPIC_VERSION_2023_06_01;
use rig_core::providers::anthropic::{
    ANTHROPIC, AnthropicConfig, Dialect, Messages, ToolInputStreaming, compatible,
};
use serde_json::{Map, Value, json};

use crate::dialect::Outgoing;
use crate::rig_messages::{completion, encode_completion, refused, widen};

/// rig's dialect of an unknown server of this protocol: the plain protocol, nothing else.
const PLAIN: Dialect = compatible("messages", "", "", None);

/// Id of the maker in the catalogue.
const MAKER: &str = "anthropic";

/// Output limit where neither the person nor rig's list of models names one: every model that is
/// still served takes it.
const DEFAULT_MAX_TOKENS: u64 = 8_192;

/// Longest output that is asked for unasked. Some models refuse a prompt whose length and output
/// limit together exceed the context, so the whole output limit of a model is a bad default.
const MAX_DEFAULT_MAX_TOKENS: u64 = 32_000;

/// Results in a row from which the blocks since the last marker may be more than the twenty that
/// a server looks back: as many calls, and a text.
const MANY_RESULTS: usize = 9;

/// Makes the request for a streamed answer.
pub(super) fn encode(
    provider_id: &str,
    base_url: &str,
    request: ModelRequest,
) -> Result<Outgoing, ModelError> {
    let has_many_results = n_last_results(&request.messages) >= MANY_RESULTS;
    let wire = Messages {
        provider: AnthropicConfig::with_key(&PLAIN, "").with_base_url(base_url),
        model: request.model.clone(),
        default_max_tokens: Some(default_max_tokens(&request.model)),
        prompt_caching: true,
        static_prefix_cache_ttl: None,
        strict_tools: false,
        tool_input_streaming: if provider_id == MAKER {
            ToolInputStreaming::Eager
        } else {
            ToolInputStreaming::Off
        },
    };
    let additional = additional(&request.params);
    let mut completion = completion(request)?;
    completion.additional_params = additional;
    let mut outgoing = encode_completion(&wire, completion)?;
    outgoing.headers.push((
        HeaderName::from_static("anthropic-version"),
        HeaderValue::from_static(ANTHROPIC_VERSION_2023_06_01),
    ));
    if has_many_results {
        outgoing.body = with_earlier_marker(&outgoing.body)?;
    }
    Ok(outgoing)
}

fn default_max_tokens(model: &str) -> u64 {
    ANTHROPIC
        .default_max_tokens(model)
        .unwrap_or(DEFAULT_MAX_TOKENS)
        .min(MAX_DEFAULT_MAX_TOKENS)
}

fn n_last_results(messages: &[ModelMessage]) -> usize {
    messages
        .iter()
        .rev()
        .take_while(|message| matches!(message, ModelMessage::ToolResult { .. }))
        .count()
}

fn additional(params: &GenerationParams) -> Option<Value> {
    let mut fields = Map::new();
    if let Some(top_p) = params.top_p.filter(|_| params.temperature.is_none()) {
        fields.insert("top_p".to_owned(), json!(widen(top_p)));
    }
    if !params.stop.is_empty() {
        fields.insert("stop_sequences".to_owned(), json!(params.stop));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// The body with a marker at the end of the message that had one in the request before: it is
/// the one before the calls that the last message answers.
fn with_earlier_marker(body: &[u8]) -> Result<Vec<u8>, ModelError> {
    let mut body: Value =
        serde_json::from_slice(body).map_err(|failure| refused(&chain(&failure)))?;
    let block = body["messages"]
        .as_array_mut()
        .and_then(|messages| messages.iter_mut().rev().nth(2))
        .filter(|message| message["role"] == "user")
        .and_then(|message| {
            message["content"]
                .as_array_mut()?
                .last_mut()?
                .as_object_mut()
        });
    if let Some(block) = block {
        block.insert("cache_control".to_owned(), json!({"type": "ephemeral"}));
    }
    serde_json::to_vec(&body).map_err(|failure| refused(&chain(&failure)))
}

#[cfg(test)]
mod tests;
