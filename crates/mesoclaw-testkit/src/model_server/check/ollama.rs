//! What Ollama refuses. Reference as in the wire format of the same name; the texts are those of
//! its server, which reads requests with Go's JSON decoder.

use serde_json::Value;

use super::{Checked, Refusal, has_text, is_base64, list, need, numbered};

/// Checks a request to a model with these capabilities.
pub(in super::super) fn ollama(body: &Value, capabilities: &[String]) -> Checked {
    need(has_text(&body["model"]), || "model is required".to_owned())?;
    let model = body["model"].as_str().unwrap_or_default();
    let can = |what: &str| capabilities.iter().any(|one| one == what);
    for message in list(&body["messages"]) {
        self::message(message)?;
    }
    need(list(&body["tools"]).is_empty() || can("tools"), || {
        format!("\"{model}\" does not support tools")
    })?;
    let thinks = !matches!(body["think"], Value::Null | Value::Bool(false));
    need(!thinks || can("thinking"), || {
        format!("\"{model}\" does not support thinking")
    })?;
    for (_, tool) in numbered(&body["tools"]) {
        need(has_text(&tool["function"]["name"]), || {
            "invalid tool: function name is required".to_owned()
        })?;
    }
    Ok(())
}

fn message(message: &Value) -> Checked {
    let role = message["role"].as_str().unwrap_or_default();
    let roles = ["system", "user", "assistant", "tool"];
    need(roles.contains(&role), || {
        format!(
            "invalid role: \"{role}\", must be one of [\"system\" \"user\" \"assistant\" \"tool\"]"
        )
    })?;
    of_type(&message["content"], "content", "string", |content| {
        content.is_string() || content.is_null()
    })?;
    for image in list(&message["images"]) {
        need(image.as_str().is_some_and(is_base64), || {
            "illegal base64 data at input byte 0".to_owned()
        })?;
    }
    for call in list(&message["tool_calls"]) {
        let function = &call["function"];
        need(has_text(&function["name"]), || {
            "invalid tool call: function name is required".to_owned()
        })?;
        of_type(
            &function["arguments"],
            "tool_calls.function.arguments",
            "api.ToolCallFunctionArguments",
            Value::is_object,
        )?;
    }
    Ok(())
}

fn of_type(value: &Value, field: &str, wanted: &str, is_right: impl Fn(&Value) -> bool) -> Checked {
    if is_right(value) {
        return Ok(());
    }
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(Refusal::new(format!(
        "json: cannot unmarshal {found} into Go struct field ChatRequest.messages.{field} of type \
         {wanted}"
    )))
}
