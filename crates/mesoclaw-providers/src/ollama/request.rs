//! A request to Ollama: rig's native chat wire, with the context size of the model.

use mesoclaw_agent::model::{ModelError, ModelRequest};
use rig_core::providers::ollama::{Chat, OllamaConfig};
use serde_json::{Value, json};

use super::show::Shown;
use crate::dialect::Outgoing;
use crate::endpoint::Endpoint;
use crate::error;
use crate::rig_messages::{completion, encode_completion};

/// Bytes of a token, roughly: with less for most languages and all code, a prompt that fills the
/// context by this count leaves no room for an answer.
const BYTES_PER_TOKEN: u64 = 4;

/// Makes the request for a streamed answer.
pub(super) fn encode(
    base_url: &str,
    shown: &Shown,
    request: ModelRequest,
) -> Result<Outgoing, ModelError> {
    let provider = OllamaConfig::new().with_base_url(root(base_url));
    let wire = Chat::new(provider, request.model.as_str());
    let mut completion = completion(request)?;
    // rig puts `think` where it belongs and all the other fields under `options`.
    let mut fields = match completion.additional_params.take() {
        Some(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    if let Some(num_ctx) = shown.num_ctx() {
        fields.insert("num_ctx".to_owned(), json!(num_ctx));
    }
    if shown.can("thinking") == Some(true) {
        // Else some servers leave the thinking inside the answer.
        fields.insert("think".to_owned(), json!(true));
    }
    if !fields.is_empty() {
        completion.additional_params = Some(Value::Object(fields));
    }
    encode_completion(&wire, completion)
}

/// Refuses a prompt that does not fit by a rough count: the server would leave out its beginning
/// and say nothing.
pub(super) fn check_length(
    endpoint: &Endpoint,
    shown: &Shown,
    request: &ModelRequest,
) -> Result<(), ModelError> {
    let tokens = request.text_bytes() / BYTES_PER_TOKEN;
    match shown.context_limit() {
        Some(limit) if tokens > u64::from(limit) => Err(error::of_length(
            endpoint,
            &format!("a prompt of about {tokens} tokens does not fit in the {limit} of"),
            &request.model,
        )),
        Some(_) | None => Ok(()),
    }
}

/// The address of the server, whichever of its protocols was meant.
pub(crate) fn root(base_url: &str) -> &str {
    let base_url = base_url.trim_end_matches('/');
    ["/v1", "/api"]
        .into_iter()
        .find_map(|path| base_url.strip_suffix(path))
        .unwrap_or(base_url)
        .trim_end_matches('/')
}

#[cfg(test)]
mod tests;
