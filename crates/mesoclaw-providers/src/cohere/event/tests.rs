//! Events as Cohere sends them.
//!
//! Read for it on 2026-11-22: <https://docs.cohere.com/v2/docs/streaming>,
//! <https://docs.cohere.com/v2/docs/tool-use-streaming>,
//! <https://docs.cohere.com/v2/reference/chat-stream>, <https://docs.cohere.com/docs/reasoning>.

use super::*;
use crate::test_support::{called, read, reasoning, text};

#[test]
fn thinking_and_text_are_kept_apart() {
    let events = [
        r#"{"id":"m1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"Hm."}}}}"#,
        r#"{"type":"content-end","index":0}"#,
        r#"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"A"}}}}"#,
        r#"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":" large"}}}}"#,
        r#"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":14,"end":29,"text":"gym memberships","sources":[]}}}}"#,
        r#"{"type":"citation-end","index":0}"#,
        r#"{"type":"content-end","index":1}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":2},"tokens":{"input_tokens":71.0,"output_tokens":2},"cached_tokens":64}}}"#,
    ];
    let expected = vec![
        reasoning("Hm."),
        text("A"),
        text(" large"),
        ModelDelta::Usage(Usage {
            input_tokens: 71,
            cached_tokens: 64,
            output_tokens: 2,
            model_calls: 1,
            ..Usage::default()
        }),
        ModelDelta::Stop(StopReason::End),
    ];
    assert_eq!(read::<Answer>(&events), (expected, None));
}

#[test]
fn a_plan_is_reasoning_and_calls_come_in_pieces() {
    let events = [
        r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I"}}}"#,
        r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":" will"}}}"#,
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"get_weather_nsz5","type":"function","function":{"name":"get_weather","arguments":""}}}}}"#,
        r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\n    \""}}}}}"#,
        r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"location\": \"a\"}"}}}}}"#,
        r#"{"type":"tool-call-end","index":0}"#,
        r#"{"type":"tool-call-start","index":1,"delta":{"message":{"tool_calls":{"id":"now_1","type":"function","function":{"name":"now","arguments":""}}}}}"#,
        r#"{"type":"tool-call-end","index":1}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":37,"output_tokens":28}}}}"#,
    ];
    let usage = Usage {
        input_tokens: 37,
        output_tokens: 28,
        model_calls: 1,
        ..Usage::default()
    };
    let expected = vec![
        reasoning("I"),
        reasoning(" will"),
        called(0, "get_weather_nsz5", "get_weather", ""),
        called(0, "", "", "{\n    \""),
        called(0, "", "", "location\": \"a\"}"),
        called(1, "now_1", "now", ""),
        ModelDelta::Usage(usage),
        ModelDelta::Stop(StopReason::ToolCalls),
    ];
    assert_eq!(read::<Answer>(&events), (expected, None));
}

#[test]
fn every_finish_reason_has_a_meaning() {
    for (reason, expected) in [
        ("COMPLETE", StopReason::End),
        ("STOP_SEQUENCE", StopReason::End),
        ("MAX_TOKENS", StopReason::Length),
        ("TOOL_CALL", StopReason::ToolCalls),
        ("ERROR_TOXIC", StopReason::Filtered),
        ("NEW", StopReason::End),
    ] {
        let event = format!(r#"{{"type":"message-end","delta":{{"finish_reason":"{reason}"}}}}"#);
        let expected = vec![ModelDelta::Stop(expected)];
        assert_eq!(read::<Answer>(&[&event]), (expected, None), "{reason}");
    }
}

#[test]
fn faults_are_reported() {
    for (event, expected) in [
        (
            r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"it broke"}}"#,
            json!({"error": {"type": "ERROR", "message": "it broke"}}),
        ),
        (
            r#"{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}"#,
            json!({"error": {"code": 504, "type": "TIMEOUT", "message": null}}),
        ),
        (
            r#"{"id":"e1","message":"internal server error"}"#,
            json!({"error": {"message": "internal server error"}}),
        ),
    ] {
        assert_eq!(read::<Answer>(&[event]), (vec![], Some(expected)));
    }
}

#[test]
fn a_whole_answer_is_understood() {
    let whole = r#"{"id":"m1","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"I look.","content":[{"type":"text","text":"hi"}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"files","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"files","arguments":"{}"}}]},"usage":{"tokens":{"input_tokens":5,"output_tokens":6}}}"#;
    let usage = Usage {
        input_tokens: 5,
        output_tokens: 6,
        model_calls: 1,
        ..Usage::default()
    };
    let expected = vec![
        reasoning("I look."),
        text("hi"),
        called(0, "c1", "files", "{}"),
        called(1, "c2", "files", "{}"),
        ModelDelta::Usage(usage),
        ModelDelta::Stop(StopReason::ToolCalls),
    ];
    assert_eq!(read::<Answer>(&[whole]), (expected, None));
}

#[test]
fn what_is_not_known_says_nothing() {
    let events = [
        r#"{"type":"future-event","index":0,"delta":[1]}"#,
        r#"{"type":"debug","prompt":"<|START|>"}"#,
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":null,"future":1}}}"#,
        r#"{"type":"message-end"}"#,
    ];
    assert_eq!(
        read::<Answer>(&events),
        (vec![ModelDelta::Stop(StopReason::End)], None)
    );
    for event in [
        r#"{"type":"content-delta","delta":[}"#,
        r#"{"type":"content-delta","delta":1}"#,
    ] {
        let result = Answer::default().take(event.as_bytes(), &mut VecDeque::new());
        assert!(matches!(result, Err(Fault::NotUnderstood(_))), "{result:?}");
    }
}
