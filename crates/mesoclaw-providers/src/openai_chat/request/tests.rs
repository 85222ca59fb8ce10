//! Whole bodies, as they go over the wire.

use mesoclaw_agent::model::{Image, ModelErrorKind, ModelMessage, ToolDefinition};
use serde_json::{Value, json};

use super::*;
use crate::test_support::{all_params, assistant, call, request, result, tool, user};

fn body(request: ModelRequest) -> Value {
    let outgoing = encode("p", "http://host/v1/", request).unwrap();
    assert_eq!(outgoing.url, "http://host/v1/chat/completions");
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn a_plain_prompt_has_string_contents_and_asks_for_usage() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request("m", messages)),
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And?"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn calls_results_tools_and_params_are_all_there() {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let request = ModelRequest {
        tools: vec![tool("files", schema.clone())],
        params: all_params(),
        ..request(
            "m",
            vec![
                user("Read both."),
                assistant(
                    "Reading.",
                    vec![
                        call("c1", json!({"path": "a"})),
                        call("c2", json!("{\"path\": \"b")),
                    ],
                ),
                result("c1", "A"),
                result("c2", "the arguments are not valid JSON"),
                assistant("", vec![call("c3", json!({}))]),
                result("c3", ""),
            ],
        )
    };
    let wire_call = |id: &str, arguments: &str| {
        json!({"id": id, "type": "function",
            "function": {"name": "files", "arguments": arguments}})
    };
    let wire_result =
        |id: &str, output: &str| json!({"role": "tool", "tool_call_id": id, "content": output});
    assert_eq!(
        body(request),
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Read both."},
                {"role": "assistant", "content": "Reading.", "tool_calls": [
                    wire_call("c1", "{\"path\":\"a\"}"),
                    wire_call("c2", "{\"path\":\"b\"}"),
                ]},
                wire_result("c1", "A"),
                wire_result("c2", "the arguments are not valid JSON"),
                {"role": "assistant", "tool_calls": [wire_call("c3", "{}")]},
                wire_result("c3", "(no tool output)"),
            ],
            "tools": [{"type": "function", "function": {
                "name": "files", "description": "Reads a file.", "parameters": schema,
            }}],
            "max_tokens": 64,
            "temperature": 0.7,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
}

#[test]
fn the_output_limit_has_the_name_the_model_knows() {
    for (model, field) in [
        ("llama3.2", "max_tokens"),
        ("gpt-4o-mini", "max_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5", "max_completion_tokens"),
    ] {
        let mut request = request(model, vec![user("Hi")]);
        request.params.max_tokens = Some(5);
        assert_eq!(body(request)[field], 5, "{model}");
    }
}

#[test]
fn empty_texts_are_left_out_and_what_a_person_said_twice_is_joined() {
    let mut request = request("m", vec![user("Hi"), assistant("", vec![]), user("Hi")]);
    request.system = String::new();
    assert_eq!(
        body(request)["messages"],
        json!([{"role": "user", "content": "Hi\nHi"}])
    );
}

#[test]
fn hello_with_no_tools_is_a_small_request() {
    let outgoing = encode("p", "http://h/v1", request("m", vec![user("hello")])).unwrap();
    assert_eq!(outgoing.body.len(), 154);
}

#[test]
fn calls_fit_what_the_request_offers() {
    let messages = || {
        vec![
            user("Read."),
            assistant("", vec![call("c1", json!({}))]),
            user("Never mind."),
        ]
    };
    let unanswered = |tools| {
        let request = ModelRequest {
            tools,
            ..request("m", messages())
        };
        body(request)["messages"].clone()
    };
    let tool = ToolDefinition {
        name: "files".to_owned(),
        description: String::new(),
        parameters: json!({"type": "object"}),
    };
    assert_eq!(
        unanswered(vec![tool]),
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read."},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "files", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "No result provided"},
            {"role": "user", "content": "Never mind."},
        ])
    );
    // Servers refuse calls in a request without tools: there they are told as text.
    assert_eq!(
        unanswered(vec![]),
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read."},
            {"role": "assistant", "content": "[called tool files with {}]"},
            {"role": "user", "content": "Never mind."},
        ])
    );
}

#[test]
fn images_are_parts_and_a_text_alone_stays_one_text() {
    let seen = ModelMessage::User {
        text: "What is it?".to_owned(),
        images: vec![
            Image {
                media_type: "image/png".to_owned(),
                data: b"\x89PNG"[..].into(),
            },
            Image {
                media_type: "image/webp".to_owned(),
                data: b"RIFF"[..].into(),
            },
        ],
    };
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), seen];
    let part =
        |url: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": "auto"}});
    assert_eq!(
        body(request("any-model", messages))["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is it?"},
                part("data:image/png;base64,iVBORw=="),
                part("data:image/webp;base64,UklGRg=="),
            ]},
        ])
    );
}

#[test]
fn an_image_of_another_kind_is_an_error() {
    let messages = vec![ModelMessage::User {
        text: String::new(),
        images: vec![Image {
            media_type: "image/svg+xml".to_owned(),
            data: b"<svg/>"[..].into(),
        }],
    }];
    let error = encode("p", "http://h/v1", request("m", messages)).unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Capability);
    assert_eq!(
        error.message,
        "images of the kind `image/svg+xml` are not sent"
    );
}

#[test]
fn providers_get_what_they_want_otherwise() {
    for (provider_id, expected) in [
        (
            "openai",
            json!({"seed": 7, "prompt_cache_key": "session",
                "stream_options": {"include_usage": true}}),
        ),
        (
            "mistral",
            json!({"random_seed": 7, "prompt_cache_key": "session"}),
        ),
        ("openrouter", json!({"seed": 7})),
        ("perplexity", json!({"seed": 7})),
        ("mira", json!({"seed": 7})),
        (
            "groq",
            json!({"seed": 7, "stream_options": {"include_usage": true}}),
        ),
    ] {
        let mut request = request("m", vec![user("Hi")]);
        request.params.seed = Some(7);
        let outgoing = encode(provider_id, "http://h/v1", request).unwrap();
        let mut body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        let fields = body.as_object_mut().unwrap();
        for common in ["model", "messages", "stream"] {
            assert!(fields.remove(common).is_some(), "{common}");
        }
        assert_eq!(body, expected, "{provider_id}");
    }
}

#[test]
fn mistral_gets_ids_of_nine_letters_and_digits() {
    let messages = vec![
        user("Read."),
        assistant(
            "",
            vec![
                call("call_of_another_provider", json!({})),
                call("abcdeF123", json!({})),
            ],
        ),
        result("call_of_another_provider", "A"),
        result("abcdeF123", "B"),
    ];
    let request = ModelRequest {
        tools: vec![ToolDefinition {
            name: "files".to_owned(),
            description: String::new(),
            parameters: json!({"type": "object"}),
        }],
        ..request("m", messages)
    };
    let outgoing = encode("mistral", "http://h/v1", request).unwrap();
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let id = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap();
    let short = id("/messages/2/tool_calls/0/id");
    assert_eq!(short.len(), 9);
    assert!(short.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(id("/messages/3/tool_call_id"), short);
    assert_eq!(id("/messages/2/tool_calls/1/id"), "abcdeF123");
    assert_eq!(id("/messages/4/tool_call_id"), "abcdeF123");
}
