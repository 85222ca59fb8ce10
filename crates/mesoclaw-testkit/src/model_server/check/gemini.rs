//! What the Gemini API refuses. Reference as in the wire format of the same name. Fields that it
//! does not know are errors, in schemas too. Field names are taken in camel case and in snake
//! case, as the maker does.

use serde_json::Value;

use super::{Checked, Refusal, has_text, is_base64, list, need, numbered};

const REQUEST: &[&str] = &[
    "model",
    "contents",
    "tools",
    "toolConfig",
    "safetySettings",
    "systemInstruction",
    "generationConfig",
    "cachedContent",
    "serviceTier",
    "store",
];

/// Exactly one of these is what a part is.
const DATA: &[&str] = &[
    "text",
    "inlineData",
    "functionCall",
    "functionResponse",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

const PART_EXTRAS: &[&str] = &[
    "thought",
    "thoughtSignature",
    "partMetadata",
    "videoMetadata",
    "mediaResolution",
];

const SCHEMA: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];

/// Checks a request.
pub(in super::super) fn gemini(body: &Value) -> Checked {
    only(body, &[REQUEST], "")?;
    need(!list(&body["contents"]).is_empty(), || {
        "* GenerateContentRequest.contents: contents is not specified".to_owned()
    })?;
    for (n, content) in numbered(&body["contents"]) {
        let role = content["role"].as_str();
        need(matches!(role, None | Some("user" | "model")), || {
            "Please use a valid role: user, model.".to_owned()
        })?;
        parts(content, &format!("contents[{n}]"))?;
    }
    turns(list(&body["contents"]))?;
    let system = field(body, "systemInstruction");
    if !system.is_null() {
        parts(system, "system_instruction")?;
    }
    for (n, tool) in numbered(&body["tools"]) {
        for (m, function) in numbered(field(tool, "functionDeclarations")) {
            let at = format!("tools[{n}].function_declarations[{m}]");
            need(has_text(&function["name"]), || {
                format!("* GenerateContentRequest.{at}.name: Invalid function name.")
            })?;
            let parameters = &function["parameters"];
            if !parameters.is_null() {
                schema(parameters, &format!("{at}.parameters"))?;
            }
        }
    }
    Ok(())
}

/// A field by its name in camel case, or the same in snake case.
fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    match &object[name] {
        Value::Null => &object[snake(name).as_str()],
        found => found,
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Refuses fields that the maker does not know.
fn only(object: &Value, known: &[&[&str]], at: &str) -> Checked {
    let fields = object.as_object();
    need(fields.is_some(), || {
        format!("Invalid value at '{at}' (type.googleapis.com/google.protobuf.Struct)")
    })?;
    for name in fields.into_iter().flat_map(|fields| fields.keys()) {
        let mut all = known.iter().copied().flatten();
        need(all.any(|one| one == name || snake(one) == *name), || {
            let place = if at.is_empty() {
                String::new()
            } else {
                format!(" at '{at}'")
            };
            format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
            )
        })?;
    }
    Ok(())
}

fn parts(content: &Value, at: &str) -> Checked {
    need(!list(&content["parts"]).is_empty(), || {
        format!("* GenerateContentRequest.{at}.parts: contents.parts must not be empty.")
    })?;
    for (n, part) in numbered(&content["parts"]) {
        let at = format!("{at}.parts[{n}]");
        only(part, &[DATA, PART_EXTRAS], &at)?;
        let is = |name: &&&str| !field(part, name).is_null();
        let n_data = DATA.iter().filter(is).count();
        need(n_data == 1, || {
            format!("{at}.data: required oneof field 'data' must have one initialized field")
        })?;
        data(part, &at)?;
    }
    Ok(())
}

fn data(part: &Value, at: &str) -> Checked {
    let inline = field(part, "inlineData");
    if !inline.is_null() {
        need(has_text(field(inline, "mimeType")), || {
            "Unsupported MIME type: ".to_owned()
        })?;
        let data = inline["data"].as_str().unwrap_or_default();
        need(is_base64(data), || {
            format!(
                "Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed \
                 for \"{data}\""
            )
        })?;
    }
    let call = field(part, "functionCall");
    if !call.is_null() {
        need(has_text(&call["name"]), || {
            format!("{at}.function_call.name: Name cannot be empty.")
        })?;
        need(call["args"].is_null() || call["args"].is_object(), || {
            format!(
                "Invalid value at '{at}.function_call.args' \
                 (type.googleapis.com/google.protobuf.Struct)"
            )
        })?;
    }
    let response = field(part, "functionResponse");
    if !response.is_null() {
        need(has_text(&response["name"]), || {
            format!("{at}.function_response.name: Name cannot be empty.")
        })?;
        need(response["response"].is_object(), || {
            format!(
                "Invalid value at '{at}.function_response.response' \
                 (type.googleapis.com/google.protobuf.Struct)"
            )
        })?;
    }
    Ok(())
}

/// Responses stand in the turn after their calls, as many as there were calls.
fn turns(contents: &[Value]) -> Checked {
    let count = |content: &Value, name: &str| {
        let parts = list(&content["parts"]).iter();
        parts.filter(|part| !field(part, name).is_null()).count()
    };
    let mut n_calls = 0;
    for content in contents {
        let n_responses = count(content, "functionResponse");
        need(n_responses == 0 || n_calls > 0, || {
            "Please ensure that function response turn comes immediately after a function call \
             turn."
                .to_owned()
        })?;
        need(n_responses == n_calls, || {
            "Please ensure that the number of function response parts is equal to the number of \
             function call parts of the function call turn."
                .to_owned()
        })?;
        n_calls = count(content, "functionCall");
    }
    Ok(())
}

fn schema(schema: &Value, at: &str) -> Checked {
    only(schema, &[SCHEMA], at)?;
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        self::schema(property, &format!("{at}.properties.{name}"))?;
    }
    for (n, one) in numbered(&schema["anyOf"]) {
        self::schema(one, &format!("{at}.any_of[{n}]"))?;
    }
    if !schema["type"].is_null() && !schema["type"].is_string() {
        // Types are one word here; several are written with `anyOf` and `nullable`.
        return Err(Refusal::new(format!(
            "Invalid value at '{at}.type' (type.googleapis.com/google.ai.generativelanguage.Type)"
        )));
    }
    let is_object = schema["type"]
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("object"));
    let properties = schema["properties"].as_object();
    need(
        !is_object || properties.is_some_and(|all| !all.is_empty()),
        || format!("* GenerateContentRequest.{at}.properties: should be non-empty for OBJECT type"),
    )?;
    match &schema["items"] {
        Value::Null => Ok(()),
        items => self::schema(items, &format!("{at}.items")),
    }
}
