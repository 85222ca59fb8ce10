//! Ollama's own format, against the lines of the reference.

use super::*;

const KIND: WireKind = WireKind::Ollama;

fn line(message: Value) -> Value {
    json!({"model": "m", "created_at": "2023-11-14T22:13:20Z", "message": message, "done": false})
}

fn done(message: Value) -> Value {
    json!({
        "model": "m", "created_at": "2023-11-14T22:13:20Z", "message": message, "done": true,
        "done_reason": "stop", "total_duration": 4_883_583_458_u64, "load_duration": 1_334_875,
        "prompt_eval_count": 20, "prompt_eval_duration": 342_546_000, "eval_count": 9,
        "eval_duration": 4_535_599_000_u64,
    })
}

fn calls() -> Value {
    json!([
        {"id": "c0", "function": {"index": 0, "name": "files", "arguments": {"a": 1}}},
        {"id": "c1", "function": {"index": 1, "name": "shell", "arguments": {}}},
    ])
}

#[test]
fn a_stream_has_the_lines_of_the_reference() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let raw = ask(&server, KIND);
    assert!(raw.head.contains("content-type: application/x-ndjson"));
    let said = |text: &str| line(json!({"role": "assistant", "content": text}));
    assert_eq!(
        events(&raw.body),
        [
            line(json!({"role": "assistant", "content": "", "thinking": "hm"})),
            said("é \"b\"\n"),
            said("say it back"),
            line(json!({"role": "assistant", "content": "", "tool_calls": calls()})),
            done(json!({"role": "assistant", "content": ""})),
        ]
    );
}

#[test]
fn a_stream_is_the_default_and_one_piece_the_exception() {
    let server = ModelServer::start_blocking(Script::always(rich()));
    let mut body = least(KIND, true);
    body.as_object_mut().unwrap().remove("stream");
    assert_eq!(events(&ask_with(&server, KIND, &body).body).len(), 5);
    assert_eq!(
        ask_whole(&server, KIND).json(),
        done(json!({
            "role": "assistant", "content": "é \"b\"\nsay it back", "thinking": "hm",
            "tool_calls": calls(),
        }))
    );
}

#[test]
fn deltas_of_calls_are_joined() {
    let delta = |index, id: Option<&str>, arguments: &str| Step::ToolCallDelta {
        index,
        id: id.map(str::to_owned),
        name: id.map(|_| "files".to_owned()),
        arguments: Some(arguments.to_owned()),
    };
    let server = ModelServer::start_blocking(Script::always([
        delta(0, Some("c0"), "{\"a\":"),
        delta(1, Some("c1"), ""),
        delta(0, None, "1}"),
    ]));
    assert_eq!(
        events(&ask(&server, KIND).body)[0]["message"]["tool_calls"],
        json!([
            {"id": "c0", "function": {"index": 0, "name": "files", "arguments": {"a": 1}}},
            {"id": "c1", "function": {"index": 1, "name": "files", "arguments": {}}},
        ])
    );
}

#[test]
fn only_listed_models_are_known() {
    let server = ModelServer::start_blocking(Script {
        models: vec!["smol".to_owned()],
        ..Script::text("a")
    });
    let raw = ask(&server, KIND);
    assert_eq!(
        (raw.status(), raw.json()),
        (404, json!({"error": "model 'm' not found"}))
    );
}
