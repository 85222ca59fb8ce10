//! Chunks as Gemini sends them.
//!
//! Read for it on 2026-11-22: <https://ai.google.dev/api/generate-content>,
//! <https://ai.google.dev/gemini-api/docs/text-generation>,
//! <https://ai.google.dev/gemini-api/docs/thinking>,
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>.

use super::*;
use crate::test_support::{called, read, text};

fn stop_of(reason: &str) -> ModelDelta {
    let event = format!(r#"{{"candidates":[{{"finishReason":"{reason}","index":0}}]}}"#);
    let (mut deltas, error) = read::<Answer>(&[&event]);
    assert_eq!((deltas.len(), error), (1, None), "{reason}");
    deltas.remove(0)
}

#[test]
fn thoughts_and_text_are_kept_apart() {
    let events = [
        r#"{"candidates":[{"content":{"parts":[{"text":"**Adding**\n","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":12,"totalTokenCount":30,"thoughtsTokenCount":18},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"4"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":1,"totalTokenCount":31,"thoughtsTokenCount":18},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"2.","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":8,"candidatesTokenCount":3,"totalTokenCount":33,"thoughtsTokenCount":18},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
    ];
    let expected = vec![
        ModelDelta::Reasoning("**Adding**\n".to_owned()),
        text("4"),
        text("2."),
        ModelDelta::Usage(Usage {
            input_tokens: 12,
            cached_tokens: 8,
            output_tokens: 21,
            reasoning_tokens: 18,
            cache_write_tokens: 0,
            model_calls: 1,
        }),
        ModelDelta::Stop(StopReason::End),
    ];
    assert_eq!(read::<Answer>(&events), (expected, None));
}

#[test]
fn parallel_calls_come_whole_and_the_first_is_signed() {
    let events = [
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city": "Paris"},"id":"fc1"},"thoughtSignature":"c2lnMQ=="},{"functionCall":{"name":"get_weather","args":{"city":"London"}}}],"role":"model"},"index":0}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"now"}},{"text":""}],"role":"model"},"finishReason":"STOP","index":0}]}"#,
    ];
    let expected = vec![
        called(0, "fc1", "get_weather", r#"{"city": "Paris"}"#),
        ModelDelta::CallSignature {
            index: 0,
            signature: "c2lnMQ==".to_owned(),
        },
        called(1, "", "get_weather", r#"{"city":"London"}"#),
        called(2, "", "now", "{}"),
        ModelDelta::Stop(StopReason::ToolCalls),
    ];
    assert_eq!(read::<Answer>(&events), (expected, None));
}

#[test]
fn every_finish_reason_has_a_meaning() {
    for (reason, expected) in [
        ("STOP", StopReason::End),
        ("OTHER", StopReason::End),
        ("MAX_TOKENS", StopReason::Length),
        ("SAFETY", StopReason::Filtered),
        ("RECITATION", StopReason::Filtered),
        ("BLOCKLIST", StopReason::Filtered),
        ("PROHIBITED_CONTENT", StopReason::Filtered),
        ("SPII", StopReason::Filtered),
        ("LANGUAGE", StopReason::Filtered),
        ("IMAGE_SAFETY", StopReason::Filtered),
    ] {
        assert_eq!(stop_of(reason), ModelDelta::Stop(expected), "{reason}");
    }
}

#[test]
fn a_blocked_prompt_is_filtered() {
    let event = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"modelVersion":"gemini-2.5-flash"}"#;
    let usage = Usage {
        input_tokens: 7,
        model_calls: 1,
        ..Usage::default()
    };
    let expected = vec![
        ModelDelta::Usage(usage),
        ModelDelta::Stop(StopReason::Filtered),
    ];
    assert_eq!(read::<Answer>(&[event]), (expected, None));
}

#[test]
fn faults_are_reported_after_what_was_said() {
    for (event, expected) in [
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Malformed function call: print(","index":0}]}"#,
            json!({"error": {
                "type": "MALFORMED_FUNCTION_CALL", "message": "Malformed function call: print(",
            }}),
        ),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"MISSING_THOUGHT_SIGNATURE"}]}"#,
            json!({"error": {
                "code": 400, "type": "MISSING_THOUGHT_SIGNATURE", "message": null,
            }}),
        ),
    ] {
        assert_eq!(read::<Answer>(&[event]), (vec![text("a")], Some(expected)));
    }
    let error =
        r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    let expected = serde_json::from_str(error).unwrap();
    assert_eq!(read::<Answer>(&[error]), (vec![], Some(expected)));
}

#[test]
fn what_is_not_known_says_nothing() {
    let events = [
        r#"{"candidates":[{"content":{"parts":[{"futurePart":{"x":1}},{"text":"a","future":[1]}],"role":"model"},"index":0},{"content":{"parts":[{"text":"other"}]},"index":1}],"future":true}"#,
        r#"{"candidates":[{"content":{"role":"model"},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#,
        r#"{"candidates":[{"content":{},"finishReason":"STOP","index":0}]}"#,
        r#"{"candidates":null,"usageMetadata":null,"error":null}"#,
    ];
    let expected = vec![text("a"), ModelDelta::Stop(StopReason::End)];
    assert_eq!(read::<Answer>(&events), (expected, None));
    let mut out = VecDeque::new();
    let result = Answer::default().take(b"{\"candidates\": [{]}", &mut out);
    assert!(matches!(result, Err(Fault::NotUnderstood(_))), "{result:?}");
}
