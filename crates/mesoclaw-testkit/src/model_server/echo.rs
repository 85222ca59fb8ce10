//! The text of the last message of a request, for the echo step.

use serde_json::Value;

use super::wire::WireKind;

/// The text of the last message, whichever form its content has.
pub(super) fn last_text(kind: WireKind, body: &Value) -> String {
    match kind {
        WireKind::OpenAiResponses => match &body["input"] {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let last = items.last().unwrap_or(&Value::Null);
                text_of(&last["content"]) + &text_of(&last["output"])
            }
            _ => String::new(),
        },
        WireKind::Gemini => text_of(&last(&body["contents"])["parts"]),
        WireKind::OpenAiChat
        | WireKind::Anthropic
        | WireKind::Cohere
        | WireKind::Ollama
        | WireKind::Azure => text_of(&last(&body["messages"])["content"]),
    }
}

fn last(list: &Value) -> &Value {
    let last = list.as_array().and_then(|all| all.last());
    last.unwrap_or(&Value::Null)
}

/// Text, or the text of each part; a tool result has parts of its own.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .map(|part| match part["text"].as_str() {
                Some(text) => text.to_owned(),
                None => text_of(&part["content"]),
            })
            .collect(),
        _ => String::new(),
    }
}
