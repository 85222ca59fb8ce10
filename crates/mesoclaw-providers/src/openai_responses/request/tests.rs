//! Whole bodies, as they go over the wire. Field names after the maker's reference, read
//! 2026-11-22: <https://platform.openai.com/docs/api-reference/responses/create> and the
//! description of the API, openai/openai-openapi, `openapi.yaml`.

use mesoclaw_agent::model::ModelMessage;
use serde_json::json;

use super::*;
use crate::test_support::{all_params, assistant, call, request, result, tool, user};

const MODEL: &str = "gpt-5";

fn body(request: ModelRequest) -> Value {
    let outgoing = encode("http://host/v1/", request).unwrap();
    assert_eq!(outgoing.url, "http://host/v1/responses");
    assert_eq!(outgoing.headers, []);
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn said(role: &str, text: &str) -> Value {
    let kind = match role {
        "assistant" => "output_text",
        _ => "input_text",
    };
    json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
}

fn called(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "files", "arguments": arguments})
}

fn answered(id: &str, output: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

#[test]
fn a_plain_prompt_keeps_nothing_at_the_server() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request(MODEL, messages)),
        json!({
            "model": "gpt-5",
            "instructions": "Be brief.",
            "input": [said("user", "Hi"), said("assistant", "Hello."), said("user", "And?")],
            "prompt_cache_key": "session",
            "store": false,
            "stream": true,
        })
    );
}

#[test]
fn calls_results_tools_and_params_are_all_there() {
    let request = ModelRequest {
        tools: vec![tool("files", json!({"type": "object"}))],
        params: all_params(),
        cache_key: "k".repeat(70),
        ..request(
            MODEL,
            vec![
                user("Read both."),
                assistant(
                    "Reading.",
                    vec![
                        call("call_1", json!({"path": "a"})),
                        call("functions.files:1", json!("{\"path\": \"b")),
                    ],
                ),
                result("call_1", "A"),
                result("functions.files:1", ""),
            ],
        )
    };
    assert_eq!(
        body(request),
        json!({
            "model": "gpt-5",
            "instructions": "Be brief.",
            "input": [
                said("user", "Read both."),
                said("assistant", "Reading."),
                called("call_1", "{\"path\":\"a\"}"),
                called("functions_files_1", "{\"path\":\"b\"}"),
                answered("call_1", "A"),
                answered("functions_files_1", "(no tool output)"),
            ],
            "tools": [{"type": "function", "name": "files", "description": "Reads a file.",
                "parameters": {"type": "object"}, "strict": false}],
            "max_output_tokens": 64,
            "temperature": 0.7,
            "top_p": 0.9,
            "prompt_cache_key": "k".repeat(64),
            "store": false,
            "stream": true,
        })
    );
}

#[test]
fn text_and_images_are_one_message() {
    let message = ModelMessage::User {
        text: "What is this?".to_owned(),
        images: vec![mesoclaw_agent::model::Image {
            media_type: "image/png".to_owned(),
            data: b"\x89PNG\r\n\x1a\n".as_slice().into(),
        }],
    };
    assert_eq!(
        body(request(MODEL, vec![message]))["input"],
        json!([{"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "detail": "auto",
                "image_url": "data:image/png;base64,iVBORw0KGgo="},
        ]}])
    );
}

#[test]
fn every_call_has_a_result_and_calls_without_tools_are_told() {
    let messages = || {
        vec![
            user("Read."),
            assistant("", vec![call("call_1", json!({}))]),
            user("Never mind."),
        ]
    };
    let with_tools = ModelRequest {
        tools: vec![tool("files", json!({"type": "object"}))],
        ..request(MODEL, messages())
    };
    assert_eq!(
        body(with_tools)["input"],
        json!([
            said("user", "Read."),
            called("call_1", "{}"),
            answered("call_1", "No result provided"),
            said("user", "Never mind."),
        ])
    );
    assert_eq!(
        body(request(MODEL, messages()))["input"],
        json!([
            said("user", "Read."),
            said("assistant", "[called tool files with {}]"),
            said("user", "Never mind."),
        ])
    );
}

#[test]
fn a_tiny_output_limit_is_raised_to_the_least_that_is_accepted() {
    let mut request = request(MODEL, vec![user("Hi")]);
    request.params.max_tokens = Some(1);
    assert_eq!(body(request)["max_output_tokens"], 16);
}

#[test]
fn what_is_not_set_is_not_sent() {
    let mut request = request(MODEL, vec![user("Hi")]);
    request.system = String::new();
    request.cache_key = String::new();
    assert_eq!(
        body(request),
        json!({"model": "gpt-5", "input": [said("user", "Hi")], "store": false, "stream": true})
    );
}
