//! Gemini, against the chunks of the reference.

use super::*;

const KIND: WireKind = WireKind::Gemini;

fn part_way(parts: Value) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 20, "totalTokenCount": 20},
        "modelVersion": "m", "responseId": "test0",
    })
}

fn ended(parts: Value) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP",
            "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 20, "candidatesTokenCount": 5, "totalTokenCount": 29,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}],
            "cachedContentTokenCount": 5, "thoughtsTokenCount": 4,
        },
        "modelVersion": "m", "responseId": "test0",
    })
}

fn calls() -> [Value; 2] {
    [
        json!({"functionCall": {"id": "c0", "name": "files", "args": {"a": 1}},
            "thoughtSignature": "c2lnbmVkIGJ5IHRoZSB0ZXN0"}),
        json!({"functionCall": {"id": "c1", "name": "shell", "args": {}}}),
    ]
}

#[test]
fn a_stream_has_the_chunks_of_the_reference() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let raw = ask(&server, KIND);
    assert!(raw.body.starts_with("data: {\"candidates\":["));
    assert_eq!(
        events(&raw.body),
        [
            part_way(json!([{"text": "hm", "thought": true}])),
            part_way(json!([{"text": "é \"b\"\n"}])),
            part_way(json!([{"text": "say it back"}])),
            part_way(json!(calls())),
            ended(json!([{"text": ""}])),
        ]
    );
}

#[test]
fn an_answer_in_one_piece_has_the_same_parts() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let [first, second] = calls();
    assert_eq!(
        ask_whole(&server, KIND).json(),
        ended(json!([
            {"text": "hm", "thought": true},
            {"text": "é \"b\"\nsay it back"},
            first, second,
        ]))
    );
}

#[test]
fn without_sse_the_stream_is_one_answer() {
    let server = ModelServer::start_blocking(Script::always([text("a")]));
    let path = "/v1beta/models/m:streamGenerateContent";
    let body = least(KIND, true).to_string();
    let raw = read(send(&server, "POST", path, key(KIND), &body));
    assert!(raw.head.contains("content-type: application/json"));
    assert_eq!(raw.json()["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn calls_without_an_id_and_with_broken_arguments_are_sent_as_far_as_json_goes() {
    let server = ModelServer::start_blocking(Script::always([
        Step::ToolCall(call(0, "", "files", vec!["{\"a\":"])),
        Step::Signature("c2ln".to_owned()),
    ]));
    let events = events(&ask(&server, KIND).body);
    assert_eq!(
        events[0]["candidates"][0]["content"]["parts"],
        json!([{"functionCall": {"name": "files", "args": "{\"a\":"}}])
    );
    assert_eq!(
        events[1]["candidates"][0]["content"]["parts"],
        json!([{"text": "", "thoughtSignature": "c2ln"}])
    );
}
