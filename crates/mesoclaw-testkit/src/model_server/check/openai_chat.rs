//! What OpenAI chat completions refuse. Reference as in the wire format of the same name.

use serde_json::Value;

use super::{
    Checked, Refusal, has_text, is_picture_url, is_tool_name, list, need, numbered, texts,
};

const ROLES: [&str; 6] = [
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

/// Checks a request; Azure's path names the model instead of the body.
pub(in super::super) fn openai_chat(body: &Value, needs_model: bool) -> Checked {
    need(!needs_model || has_text(&body["model"]), || {
        "you must provide a model parameter".to_owned()
    })?;
    let messages = list(&body["messages"]);
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, \
                       but got an empty array instead.";
        return Err(Refusal::new(message).at("messages").code("empty_array"));
    }
    let mut waiting: Vec<&str> = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !ROLES.contains(&role) {
            let text = format!(
                "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', \
                 'function', 'tool', and 'developer'."
            );
            let at = format!("messages[{n}].role");
            return Err(Refusal::new(text).at(at).code("invalid_value"));
        }
        if role == "tool" {
            answer(message, n, &mut waiting)?;
        } else {
            all_answered(&waiting)?;
        }
        content(message, role, n)?;
        if role == "assistant" {
            calls(message, n)?;
            let calls = list(&message["tool_calls"]).iter();
            waiting = texts(calls, "id");
        }
    }
    all_answered(&waiting)?;
    tools(body)
}

fn all_answered(waiting: &[&str]) -> Checked {
    if waiting.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        waiting.join(", ")
    );
    Err(Refusal::new(message).at("messages"))
}

fn answer(message: &Value, n: usize, waiting: &mut Vec<&str>) -> Checked {
    let id = message["tool_call_id"].as_str().unwrap_or_default();
    let Some(at) = waiting.iter().position(|one| *one == id) else {
        let message = "Invalid parameter: messages with role 'tool' must be a response to a \
                       preceding message with 'tool_calls'.";
        return Err(Refusal::new(message).at(format!("messages.[{n}].role")));
    };
    waiting.remove(at);
    Ok(())
}

fn content(message: &Value, role: &str, n: usize) -> Checked {
    let at = format!("messages[{n}].content");
    match &message["content"] {
        Value::String(_) => Ok(()),
        Value::Null if role == "assistant" => {
            let has_more = ["tool_calls", "refusal", "audio", "function_call"];
            need(
                has_more.iter().any(|field| !message[*field].is_null()),
                || format!("Invalid value for 'content': expected a string, got null. ({at})"),
            )
        }
        Value::Array(parts) => {
            for (m, part) in parts.iter().enumerate() {
                self::part(part, role).map_err(|refusal| refusal.at(format!("{at}[{m}]")))?;
            }
            Ok(())
        }
        _ => Err(Refusal::new(
            "Invalid type for 'messages': expected one of a string or array of objects.",
        )
        .at(at)
        .code("invalid_type")),
    }
}

fn part(part: &Value, role: &str) -> Checked {
    let kind = part["type"].as_str().unwrap_or_default();
    let known: &[&str] = match role {
        "user" => &["text", "image_url", "input_audio", "file"],
        "assistant" => &["text", "refusal"],
        _ => &["text"],
    };
    if !known.contains(&kind) {
        let message = format!(
            "Invalid value: '{kind}'. Supported values are: '{}'.",
            known.join("', '")
        );
        return Err(Refusal::new(message).code("invalid_value"));
    }
    if kind == "text" && !part["text"].is_string() {
        return Err(Refusal::new("Missing required parameter: 'text'."));
    }
    if kind == "image_url" {
        let url = part["image_url"]["url"].as_str().unwrap_or_default();
        if !is_picture_url(url) {
            return Err(Refusal::new("Invalid image data.").code("invalid_base64_image"));
        }
    }
    Ok(())
}

fn calls(message: &Value, n: usize) -> Checked {
    for (m, call) in numbered(&message["tool_calls"]) {
        let function = &call["function"];
        let is_right = has_text(&call["id"])
            && call["type"] == "function"
            && has_text(&function["name"])
            && function["arguments"].is_string();
        if !is_right {
            let at = format!("messages[{n}].tool_calls[{m}]");
            let message = format!("Invalid tool call: '{at}'.");
            return Err(Refusal::new(message).at(at));
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Checked {
    for (n, tool) in numbered(&body["tools"]) {
        let (function, at) = (&tool["function"], format!("tools[{n}].function.name"));
        if tool["type"] == "function" && !is_tool_name(&function["name"]) {
            let message = format!(
                "Invalid '{at}': string does not match pattern. Expected a string that matches \
                 the pattern '^[a-zA-Z0-9_-]+$'."
            );
            return Err(Refusal::new(message).at(at).code("invalid_value"));
        }
        let parameters = &function["parameters"];
        if !parameters.is_null() && parameters["type"] != "object" {
            let message = "Invalid schema for function: schema must be a JSON Schema of 'type: \
                           \"object\"'.";
            let at = format!("tools[{n}].function.parameters");
            return Err(Refusal::new(message)
                .at(at)
                .code("invalid_function_parameters"));
        }
    }
    Ok(())
}
