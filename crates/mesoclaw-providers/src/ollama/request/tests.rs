//! Whole bodies, as they go over the wire.
//!
//! Read for it on 2026-11-22: <https://docs.ollama.com/api/chat>,
//! <https://docs.ollama.com/capabilities/tool-calling>,
//! <https://docs.ollama.com/capabilities/thinking>, that is `docs/` of ollama/ollama at commits
//! 01e52d2 and 0c5e44f.

use mesoclaw_agent::model::{GenerationParams, Image, ModelMessage};

use super::*;
use crate::ollama::show;
use crate::test_support::{assistant, call, request, result, tool, user};

const MODEL: &str = "llama3.2";

/// What a server tells of a model with this context.
fn shown(context: u32, capabilities: &[&str]) -> Shown {
    let info = json!({"general.architecture": "m", "m.context_length": context});
    let told = json!({"model_info": info, "capabilities": capabilities});
    show::read(&told).unwrap()
}

fn body(shown: &Shown, request: ModelRequest) -> Value {
    let outgoing = encode("http://host:11434", shown, request).unwrap();
    assert_eq!(outgoing.headers, []);
    serde_json::from_slice(&outgoing.body).unwrap()
}

#[test]
fn a_plain_prompt_names_the_context_size() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    let shown = shown(8192, &["thinking"]);
    assert_eq!(
        body(&shown, request(MODEL, messages)),
        json!({
            "model": "llama3.2",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And?"},
            ],
            "think": true,
            "options": {"num_ctx": 8192},
            "stream": true,
        })
    );
}

#[test]
fn what_is_not_known_is_not_sent() {
    assert_eq!(
        body(&Shown::default(), request(MODEL, vec![user("Hi")])),
        json!({
            "model": "llama3.2",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
            "stream": true,
        })
    );
}

#[test]
fn the_address_is_that_of_the_server() {
    for path in ["", "/", "/v1", "/v1/", "/api", "/api/"] {
        let base_url = format!("http://host:11434{path}");
        let outgoing = encode(
            &base_url,
            &Shown::default(),
            request(MODEL, vec![user("Hi")]),
        )
        .unwrap();
        assert_eq!(outgoing.url, "http://host:11434/api/chat", "{base_url}");
    }
}

fn every_param() -> GenerationParams {
    GenerationParams {
        max_tokens: Some(64),
        temperature: Some(0.7),
        top_p: Some(0.9),
        seed: Some(7),
        stop: vec!["END".to_owned()],
    }
}

#[test]
fn calls_results_tools_and_params_are_all_there() {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let request = ModelRequest {
        tools: vec![tool("files", schema.clone())],
        params: every_param(),
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
    let shown = shown(4096, &["tools"]);
    let wire_call = |id: &str, path: &str| json!({"id": id, "function": {"name": "files", "arguments": {"path": path}}});
    let wire_result = |id: &str, output: &str| json!({"role": "tool", "tool_name": "files", "tool_call_id": id, "content": output});
    assert_eq!(
        body(&shown, request),
        json!({
            "model": "llama3.2",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Read both."},
                {"role": "assistant", "content": "", "tool_calls": [
                    wire_call("c1", "a"),
                    wire_call("c2", "b"),
                ]},
                wire_result("c1", "A"),
                wire_result("c2", "B"),
            ],
            "tools": [{"type": "function", "function": {
                "name": "files", "description": "Reads a file.", "parameters": schema,
            }}],
            "options": {
                "num_ctx": 4096,
                "num_predict": 64,
                "temperature": 0.7,
                "top_p": 0.9,
                "seed": 7,
                "stop": ["END"],
            },
            "stream": true,
        })
    );
}

#[test]
fn images_are_bare_base64() {
    let image = |data: &[u8]| Image {
        media_type: "image/png".to_owned(),
        data: data.into(),
    };
    let messages = vec![ModelMessage::User {
        text: "What is this?".to_owned(),
        images: vec![image(b"pixels"), image(b"more")],
    }];
    assert_eq!(
        body(&Shown::default(), request(MODEL, messages))["messages"][1],
        json!({"role": "user", "content": "What is this?", "images": ["cGl4ZWxz", "bW9yZQ=="]})
    );
}
