//! Whole bodies, as they go over the wire.
//!
//! Read for it on 2026-11-22: <https://docs.cohere.com/v2/reference/chat>,
//! <https://docs.cohere.com/v2/docs/tool-use-overview>,
//! <https://docs.cohere.com/docs/image-inputs>.

use mesoclaw_agent::model::{Image, ModelMessage};

use super::*;
use crate::test_support::{all_params, assistant, call, request, result, tool, user};

const MODEL: &str = "command-a-03-2025";

fn body(request: ModelRequest) -> Value {
    let outgoing = encode("https://host", request).unwrap();
    assert_eq!(outgoing.headers, []);
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": [{"type": "text", "text": text}]})
}

#[test]
fn a_plain_prompt_has_four_fields() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request(MODEL, messages)),
        json!({
            "model": "command-a-03-2025",
            "messages": [
                {"role": "system", "content": "Be brief."},
                said("user", "Hi"),
                said("assistant", "Hello."),
                said("user", "And?"),
            ],
            "stream": true,
        })
    );
}

#[test]
fn the_version_may_stand_in_the_address() {
    for base_url in [
        "https://host",
        "https://host/",
        "https://host/v2",
        "https://host/v2/",
    ] {
        let outgoing = encode(base_url, request(MODEL, vec![user("Hi")])).unwrap();
        assert_eq!(outgoing.url, "https://host/v2/chat", "{base_url}");
    }
}

#[test]
fn calls_results_tools_and_params_are_all_there() {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let request = ModelRequest {
        tools: vec![tool("files", schema.clone())],
        params: all_params(),
        ..request(
            MODEL,
            vec![
                user("Read both."),
                assistant(
                    "",
                    vec![
                        call("c1", json!({"path": "a"})),
                        call("c2", json!({"path": "b"})),
                    ],
                ),
                result("c1", "A"),
                result("c2", "B"),
            ],
        )
    };
    let wire_call = |id: &str, arguments: &str| {
        json!({"id": id, "type": "function",
            "function": {"name": "files", "arguments": arguments}})
    };
    let wire_result = |id: &str, output: &str| {
        json!({"role": "tool", "tool_call_id": id,
            "content": [{"type": "text", "text": output}]})
    };
    assert_eq!(
        body(request),
        json!({
            "model": "command-a-03-2025",
            "messages": [
                {"role": "system", "content": "Be brief."},
                said("user", "Read both."),
                {"role": "assistant", "tool_calls": [
                    wire_call("c1", "{\"path\":\"a\"}"),
                    wire_call("c2", "{\"path\":\"b\"}"),
                ]},
                wire_result("c1", "A"),
                wire_result("c2", "B"),
            ],
            "tools": [{"type": "function", "function": {
                "name": "files", "description": "Reads a file.", "parameters": schema,
            }}],
            "max_tokens": 64,
            "temperature": 0.7,
            "p": 0.9,
            "seed": 7,
            "stop_sequences": ["END"],
            "stream": true,
        })
    );
}

#[test]
fn p_stays_within_its_limits() {
    for (top_p, expected) in [(0.001, 0.01), (0.5, 0.5), (1.0, 0.99)] {
        let mut request = request(MODEL, vec![user("Hi")]);
        request.params.top_p = Some(top_p);
        assert_eq!(body(request)["p"], expected);
    }
}

#[test]
fn images_are_data_addresses_whatever_the_model_is_called() {
    let messages = vec![ModelMessage::User {
        text: "What is this?".to_owned(),
        images: vec![Image {
            media_type: "image/png".to_owned(),
            data: b"pixels".as_slice().into(),
        }],
    }];
    for model in ["command-a-vision-07-2025", "command-a-03-2025", "mine"] {
        let request = ModelRequest {
            model: model.to_owned(),
            ..request(MODEL, messages.clone())
        };
        assert_eq!(
            body(request)["messages"][1],
            json!({"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cGl4ZWxz"}},
            ]}),
            "{model}"
        );
    }
}
