//! What OpenAI Responses refuse. Reference as in the wire format of the same name.

use serde_json::Value;

use super::{Checked, Refusal, has_text, is_picture_url, is_tool_name, numbered, texts};

/// Checks a request.
pub(in super::super) fn openai_responses(body: &Value) -> Checked {
    if !has_text(&body["model"]) {
        return missing("model");
    }
    match &body["input"] {
        Value::String(_) => {}
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                self::item(item, n)?;
            }
            pairs(items)?;
        }
        _ => return missing("input"),
    }
    for (n, tool) in numbered(&body["tools"]) {
        if tool["type"] == "function" && !is_tool_name(&tool["name"]) {
            return missing(&format!("tools[{n}].name"));
        }
        let parameters = &tool["parameters"];
        if !parameters.is_null() && parameters["type"] != "object" {
            let at = format!("tools[{n}].parameters");
            let message = "Invalid schema for function: schema must be a JSON Schema of 'type: \
                           \"object\"'.";
            return Err(Refusal::new(message)
                .at(at)
                .code("invalid_function_parameters"));
        }
    }
    if body["max_output_tokens"].as_u64().is_some_and(|n| n < 16) {
        let message = "Invalid 'max_output_tokens': integer below minimum value. Expected a value \
                       >= 16.";
        let refusal = Refusal::new(message).at("max_output_tokens");
        return Err(refusal.code("integer_below_min_value"));
    }
    Ok(())
}

fn missing(param: &str) -> Checked {
    let message = format!("Missing required parameter: '{param}'.");
    let refusal = Refusal::new(message).at(param);
    Err(refusal.code("missing_required_parameter"))
}

fn item(item: &Value, n: usize) -> Checked {
    let default = if item["role"].is_string() {
        "message"
    } else {
        ""
    };
    let at = format!("input[{n}]");
    match item["type"].as_str().unwrap_or(default) {
        "message" => message(item, &at),
        "function_call" => {
            for field in ["call_id", "name"] {
                if !has_text(&item[field]) {
                    return missing(&format!("{at}.{field}"));
                }
            }
            if item["arguments"].is_string() {
                Ok(())
            } else {
                missing(&format!("{at}.arguments"))
            }
        }
        "function_call_output" => match (&item["call_id"], &item["output"]) {
            (Value::String(_), Value::String(_) | Value::Array(_)) => Ok(()),
            (Value::String(_), _) => missing(&format!("{at}.output")),
            _ => missing(&format!("{at}.call_id")),
        },
        "reasoning" => {
            if item["summary"].is_array() {
                Ok(())
            } else {
                missing(&format!("{at}.summary"))
            }
        }
        "item_reference" => Ok(()),
        other => Err(invalid(&format!("{at}.type"), other, &["message"])),
    }
}

fn invalid(at: &str, value: &str, known: &[&str]) -> Refusal {
    let message = format!(
        "Invalid value: '{value}'. Supported values are: '{}'.",
        known.join("', '")
    );
    Refusal::new(message).at(at).code("invalid_value")
}

fn message(message: &Value, at: &str) -> Checked {
    let role = message["role"].as_str().unwrap_or_default();
    let roles = ["assistant", "system", "developer", "user"];
    if !roles.contains(&role) {
        return Err(invalid(&format!("{at}.role"), role, &roles));
    }
    let known: &[&str] = if role == "assistant" {
        &["output_text", "refusal"]
    } else {
        &["input_text", "input_image", "input_file"]
    };
    let Value::Array(parts) = &message["content"] else {
        return match &message["content"] {
            Value::String(_) => Ok(()),
            _ => missing(&format!("{at}.content")),
        };
    };
    for (m, part) in parts.iter().enumerate() {
        let at = format!("{at}.content[{m}]");
        let kind = part["type"].as_str().unwrap_or_default();
        if !known.contains(&kind) {
            return Err(invalid(&at, kind, known));
        }
        if kind.ends_with("_text") && !part["text"].is_string() {
            return missing(&format!("{at}.text"));
        }
        let url = part["image_url"].as_str();
        if kind == "input_image" && !url.is_some_and(is_picture_url) && part["file_id"].is_null() {
            let refusal = Refusal::new("Invalid image data.").at(format!("{at}.image_url"));
            return Err(refusal.code("invalid_base64_image"));
        }
    }
    Ok(())
}

/// Every call has an output, and every output a call before it.
fn pairs(items: &[Value]) -> Checked {
    let of = |kind: &'static str| items.iter().filter(move |item| item["type"] == kind);
    let outputs = texts(of("function_call_output"), "call_id");
    let calls = texts(of("function_call"), "call_id");
    if let Some(id) = calls.iter().find(|id| !outputs.contains(id)) {
        let message = format!("No tool output found for function call {id}.");
        return Err(Refusal::new(message).at("input"));
    }
    for (n, item) in items.iter().enumerate() {
        if item["type"] != "function_call_output" {
            continue;
        }
        let id = item["call_id"].as_str().unwrap_or_default();
        let mut before = items.iter().take(n);
        if !before.any(|call| call["type"] == "function_call" && call["call_id"] == id) {
            let message = format!("No tool call found for function call output with call_id {id}.");
            return Err(Refusal::new(message).at("input"));
        }
    }
    Ok(())
}
