//! Whole bodies, as they go over the wire. Field names after the maker's reference, read
//! 2026-11-22: <https://platform.claude.com/docs/en/api/messages/create>,
//! <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>,
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming>.

use mesoclaw_agent::model::Image;

use super::*;
use crate::test_support::{all_params, assistant, call, request, result, tool, user};

const MODEL: &str = "claude-opus-4-6";

fn body(request: ModelRequest) -> Value {
    let outgoing = encode(MAKER, "https://host", request).unwrap();
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// The block with the marker at its end.
fn marked(mut block: Value) -> Value {
    block["cache_control"] = json!({"type": "ephemeral"});
    block
}

#[test]
fn every_way_to_write_the_base_address_leads_to_the_same_place() {
    for base_url in ["http://h", "http://h/", "http://h/v1", "http://h/v1/"] {
        let outgoing = encode(MAKER, base_url, request(MODEL, vec![user("Hi")])).unwrap();
        assert_eq!(outgoing.url, "http://h/v1/messages", "{base_url}");
        let version = HeaderName::from_static("anthropic-version");
        let expected = [(version, HeaderValue::from_static("2023-06-01"))];
        assert_eq!(outgoing.headers, expected);
    }
}

#[test]
fn a_plain_prompt_marks_the_system_text_and_the_last_message() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request(MODEL, messages)),
        json!({
            "model": "claude-opus-4-6",
            "max_tokens": 32_000,
            "system": [marked(text("Be brief."))],
            "messages": [
                {"role": "user", "content": [text("Hi")]},
                {"role": "assistant", "content": [text("Hello.")]},
                {"role": "user", "content": [marked(text("And?"))]},
            ],
            "stream": true,
        })
    );
}

#[test]
fn parallel_calls_are_answered_in_one_message_in_their_order() {
    let request = ModelRequest {
        tools: vec![
            tool("files", json!({"type": "object"})),
            tool("shell", json!({"type": "object"})),
        ],
        params: all_params(),
        ..request(
            MODEL,
            vec![
                user("Read both."),
                assistant(
                    "Reading.",
                    vec![
                        call("toolu_1", json!({"path": "a"})),
                        call("functions.files:1", json!("{\"path\": \"b")),
                    ],
                ),
                result("toolu_1", "A"),
                result("functions.files:1", ""),
            ],
        )
    };
    let offered = |name: &str| {
        json!({"name": name, "description": "Reads a file.", "input_schema": {"type": "object"},
            "eager_input_streaming": true})
    };
    let called = |id: &str, path: &str| json!({"type": "tool_use", "id": id, "name": "files", "input": {"path": path}});
    let answered = |id: &str, output: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [text(output)]});
    assert_eq!(
        body(request),
        json!({
            "model": "claude-opus-4-6",
            "max_tokens": 64,
            "system": [marked(text("Be brief."))],
            "messages": [
                {"role": "user", "content": [text("Read both.")]},
                {"role": "assistant", "content": [
                    text("Reading."), called("toolu_1", "a"), called("functions_files_1", "b"),
                ]},
                {"role": "user", "content": [
                    answered("toolu_1", "A"),
                    marked(answered("functions_files_1", "(no tool output)")),
                ]},
            ],
            "tools": [offered("files"), marked(offered("shell"))],
            "tool_choice": {"type": "auto"},
            "temperature": 0.7,
            "stop_sequences": ["END"],
            "stream": true,
        })
    );
}

#[test]
fn top_p_goes_out_where_there_is_no_temperature() {
    let mut request = request(MODEL, vec![user("Hi")]);
    request.params.top_p = Some(0.9);
    assert_eq!(body(request)["top_p"], 0.9);
}

#[test]
fn images_follow_their_text_in_order() {
    let image = |media_type: &str, data: &[u8]| Image {
        media_type: media_type.to_owned(),
        data: data.into(),
    };
    // What the bytes say counts more than the name: these begin like the real thing.
    let png = b"\x89PNG\r\n\x1a\n".as_slice();
    let jpeg = b"\xff\xd8\xff\xe0".as_slice();
    let message = ModelMessage::User {
        text: "What is this?".to_owned(),
        images: vec![image("image/png", png), image("image/jpeg", jpeg)],
    };
    let block = |media_type: &str, data: &str| {
        json!({"type": "image",
            "source": {"type": "base64", "media_type": media_type, "data": data}})
    };
    assert_eq!(
        body(request(MODEL, vec![message]))["messages"],
        json!([{"role": "user", "content": [
            text("What is this?"),
            block("image/png", "iVBORw0KGgo="),
            marked(block("image/jpeg", "/9j/4A==")),
        ]}])
    );
}

#[test]
fn after_many_calls_the_end_of_the_round_before_is_marked_too() {
    for (n_calls, expected) in [(8, 1), (9, 2), (30, 2)] {
        let ids: Vec<String> = (0..n_calls).map(|n| format!("toolu_{n}")).collect();
        let calls = ids.iter().map(|id| call(id, json!({}))).collect();
        let mut messages = vec![user("Read all."), assistant("", calls)];
        messages.extend(ids.iter().map(|id| result(id, "A")));
        let mut request = request(MODEL, messages);
        request.tools = vec![tool("files", json!({"type": "object"}))];
        let body = body(request);
        assert_eq!(
            body["messages"]
                .to_string()
                .matches("cache_control")
                .count(),
            expected,
            "{n_calls}"
        );
        let first = &body["messages"][0]["content"][0];
        assert_eq!(first.get("cache_control").is_some(), expected == 2);
        // Four is the most that is accepted.
        assert!(body.to_string().matches("cache_control").count() <= 4);
    }
}

#[test]
fn there_is_always_an_output_limit() {
    for (model, expected) in [
        ("claude-opus-4-6", 32_000),
        ("claude-haiku-4-5-20251001", 32_000),
        ("some-model", 8_192),
    ] {
        let mut request = request(MODEL, vec![user("Hi")]);
        request.model = model.to_owned();
        assert_eq!(body(request)["max_tokens"], expected, "{model}");
    }
}

#[test]
fn thinking_is_never_asked_for() {
    for model in ["claude-sonnet-4-6", "claude-fable-5-1", "claude-opus-5-5"] {
        let mut request = request(MODEL, vec![user("Hi")]);
        request.model = model.to_owned();
        let outgoing = encode(MAKER, "http://h", request).unwrap();
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        assert_eq!(body.get("thinking"), None, "{model}");
        assert_eq!(outgoing.headers.len(), 1, "{model}");
    }
}

#[test]
fn a_prompt_without_system_text_has_none() {
    let mut request = request(MODEL, vec![user("Hi")]);
    request.system = String::new();
    assert_eq!(body(request).get("system"), None);
}

#[test]
fn only_the_maker_is_asked_to_stream_arguments() {
    let request = || ModelRequest {
        tools: vec![tool("files", json!({"type": "object"}))],
        ..request(MODEL, vec![user("Hi")])
    };
    for (provider_id, expected) in [(MAKER, json!(true)), ("mine", json!(null))] {
        let outgoing = encode(provider_id, "http://h", request()).unwrap();
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        assert_eq!(body["tools"][0]["eager_input_streaming"], expected);
    }
}
