//! What Cohere's chat v2 refuses. Reference as in the wire format of the same name.

use serde_json::Value;

use super::{Checked, Refusal, has_text, is_picture_url, list, need, numbered, texts};

/// Checks a request.
pub(in super::super) fn cohere(body: &Value) -> Checked {
    need(has_text(&body["model"]), || {
        "invalid request: model is required.".to_owned()
    })?;
    need(!list(&body["messages"]).is_empty(), || {
        "invalid request: messages must be non-empty.".to_owned()
    })?;
    let mut waiting: Vec<&str> = Vec::new();
    for (n, message) in numbered(&body["messages"]) {
        let role = message["role"].as_str().unwrap_or_default();
        let is_known = ["user", "assistant", "system", "tool"].contains(&role);
        need(is_known, || {
            format!("invalid request: message at index {n} has an invalid role '{role}'.")
        })?;
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(at) = waiting.iter().position(|one| *one == id) else {
                return Err(Refusal::new(format!(
                    "invalid request: tool message at index {n} has no matching tool call."
                )));
            };
            waiting.remove(at);
        } else {
            need(waiting.is_empty(), || {
                format!("invalid request: missing tool results for tool calls: {waiting:?}.")
            })?;
        }
        content(message, role, n)?;
        if role == "assistant" {
            calls(message, n)?;
            waiting = texts(list(&message["tool_calls"]).iter(), "id");
        }
    }
    need(waiting.is_empty(), || {
        format!("invalid request: missing tool results for tool calls: {waiting:?}.")
    })?;
    for (n, tool) in numbered(&body["tools"]) {
        let is_right = tool["type"] == "function" && has_text(&tool["function"]["name"]);
        need(is_right, || {
            format!("invalid request: tool at index {n} must have a function with a name.")
        })?;
    }
    Ok(())
}

fn content(message: &Value, role: &str, n: usize) -> Checked {
    let parts = match &message["content"] {
        Value::String(_) => return Ok(()),
        Value::Null if role == "assistant" => {
            return need(!list(&message["tool_calls"]).is_empty(), || {
                format!("invalid request: assistant message at index {n} has no content.")
            });
        }
        Value::Array(parts) => parts,
        _ => {
            return Err(Refusal::new(format!(
                "invalid request: message at index {n} has no content."
            )));
        }
    };
    let known: &[&str] = match role {
        "user" => &["text", "image_url"],
        "assistant" => &["text", "thinking"],
        "tool" => &["text", "document"],
        _ => &["text"],
    };
    for part in parts {
        let kind = part["type"].as_str().unwrap_or_default();
        need(known.contains(&kind), || {
            format!("invalid request: content type '{kind}' is not supported for role {role}.")
        })?;
        let url = part["image_url"]["url"].as_str();
        need(
            kind != "image_url" || url.is_some_and(is_picture_url),
            || "invalid request: image could not be decoded.".to_owned(),
        )?;
    }
    Ok(())
}

fn calls(message: &Value, n: usize) -> Checked {
    for call in list(&message["tool_calls"]) {
        let is_right = has_text(&call["id"])
            && call["type"] == "function"
            && has_text(&call["function"]["name"])
            && call["function"]["arguments"].is_string();
        need(is_right, || {
            format!("invalid request: message at index {n} has an invalid tool call.")
        })?;
    }
    Ok(())
}
