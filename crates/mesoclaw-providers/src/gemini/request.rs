//! A request to Gemini: rig's body, our address, signatures put back.

use std::collections::HashMap;
use std::fmt::Write as _;

use mesoclaw_agent::model::{
    GenerationParams, ModelError, ModelErrorKind, ModelMessage, ModelRequest,
};
use rig_core::completion::ReplayTarget as _;
use rig_core::message::{AssistantContent, AssistantMessage, Message, Origin};
use rig_core::providers::gemini::GeminiConfig;
use rig_core::providers::gemini::completion::GenerateContent;
use serde_json::{Map, Value, json};

use crate::dialect::Outgoing;
use crate::rig_messages::{completion, encode_completion, widen};

/// Signatures by the id of their call.
type Signatures = HashMap<String, String>;

/// Makes the request for a streamed answer.
pub(super) fn encode(base_url: &str, mut request: ModelRequest) -> Result<Outgoing, ModelError> {
    let url = url(base_url, &request.model);
    let bare = request.model.strip_prefix("models/").map(str::to_owned);
    request.model = bare.unwrap_or(request.model);
    check_images(&request.messages)?;
    let wire = GenerateContent::new(GeminiConfig::new(""), request.model.as_str());
    let additional = additional(&request.model, &request.params);
    let signatures = take_signatures(&mut request.messages);
    let mut completion = completion(request)?;
    completion.additional_params = additional;
    if !signatures.is_empty() {
        let origin = Origin::new(wire.api(), wire.provider(), wire.model());
        for message in &mut completion.chat_history {
            if let Message::Assistant(turn) = message {
                sign(turn, &signatures, &origin);
            }
        }
    }
    let outgoing = encode_completion(&wire, completion)?;
    Ok(Outgoing { url, ..outgoing })
}

fn url(base_url: &str, model: &str) -> String {
    let (collection, id) = match model.split_once('/') {
        Some((collection @ ("models" | "tunedModels"), id)) => (collection, id),
        _ => ("models", model),
    };
    let base_url = base_url.trim_end_matches('/');
    let mut url = format!("{base_url}/{collection}/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // A string takes everything.
            write!(url, "%{byte:02X}").ok();
        }
    }
    url.push_str(":streamGenerateContent?alt=sse");
    url
}

fn check_images(messages: &[ModelMessage]) -> Result<(), ModelError> {
    let is_gif = |message: &ModelMessage| match message {
        ModelMessage::User { images, .. } => {
            images.iter().any(|image| image.media_type == "image/gif")
        }
        ModelMessage::Assistant { .. } | ModelMessage::ToolResult { .. } => false,
    };
    if messages.iter().any(is_gif) {
        let text = "Gemini reads no GIF images";
        return Err(ModelError::new(ModelErrorKind::Capability, text)
            .with_hint("use a PNG, JPEG or WebP file"));
    }
    Ok(())
}

/// The fields that have names and places of their own.
fn additional(model: &str, params: &GenerationParams) -> Option<Value> {
    let mut config = Map::new();
    if let Some(top_p) = params.top_p {
        config.insert("topP".to_owned(), json!(widen(top_p)));
    }
    if let Some(seed) = params.seed {
        // The field is a signed number.
        config.insert("seed".to_owned(), json!(seed & 0x7fff_ffff));
    }
    if !params.stop.is_empty() {
        config.insert("stopSequences".to_owned(), json!(params.stop));
    }
    if is_thinking(model) {
        let thinking = json!({"includeThoughts": true});
        config.insert("thinkingConfig".to_owned(), thinking);
    }
    (!config.is_empty()).then(|| json!({"generationConfig": config}))
}

/// Whether the model thinks before it answers. Others refuse the field that asks for thoughts.
fn is_thinking(model: &str) -> bool {
    let Some(version) = model.strip_prefix("gemini-") else {
        return false;
    };
    let is_new = version.starts_with("2.5-")
        || version.starts_with(|first: char| ('3'..='9').contains(&first))
        || matches!(version, "pro-latest" | "flash-latest" | "flash-lite-latest");
    let is_special = ["image", "tts", "audio", "live"]
        .iter()
        .any(|word| version.contains(word));
    is_new && !is_special
}

fn take_signatures(messages: &mut [ModelMessage]) -> Signatures {
    let mut signatures = Signatures::new();
    for message in messages {
        if let ModelMessage::Assistant { calls, .. } = message {
            for call in calls {
                if let Some(signature) = call.signature.take() {
                    signatures.insert(call.call_id.as_str().to_owned(), signature);
                }
            }
        }
    }
    signatures
}

/// Gives a turn of this very model its calls as Gemini sent them. Of parallel calls only the first
/// is signed; the others then go without a placeholder, as they came.
fn sign(turn: &mut AssistantMessage, signatures: &Signatures, origin: &Origin) {
    let is_signed = turn
        .tool_calls()
        .any(|call| signatures.contains_key(call.id.wire().as_ref()));
    if !is_signed {
        return;
    }
    turn.origin = Some(origin.clone());
    for content in &mut turn.content {
        let AssistantContent::ToolCall(call) = &content else {
            continue;
        };
        let mut part = json!({"functionCall": {
            "name": call.function.name,
            "args": call.function.arguments,
        }});
        if let Some(signature) = signatures.get(call.id.wire().as_ref()) {
            part["thoughtSignature"] = signature.as_str().into();
        }
        *content = content.clone().with_native(part);
    }
}

#[cfg(test)]
mod tests;
