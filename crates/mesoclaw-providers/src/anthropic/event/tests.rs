//! Answers as the maker sends them. Shapes after <https://platform.claude.com/docs/en/build-with-claude/streaming>,
//! <https://platform.claude.com/docs/build-with-claude/handling-stop-reasons> and the recorded
//! streams of the maker's own client (anthropics/anthropic-sdk-python,
//! `tests/lib/streaming/fixtures`), all read 2026-11-22.

use super::*;
use crate::test_support::{called, read, text};

fn usage(input: u64, cached: u64, cache_write: u64, output: u64, reasoning: u64) -> ModelDelta {
    ModelDelta::Usage(Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        reasoning_tokens: reasoning,
        cache_write_tokens: cache_write,
        model_calls: 1,
    })
}

fn fault(event: &str) -> Fault {
    Answer::default()
        .take(event.as_bytes(), &mut VecDeque::new())
        .unwrap_err()
}

#[test]
fn text_and_a_call_come_in_pieces() {
    let (deltas, error) = read::<Answer>(&[
        r#"{"type":"message_start","message":{"id":"msg_019Q1hrJbZG26Fb9BQhrkHEr","type":"message","role":"assistant","model":"claude-sonnet-4-20250514","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":377,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type": "ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"'ll check\nthat."}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_01NRLabsLyVHZPKxbKvkfSMn","name":"get_weather","caller":{"type":"direct"},"input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"locati"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"on\": \"Paris\"}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":65}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(error, None);
    assert_eq!(
        deltas,
        [
            text("I"),
            text("'ll check\nthat."),
            called(0, "toolu_01NRLabsLyVHZPKxbKvkfSMn", "get_weather", ""),
            called(0, "", "", "{\"locati"),
            called(0, "", "", "on\": \"Paris\"}"),
            usage(377, 0, 0, 65, 0),
            ModelDelta::Stop(StopReason::ToolCalls),
        ]
    );
}

#[test]
fn calls_are_counted_by_themselves_even_when_their_blocks_mix() {
    let (deltas, _) = read::<Answer>(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"a","name":"files","input":{}}}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"b","name":"files","input":{"path":"b"}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(
        deltas,
        [
            ModelDelta::Reasoning("Two".to_owned()),
            called(0, "a", "files", ""),
            called(1, "b", "files", ""),
            called(0, "", "", "{}"),
            called(1, "", "", "{\"path\":\"b\"}"),
            ModelDelta::Stop(StopReason::ToolCalls),
        ]
    );
}

#[test]
fn what_is_not_known_says_nothing() {
    let (deltas, _) = read::<Answer>(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_01","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\": "}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_01","content":[{"type":"web_search_result","title":"a"}]}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"a"}}}"#,
        r#"{"type":"future_event","index":"three","delta":"four","message":5}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","container":null},"context_management":{}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(deltas, [ModelDelta::Stop(StopReason::End)]);
}

#[test]
fn input_is_the_sum_of_what_was_read_from_the_cache_written_to_it_and_neither() {
    let (deltas, _) = read::<Answer>(&[
        r#"{"type":"message_start","message":{"usage":{"input_tokens":25,"cache_creation_input_tokens":10,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":0},"output_tokens":1}}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":26,"output_tokens":120,"output_tokens_details":{"thinking_tokens":67}}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let expected = [usage(41, 5, 10, 120, 67), ModelDelta::Stop(StopReason::End)];
    assert_eq!(deltas, expected);
}

#[test]
fn every_stop_reason_is_understood() {
    for (reason, expected) in [
        ("end_turn", StopReason::End),
        ("stop_sequence", StopReason::End),
        ("pause_turn", StopReason::End),
        ("a_later_one", StopReason::End),
        ("max_tokens", StopReason::Length),
        ("model_context_window_exceeded", StopReason::Length),
        ("tool_use", StopReason::ToolCalls),
        ("refusal", StopReason::Filtered),
    ] {
        let end = json!({"type": "message_delta", "delta": {"stop_reason": reason,
            "stop_sequence": null, "stop_details": {"type": reason}}});
        let (deltas, _) = read::<Answer>(&[&end.to_string(), r#"{"type":"message_stop"}"#]);
        assert_eq!(deltas, [ModelDelta::Stop(expected)], "{reason}");
    }
}

#[test]
fn a_reason_is_an_end_even_without_the_last_event() {
    let mut answer = Answer::default();
    let end = br#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#;
    assert_eq!(answer.take(end, &mut VecDeque::new()).unwrap(), Taken::More);
    assert!(answer.is_finished());
    assert!(!Answer::default().is_finished());
}

#[test]
fn a_whole_message_says_the_same() {
    let (deltas, error) = read::<Answer>(&[
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"thinking","thinking":"Hm.","signature":"Eq"},{"type":"text","text":"Hi"},{"type":"tool_use","id":"a","name":"files","input":{"path":"a"}},{"type":"tool_use","id":"b","name":"files","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":4}}"#,
    ]);
    assert_eq!(error, None);
    assert_eq!(
        deltas,
        [
            ModelDelta::Reasoning("Hm.".to_owned()),
            text("Hi"),
            called(0, "a", "files", ""),
            called(0, "", "", "{\"path\":\"a\"}"),
            called(1, "b", "files", ""),
            usage(3, 0, 0, 4, 0),
            ModelDelta::Stop(StopReason::ToolCalls),
        ]
    );
}

#[test]
fn an_error_has_the_status_it_would_have_had_before_the_stream() {
    for (kind, status) in [
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
        ("a_later_one", 500),
    ] {
        let event = json!({"type": "error", "error": {"type": kind, "message": "No"},
            "request_id": "req_1"});
        let Fault::Reported(reported) = fault(&event.to_string()) else {
            panic!("{kind} is not reported");
        };
        let expected = json!({"error": {"type": kind, "message": "No", "code": status}});
        assert_eq!(reported, expected);
    }
}

#[test]
fn a_broken_event_is_a_fault() {
    for event in [
        r#"{"type":"content_block_delta","index":[}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":5}}"#,
        "[DONE]",
        "",
    ] {
        assert!(matches!(fault(event), Fault::NotUnderstood(_)), "{event}");
    }
}
