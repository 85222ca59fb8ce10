//! Whole bodies, as they go over the wire.
//!
//! Read for it on 2026-11-22: <https://ai.google.dev/api/generate-content>,
//! <https://ai.google.dev/api/caching#Part>,
//! <https://ai.google.dev/gemini-api/docs/function-calling>,
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>,
//! <https://ai.google.dev/gemini-api/docs/thinking>.

use mesoclaw_agent::model::{Image, ModelCall};

use super::*;
use crate::test_support::{self, assistant, request, result, tool, user};

const BASE_URL: &str = "https://host/v1beta/";

fn call(call_id: &str, args: Value, signature: Option<&str>) -> ModelCall {
    ModelCall {
        signature: signature.map(str::to_owned),
        ..test_support::call(call_id, args)
    }
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"path": {"type": ["string", "null"]}},
        "additionalProperties": false,
    })
}

/// The body without the fields that say nothing.
fn body(request: ModelRequest) -> Value {
    let outgoing = encode(BASE_URL, request).unwrap();
    assert_eq!(outgoing.headers, []);
    let mut body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

fn text(role: &str, text: &str) -> Value {
    json!({"role": role, "parts": [{"text": text, "thought": false}]})
}

#[test]
fn a_plain_prompt_has_contents_and_a_system_instruction() {
    let messages = vec![user("Hi"), assistant("Hello.", vec![]), user("And?")];
    assert_eq!(
        body(request("gemini-2.0-flash", messages)),
        json!({
            "systemInstruction": {
                "role": "model", "parts": [{"text": "Be brief.", "thought": false}],
            },
            "contents": [
                text("user", "Hi"),
                {"role": "model", "parts": [{"text": "Hello."}]},
                text("user", "And?"),
            ],
        })
    );
}

#[test]
fn the_address_names_the_model_and_no_key() {
    for (model, expected) in [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("mine:v1#x", "models/mine%3Av1%23x"),
    ] {
        let outgoing = encode(BASE_URL, request(model, vec![user("Hi")])).unwrap();
        assert_eq!(
            outgoing.url,
            format!("https://host/v1beta/{expected}:streamGenerateContent?alt=sse")
        );
    }
}

#[test]
fn params_and_tools_have_the_names_of_gemini() {
    let request = ModelRequest {
        tools: vec![tool("files", schema())],
        params: GenerationParams {
            max_tokens: Some(64),
            temperature: Some(0.7),
            top_p: Some(0.9),
            seed: Some(u32::MAX),
            stop: vec!["END".to_owned()],
        },
        ..request("models/gemini-2.5-flash", vec![user("Hi")])
    };
    assert_eq!(
        body(request),
        json!({
            "systemInstruction": {
                "role": "model", "parts": [{"text": "Be brief.", "thought": false}],
            },
            "contents": [text("user", "Hi")],
            "tools": [{"codeExecution": null, "functionDeclarations": [{
                "name": "files", "description": "Reads a file.", "parametersJsonSchema": schema(),
            }]}],
            "generationConfig": {
                "maxOutputTokens": 64,
                "temperature": 0.7,
                "topP": 0.9,
                "seed": i32::MAX,
                "stopSequences": ["END"],
                "thinkingConfig": {"includeThoughts": true},
            },
        })
    );
}

#[test]
fn thoughts_are_asked_of_models_that_think() {
    for (model, expected) in [
        ("gemini-1.5-pro-latest", false),
        ("gemini-2.0-flash", false),
        ("gemini-2.5-pro", true),
        ("gemini-2.5-flash-image", false),
        ("gemini-2.5-flash-preview-tts", false),
        ("gemini-3-pro-preview", true),
        ("gemini-flash-latest", true),
        ("gemma-3-27b-it", false),
    ] {
        let config = body(request(model, vec![user("Hi")]))["generationConfig"].take();
        let asked = config["thinkingConfig"]["includeThoughts"] == true;
        assert_eq!(asked, expected, "{model}");
    }
}

/// Two parallel calls, then one more.
fn rounds(signatures: [Option<&str>; 2]) -> Vec<ModelMessage> {
    let [first, last] = signatures;
    vec![
        user("Read both."),
        assistant(
            "Reading.",
            vec![
                call("c1", json!({"path": "a"}), first),
                call("c2", json!({"path": "b"}), None),
            ],
        ),
        result("c1", "A"),
        result("c2", "B"),
        assistant("", vec![call("c3", json!({}), last)]),
        result("c3", ""),
    ]
}

fn contents(model: &str, messages: Vec<ModelMessage>) -> Value {
    let request = ModelRequest {
        tools: vec![tool("files", schema())],
        ..request(model, messages)
    };
    body(request)["contents"].take()
}

#[test]
fn signatures_go_back_with_their_calls() {
    let response = |id: &str, output: &str| {
        let response = json!({"name": "files", "id": id, "response": {"result": output}});
        json!({"functionResponse": response, "thought": false})
    };
    assert_eq!(
        contents(
            "gemini-3-pro-preview",
            rounds([Some("c2lnMQ=="), Some("c2lnMg==")])
        ),
        json!([
            text("user", "Read both."),
            {"role": "model", "parts": [
                {"text": "Reading."},
                {"functionCall": {"name": "files", "args": {"path": "a"}, "id": "c1"},
                    "thoughtSignature": "c2lnMQ=="},
                {"functionCall": {"name": "files", "args": {"path": "b"}, "id": "c2"}},
            ]},
            {"role": "user", "parts": [response("c1", "A"), response("c2", "B")]},
            {"role": "model", "parts": [
                {"functionCall": {"name": "files", "args": {}, "id": "c3"},
                    "thoughtSignature": "c2lnMg=="},
            ]},
            {"role": "user", "parts": [response("c3", "(no tool output)")]},
        ])
    );
}

#[test]
fn calls_of_another_model_are_marked_as_such() {
    let parts = contents("gemini-3-pro-preview", rounds([None, None]))[1]["parts"].take();
    let marked = |id: &str, path: &str| {
        json!({
            "functionCall": {"name": "files", "args": {"path": path}, "id": id},
            "thoughtSignature": "skip_thought_signature_validator",
        })
    };
    assert_eq!(
        parts,
        json!([{"text": "Reading."}, marked("c1", "a"), marked("c2", "b")])
    );
}

#[test]
fn older_models_get_no_ids() {
    let response = |output: &str| {
        let response = json!({"name": "files", "response": {"result": output}});
        json!({"functionResponse": response, "thought": false})
    };
    let contents = contents("gemini-2.5-flash", rounds([Some("c2lnMQ=="), None]));
    assert_eq!(
        (&contents[1]["parts"], &contents[2]["parts"]),
        (
            &json!([
                {"text": "Reading."},
                {"functionCall": {"name": "files", "args": {"path": "a"}},
                    "thoughtSignature": "c2lnMQ=="},
                {"functionCall": {"name": "files", "args": {"path": "b"}}},
            ]),
            &json!([response("A"), response("B")]),
        )
    );
}

fn with_image(media_type: &str) -> ModelRequest {
    let images = vec![Image {
        media_type: media_type.to_owned(),
        data: b"pixels".as_slice().into(),
    }];
    let message = ModelMessage::User {
        text: "What is this?".to_owned(),
        images,
    };
    request("gemini-2.0-flash", vec![message])
}

#[test]
fn images_are_inline_data() {
    for media_type in ["image/png", "image/jpeg", "image/webp"] {
        assert_eq!(
            body(with_image(media_type))["contents"],
            json!([{"role": "user", "parts": [
                {"text": "What is this?", "thought": false},
                {"inlineData": {"mimeType": media_type, "data": "cGl4ZWxz"}, "thought": false},
            ]}])
        );
    }
    let error = encode(BASE_URL, with_image("image/gif")).unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Capability);
}
