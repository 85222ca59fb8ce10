//! Requests that a maker takes, and those it refuses.

use super::*;

const PNG: &str = "iVBORw0KGgo=";

/// A request with everything that ours have: system text, a picture, a tool round, tools.
#[expect(clippy::too_many_lines, reason = "one request in every format")]
fn full(kind: WireKind) -> Value {
    let url = format!("data:image/png;base64,{PNG}");
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let function = json!({"type": "function", "function": {
        "name": "files", "description": "Reads.", "parameters": schema}});
    let call = json!({"id": "c0", "type": "function", "function": {
        "name": "files", "arguments": "{\"a\":1}"}});
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "Look."},
            {"type": "image_url", "image_url": {"url": url}},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c0", "content": "done"},
        {"role": "user", "content": "And?"},
    ]);
    match kind {
        WireKind::OpenAiChat | WireKind::Azure | WireKind::Cohere => {
            json!({"model": "m", "stream": true, "messages": messages, "tools": [function]})
        }
        WireKind::OpenAiResponses => json!({
            "model": "m", "stream": true, "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "Look."},
                    {"type": "input_image", "image_url": url},
                ]},
                {"type": "reasoning", "id": "rs", "summary": []},
                {"type": "function_call", "call_id": "c0", "name": "files", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c0", "output": "done"},
                {"type": "message", "role": "assistant", "content": [
                    {"type": "output_text", "text": "Seen."}]},
                {"role": "user", "content": "And?"},
            ],
            "tools": [{"type": "function", "name": "files", "parameters": schema}],
        }),
        WireKind::Anthropic => json!({
            "model": "m", "stream": true, "max_tokens": 2000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "system": [{"type": "text", "text": "Be brief.",
                "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "Look."},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                        "data": PNG}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "tool_use", "id": "c0", "name": "files",
                        "input": {"cache_control": {}}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c0", "content": [
                        {"type": "text", "text": "done"}]},
                    {"type": "text", "text": "And?"},
                ]},
            ],
            "tools": [{"name": "files", "description": "Reads.", "input_schema": schema}],
        }),
        WireKind::Gemini => json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "Look."},
                    {"inlineData": {"mimeType": "image/png", "data": PNG}},
                ]},
                {"role": "model", "parts": [
                    {"functionCall": {"name": "files", "args": {}}, "thoughtSignature": "x"}]},
                {"role": "user", "parts": [
                    {"function_response": {"name": "files", "response": {"output": "done"}}}]},
                {"role": "user", "parts": [{"text": "And?"}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "files", "parameters": schema}]}],
            "generationConfig": {"maxOutputTokens": 9},
        }),
        WireKind::Ollama => json!({
            "model": "m", "think": true,
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Look.", "images": [PNG]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": "files", "arguments": {"a": 1}}}]},
                {"role": "tool", "content": "done", "tool_name": "files"},
            ],
            "tools": [function],
        }),
    }
}

#[test]
fn a_full_request_is_taken_by_its_maker() {
    let server = ModelServer::start_blocking(Script::text("a"));
    for (n, kind) in WireKind::ALL.into_iter().enumerate() {
        let raw = ask_with(&server, kind, &full(kind));
        assert_eq!(raw.status(), 200, "{kind:?}: {}", raw.body);
        assert_eq!(
            server.requests()[n].path,
            path(kind).split('?').next().unwrap()
        );
    }
    assert_eq!(server.refusals(), Vec::<String>::new());
}

/// Changes a full request at a pointer (`null` takes the field away) and expects the refusal.
fn check(kind: WireKind, at: &str, value: Value, refusal: &str) {
    let mut body = full(kind);
    let (parent, field) = at.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).expect("the parent is there") {
        Value::Object(fields) if value.is_null() => {
            fields.remove(field);
        }
        Value::Object(fields) => {
            fields.insert(field.to_owned(), value);
        }
        Value::Array(elements) if value.is_null() => {
            elements.remove(field.parse().unwrap());
        }
        Value::Array(elements) => elements[field.parse::<usize>().unwrap()] = value,
        other => panic!("{at} is inside of {other}"),
    }
    let server = ModelServer::start_blocking(Script::text("a"));
    let raw = ask_with(&server, kind, &body);
    let what = format!("{kind:?} {at}: {}", raw.body);
    assert_eq!(raw.status(), 400, "{what}");
    let seen = server.refusals().concat();
    assert!(seen.contains(refusal), "{what}");
    let message = match kind {
        WireKind::Cohere => raw.json()["message"].clone(),
        WireKind::Ollama => raw.json()["error"].clone(),
        _ => raw.json()["error"]["message"].clone(),
    };
    assert_eq!(message, seen, "{what}");
}

#[test]
fn openai_chat_refuses_malformed_requests() {
    let kind = WireKind::OpenAiChat;
    let url = "/messages/1/content/1/image_url/url";
    let name = "/tools/0/function/name";
    for (at, value, refusal) in [
        ("/model", Value::Null, "you must provide a model parameter"),
        ("/messages", json!([]), "empty array"),
        ("/messages/0/role", json!("model"), "Invalid value: 'model'"),
        (
            "/messages/3",
            Value::Null,
            "did not have response messages: c0",
        ),
        (
            "/messages/2",
            Value::Null,
            "must be a response to a preceding",
        ),
        ("/messages/3/tool_call_id", json!("x"), "must be a response"),
        ("/messages/2/tool_calls", json!([]), ""),
        (
            "/messages/1/content/0/type",
            json!("image"),
            "Invalid value: 'image'",
        ),
        (url, json!("data:image/png;base64,a"), "Invalid image data."),
        (
            url,
            json!("data:image/bmp;base64,aaaa"),
            "Invalid image data.",
        ),
        (
            "/messages/2/tool_calls/0/function/arguments",
            json!({}),
            "Invalid tool call",
        ),
        (name, json!("a b"), "does not match pattern"),
        (
            "/tools/0/function/parameters/type",
            json!("string"),
            "schema must be",
        ),
    ] {
        check(kind, at, value, refusal);
    }
}

#[test]
fn openai_responses_refuse_malformed_requests() {
    let kind = WireKind::OpenAiResponses;
    for (at, value, refusal) in [
        (
            "/model",
            Value::Null,
            "Missing required parameter: 'model'.",
        ),
        (
            "/input",
            Value::Null,
            "Missing required parameter: 'input'.",
        ),
        ("/input/0/role", json!("tool"), "Invalid value: 'tool'"),
        (
            "/input/0/content/0/type",
            json!("text"),
            "Invalid value: 'text'",
        ),
        (
            "/input/0/content/1/image_url",
            json!("x"),
            "Invalid image data.",
        ),
        ("/input/1/summary", Value::Null, "'input[1].summary'"),
        ("/input/2/arguments", json!({}), "'input[2].arguments'"),
        (
            "/input/3",
            Value::Null,
            "No tool output found for function call c0.",
        ),
        (
            "/input/2",
            Value::Null,
            "No tool call found for function call output",
        ),
        (
            "/input/4/content/0/type",
            json!("input_text"),
            "Invalid value",
        ),
        ("/tools/0/name", Value::Null, "'tools[0].name'"),
        (
            "/max_output_tokens",
            json!(1),
            "integer below minimum value",
        ),
    ] {
        check(kind, at, value, refusal);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn anthropic_refuses_malformed_requests() {
    let kind = WireKind::Anthropic;
    let image = "/messages/0/content/1/source";
    let mark = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    let marks = json!([mark, mark, mark, mark, mark]);
    for (at, value, refusal) in [
        ("/model", Value::Null, "model: Field required"),
        ("/max_tokens", Value::Null, "max_tokens: Field required"),
        ("/max_tokens", json!(0), "greater than or equal to 1"),
        (
            "/max_tokens",
            json!(1024),
            "`max_tokens` must be greater than",
        ),
        (
            "/thinking/budget_tokens",
            json!(10),
            "greater than or equal to 1024",
        ),
        ("/messages", json!([]), "at least one message is required"),
        (
            "/messages/0/role",
            json!("system"),
            "Unexpected role \"system\"",
        ),
        (
            "/messages/0/role",
            json!("assistant"),
            "first message must use",
        ),
        ("/messages/0/content/0/text", json!(""), "must be non-empty"),
        (
            "/messages/2/content/0",
            Value::Null,
            "without `tool_result` blocks",
        ),
        (
            "/messages/1/content/1",
            Value::Null,
            "unexpected `tool_use_id`",
        ),
        (
            "/messages/1/content/0/signature",
            Value::Null,
            "signature: Field required",
        ),
        (
            "/messages/1/content/1/input",
            json!("{}"),
            "valid dictionary",
        ),
        (
            "/messages/0/content/0/type",
            json!("input_text"),
            "Input tag 'input_text'",
        ),
        (&format!("{image}/data"), json!("%"), "invalid base64 data"),
        (
            &format!("{image}/media_type"),
            json!("image/bmp"),
            "Input should be",
        ),
        ("/tools/0/input_schema", Value::Null, "input_schema"),
        ("/tools/0/name", json!("a b"), "String should match pattern"),
        ("/system", marks, "A maximum of 4 blocks with cache_control"),
    ] {
        check(kind, at, value, refusal);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn gemini_refuses_malformed_requests() {
    let kind = WireKind::Gemini;
    let parameters = "/tools/0/functionDeclarations/0/parameters";
    for (at, value, refusal) in [
        ("/contents", json!([]), "contents is not specified"),
        ("/messages", json!([]), "Unknown name \"messages\""),
        (
            "/contents/0/role",
            json!("assistant"),
            "Please use a valid role",
        ),
        ("/contents/0/parts", json!([]), "must not be empty"),
        (
            "/contents/0/parts/0/type",
            json!("text"),
            "Unknown name \"type\"",
        ),
        (
            "/contents/0/parts/0/inlineData",
            json!({}),
            "required oneof field 'data'",
        ),
        (
            "/contents/0/parts/1/inlineData/data",
            json!("%"),
            "Base64 decoding failed",
        ),
        (
            "/contents/1/parts/0/functionCall/args",
            json!("{}"),
            "function_call.args",
        ),
        (
            "/contents/2/parts/0/function_response/response",
            json!("done"),
            "response",
        ),
        (
            "/contents/2",
            Value::Null,
            "number of function response parts",
        ),
        (
            "/contents/1",
            Value::Null,
            "comes immediately after a function call",
        ),
        (
            &format!("{parameters}/additionalProperties"),
            json!(false),
            "Unknown name \"additionalProperties\"",
        ),
        (
            &format!("{parameters}/properties/a/type"),
            json!(["integer", "null"]),
            "Invalid value at",
        ),
        (
            &format!("{parameters}/properties"),
            json!({}),
            "should be non-empty for OBJECT type",
        ),
    ] {
        check(kind, at, value, refusal);
    }
}

#[test]
fn cohere_refuses_malformed_requests() {
    let kind = WireKind::Cohere;
    for (at, value, refusal) in [
        ("/model", Value::Null, "model is required"),
        ("/messages", json!([]), "messages must be non-empty"),
        (
            "/messages/0/role",
            json!("developer"),
            "invalid role 'developer'",
        ),
        ("/messages/3", Value::Null, "missing tool results"),
        ("/messages/2", Value::Null, "no matching tool call"),
        (
            "/messages/1/content/0/type",
            json!("image"),
            "content type 'image'",
        ),
        (
            "/messages/1/content/1/image_url/url",
            json!("x"),
            "could not be decoded",
        ),
        (
            "/messages/2/tool_calls/0/type",
            Value::Null,
            "invalid tool call",
        ),
        (
            "/tools/0/function/name",
            Value::Null,
            "must have a function",
        ),
    ] {
        check(kind, at, value, refusal);
    }
}

#[test]
fn ollama_refuses_malformed_requests() {
    let kind = WireKind::Ollama;
    let arguments = "/messages/2/tool_calls/0/function/arguments";
    for (at, value, refusal) in [
        ("/model", Value::Null, "model is required"),
        (
            "/messages/0/role",
            json!("developer"),
            "invalid role: \"developer\"",
        ),
        (
            "/messages/1/content",
            json!([]),
            "cannot unmarshal array into Go struct",
        ),
        (
            "/messages/1/images/0",
            json!("data:image/png;base64,aaaa"),
            "illegal base64 data",
        ),
        (
            arguments,
            json!("{}"),
            "cannot unmarshal string into Go struct",
        ),
        (
            "/tools/0/function/name",
            Value::Null,
            "function name is required",
        ),
    ] {
        check(kind, at, value, refusal);
    }
    let server = ModelServer::start_blocking(Script {
        capabilities: vec!["completion".to_owned()],
        ..Script::text("a")
    });
    assert_eq!(
        ask_with(&server, kind, &full(kind)).json(),
        json!({"error": "\"m\" does not support tools"})
    );
}

#[test]
fn a_lenient_script_takes_everything_and_a_refusal_uses_no_reply() {
    let replies = [Reply::text("first"), Reply::text("second")];
    let server = ModelServer::start_blocking(Script::replies(replies.clone()));
    let bad = json!({"model": "m", "messages": [], "stream": true});
    let kind = WireKind::OpenAiChat;
    assert_eq!(ask_with(&server, kind, &bad).status(), 400);
    assert!(ask(&server, kind).body.contains("first"));
    let server = ModelServer::start_blocking(Script {
        is_lenient: true,
        ..Script::replies(replies)
    });
    assert!(ask_with(&server, kind, &bad).body.contains("first"));
}
