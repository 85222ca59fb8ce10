//! Lines as Ollama sends them.
//!
//! Read for it on 2026-11-22: <https://docs.ollama.com/api/chat>,
//! <https://docs.ollama.com/api/streaming>, <https://docs.ollama.com/api/errors>,
//! <https://ollama.com/blog/streaming-tool>, and `docs/api.md` of ollama/ollama at commit 01e52d2.

use super::*;
use crate::test_support::{called, read, text};

#[test]
fn thinking_and_text_are_kept_apart() {
    let lines = [
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:57.641643Z","message":{"role":"assistant","content":"","thinking":"Hm."},"done":false}"#,
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:57.7Z","message":{"role":"assistant","content":"The","images":null},"done":false}"#,
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:57.8Z","message":{"role":"assistant","content":" sky"},"done":false}"#,
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:58Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}"#,
    ];
    let usage = Usage {
        input_tokens: 26,
        output_tokens: 282,
        model_calls: 1,
        ..Usage::default()
    };
    let expected = vec![
        ModelDelta::Reasoning("Hm.".to_owned()),
        text("The"),
        text(" sky"),
        ModelDelta::Usage(usage),
        ModelDelta::Stop(StopReason::End),
    ];
    assert_eq!(read::<Answer>(&lines), (expected, None));
}

#[test]
fn calls_come_whole_with_and_without_ids() {
    let lines = [
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:57Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"get_current_weather","arguments":{"format": "celsius","location":"Toronto"}}}]},"done":false}"#,
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:57Z","message":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","function":{"index":0,"name":"now","arguments":{}}},{"function":{"index":0,"name":"now"}}]},"done":false}"#,
        r#"{"model":"qwen3","created_at":"2025-05-27T22:54:58Z","message":{"role":"assistant","content":""},"done_reason":"stop","done":true}"#,
    ];
    let arguments = r#"{"format": "celsius","location":"Toronto"}"#;
    let expected = vec![
        called(0, "", "get_current_weather", arguments),
        called(1, "call_1", "now", "{}"),
        called(2, "", "now", "{}"),
        ModelDelta::Stop(StopReason::ToolCalls),
    ];
    assert_eq!(read::<Answer>(&lines), (expected, None));
}

#[test]
fn every_done_reason_has_a_meaning() {
    for (reason, expected) in [
        ("stop", StopReason::End),
        ("length", StopReason::Length),
        ("load", StopReason::End),
        ("unload", StopReason::End),
    ] {
        let line = format!(
            r#"{{"model":"m","message":{{"role":"assistant","content":""}},"done_reason":"{reason}","done":true}}"#
        );
        let expected = vec![ModelDelta::Stop(expected)];
        assert_eq!(read::<Answer>(&[&line]), (expected, None), "{reason}");
    }
    let old = r#"{"model":"m","done":true,"prompt_eval_count":9,"prompt_eval_cached_count":8}"#;
    let usage = Usage {
        input_tokens: 9,
        cached_tokens: 8,
        model_calls: 1,
        ..Usage::default()
    };
    let expected = vec![ModelDelta::Usage(usage), ModelDelta::Stop(StopReason::End)];
    assert_eq!(read::<Answer>(&[old]), (expected, None));
}

#[test]
fn a_line_with_an_error_is_reported() {
    let lines = [
        r#"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"#,
        r#"{"error":"an error was encountered while running the model"}"#,
    ];
    let expected = json!({"error": "an error was encountered while running the model"});
    assert_eq!(read::<Answer>(&lines), (vec![text("a")], Some(expected)));
}

#[test]
fn what_is_not_known_says_nothing() {
    let lines = [
        r#"{"model":"m","future":{"x":1},"done":false}"#,
        r#"{"model":"m","message":{"role":"assistant","content":null,"tool_calls":[{"future":1}]}}"#,
        r#"{"done":true,"error":null}"#,
    ];
    assert_eq!(
        read::<Answer>(&lines),
        (vec![ModelDelta::Stop(StopReason::End)], None)
    );
    let result = Answer::default().take(b"{\"model\": [}", &mut VecDeque::new());
    assert!(matches!(result, Err(Fault::NotUnderstood(_))), "{result:?}");
}
