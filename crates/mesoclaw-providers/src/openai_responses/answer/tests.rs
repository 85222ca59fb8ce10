//! Answers as the maker sends them. Shapes after
//! <https://platform.openai.com/docs/api-reference/responses-streaming> and the description of the
//! API (openai/openai-openapi, `openapi.yaml`), read 2026-11-22.

use serde_json::json;

use super::*;
use crate::test_support::{called, read, reasoning, text};

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> ModelDelta {
    ModelDelta::Usage(Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        reasoning_tokens: reasoning,
        cache_write_tokens: 0,
        model_calls: 1,
    })
}

fn fault(event: &str) -> Fault {
    Answer::default()
        .take(event.as_bytes(), &mut VecDeque::new())
        .unwrap_err()
}

const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"output":[],"usage":null}}"#;

#[test]
fn a_text_is_said_once() {
    let (deltas, error) = read::<Answer>(&[
        r#"{"type":"response.created","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","created_at":1741290958,"status":"in_progress","error":null,"incomplete_details":null,"instructions":"You are a helpful assistant.","max_output_tokens":null,"model":"gpt-5.4","output":[],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":null,"user":null,"metadata":{}}}"#,
        r#"{"type":"response.in_progress","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","status":"in_progress","output":[],"usage":null}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
        r#"{"type":"response.content_part.added","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"delta":"Hi","logprobs":[],"obfuscation":"q4zXvM0sTuPnLk","sequence_number":4}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"delta":" \"there\"!"}"#,
        r#"{"type":"response.output_text.done","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"text":"Hi \"there\"!"}"#,
        r#"{"type":"response.content_part.done","item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hi \"there\"!","annotations":[]}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi \"there\"!","annotations":[]}]}}"#,
        r#"{"type":"response.completed","response":{"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","created_at":1741290958,"status":"completed","error":null,"incomplete_details":null,"model":"gpt-5.4","output":[{"id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi \"there\"!","annotations":[]}]}],"usage":{"input_tokens":37,"input_tokens_details":{"cached_tokens":30},"output_tokens":11,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":48},"user":null,"metadata":{}}}"#,
    ]);
    assert_eq!(error, None);
    assert_eq!(
        deltas,
        [
            text("Hi"),
            text(" \"there\"!"),
            usage(37, 30, 11, 3),
            ModelDelta::Stop(StopReason::End),
        ]
    );
}

#[test]
fn calls_are_counted_by_themselves() {
    let (deltas, _) = read::<Answer>(&[
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Two"}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_text.delta","item_id":"rs_1","output_index":0,"content_index":0,"delta":"files"}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"files","arguments":"","status":"in_progress"}}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"shell","arguments":"","status":"in_progress"}}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\"path\":"}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"\"a\"}"}"#,
        r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":1,"arguments":"{\"path\":\"a\"}"}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"files","arguments":"{\"path\":\"a\"}","status":"completed"}}"#,
        r#"{"type":"response.function_call_arguments.done","item_id":"fc_2","output_index":2,"arguments":"{}"}"#,
        r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"shell","arguments":"{}","status":"completed"}}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","id":"fc_3","call_id":"call_3","name":"shell","arguments":"{}","status":"completed"}}"#,
        COMPLETED,
    ]);
    assert_eq!(
        deltas,
        [
            reasoning("Two"),
            reasoning("\n\n"),
            reasoning("files"),
            called(0, "call_1", "files", ""),
            called(1, "call_2", "shell", ""),
            called(0, "", "", "{\"path\":"),
            called(0, "", "", "\"a\"}"),
            called(1, "", "", "{}"),
            called(2, "call_3", "shell", ""),
            called(2, "", "", "{}"),
            ModelDelta::Stop(StopReason::ToolCalls),
        ]
    );
}

#[test]
fn what_is_not_known_says_nothing() {
    let (deltas, _) = read::<Answer>(&[
        r#"{"type":"response.queued","response":{"status":"queued"}}"#,
        r#"{"type":"response.web_search_call.searching","output_index":0,"item_id":"ws_1"}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"tool_search_call","arguments":{"a":1}}}"#,
        r#"{"type":"response.output_text.annotation.added","annotation":{"type":"url_citation"}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":7,"delta":"{}"}"#,
        r#"{"type":"response.future.delta","delta":{"a":1},"item":5,"response":"x","output_index":"y"}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"future_item","action":{}}]}}"#,
    ]);
    assert_eq!(deltas, [ModelDelta::Stop(StopReason::End)]);
}

#[test]
fn a_refusal_is_text() {
    let refused = r#"{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"No."}"#;
    let (deltas, _) = read::<Answer>(&[refused, COMPLETED]);
    assert_eq!(deltas, [text("No."), ModelDelta::Stop(StopReason::End)]);
}

#[test]
fn an_incomplete_answer_says_why() {
    for (details, expected) in [
        (json!({"reason": "max_output_tokens"}), StopReason::Length),
        (json!({"reason": "content_filter"}), StopReason::Filtered),
        (json!({"reason": "a_later_one"}), StopReason::Length),
        (json!(null), StopReason::Length),
    ] {
        let event = json!({"type": "response.incomplete", "response": {
            "status": "incomplete", "incomplete_details": details, "error": null,
            "output": [], "usage": {"input_tokens": 1, "output_tokens": 2}}});
        let (deltas, error) = read::<Answer>(&[&event.to_string()]);
        assert_eq!(error, None);
        let expected = [usage(1, 0, 2, 0), ModelDelta::Stop(expected)];
        assert_eq!(deltas, expected);
    }
}

#[test]
fn a_whole_response_says_the_same() {
    let output = json!([
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "files",
            "arguments": "{}", "status": "completed"},
    ]);
    let response = json!({"id": "resp_1", "object": "response", "status": "completed",
        "error": null, "incomplete_details": null, "output": output,
        "usage": {"input_tokens": 3, "output_tokens": 4}});
    let event = json!({"type": "response.completed", "response": response});
    // The same where a server streams nothing but the end.
    for whole in [response.to_string(), event.to_string()] {
        let (deltas, error) = read::<Answer>(&[&whole]);
        assert_eq!(error, None);
        assert_eq!(
            deltas,
            [
                reasoning("Hm."),
                text("Hi"),
                called(0, "call_1", "files", ""),
                called(0, "", "", "{}"),
                usage(3, 0, 4, 0),
                ModelDelta::Stop(StopReason::ToolCalls),
            ]
        );
    }
}

#[test]
fn an_error_has_the_status_it_would_have_had_before_the_stream() {
    for (code, status) in [
        ("server_error", 500),
        ("rate_limit_exceeded", 429),
        ("insufficient_quota", 429),
        ("invalid_prompt", 400),
        ("image_too_large", 400),
        ("context_length_exceeded", 500),
        ("a_later_one", 500),
    ] {
        let inside = json!({"code": code, "message": "No"});
        let expected = json!({"error": {"type": code, "code": status, "message": "No"}});
        for event in [
            json!({"type": "error", "code": code, "message": "No", "param": null}),
            json!({"type": "error", "error": {"type": "x", "code": code, "message": "No"}}),
            json!({"type": "response.failed", "response": {"status": "failed", "error": inside}}),
            json!({"error": inside}),
        ] {
            let Fault::Reported(reported) = fault(&event.to_string()) else {
                panic!("{event} is not reported");
            };
            assert_eq!(reported, expected, "{event}");
        }
    }
}

#[test]
fn done_ends_an_answer_without_a_last_event() {
    let mut answer = Answer::default();
    let taken = answer.take(b"[DONE]", &mut VecDeque::new()).unwrap();
    assert_eq!(taken, Taken::Last);
}

#[test]
fn a_broken_event_is_a_fault() {
    for event in [
        r#"{"type":"response.output_text.delta","delta":[}"#,
        r#"{"type":"response.output_text.delta","delta":5}"#,
        r#"{"type":"response.completed"}"#,
        r#"{"status":5}"#,
        "{}",
        "",
    ] {
        assert!(matches!(fault(event), Fault::NotUnderstood(_)), "{event}");
    }
}
