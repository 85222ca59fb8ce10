//! Azure OpenAI: its paths, its key, its first chunk.

use super::*;

const KIND: WireKind = WireKind::Azure;

#[test]
fn the_first_chunk_has_no_choices_but_the_verdict_on_the_prompt() {
    let server = ModelServer::start_blocking(Script::text("a"));
    let safe = json!({"filtered": false, "severity": "safe"});
    let delta = json!({"role": "assistant", "content": ""});
    let events = events(&ask(&server, KIND).body);
    assert_eq!(
        events[..2],
        [
            json!({
                "choices": [], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {
                    "hate": safe, "self_harm": safe, "sexual": safe, "violence": safe}}],
            }),
            json!({
                "id": "chatcmpl-test0", "object": "chat.completion.chunk",
                "created": 1_700_000_000, "model": "m", "system_fingerprint": "fp_test",
                "usage": null,
                "choices": [{"index": 0, "delta": delta, "logprobs": null,
                    "finish_reason": null, "content_filter_results": {}}],
            }),
        ]
    );
    assert_eq!(events.last(), Some(&json!("[DONE]")));
}

#[test]
fn both_forms_of_its_paths_are_served() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some("k".to_owned()),
        ..Script::text("a")
    });
    let body = |kind| least(kind, false).to_string();
    let chat = body(WireKind::OpenAiChat);
    let responses = body(WireKind::OpenAiResponses);
    let old = "/openai/deployments/m/chat/completions";
    let dated = "/openai/deployments/m/chat/completions?api-version=2024-10-21";
    let not_found = json!({"error": {"code": "404", "message": "Resource not found"}});
    for (path, headers, body, status) in [
        (dated, "api-key: k\r\n", &chat, 200),
        ("/openai/v1/chat/completions", "api-key: k\r\n", &chat, 200),
        ("/openai/v1/responses", "api-key: k\r\n", &responses, 200),
        (dated, "Authorization: Bearer k\r\n", &chat, 200),
        (dated, "x-api-key: k\r\n", &chat, 401),
        (old, "api-key: k\r\n", &chat, 404),
    ] {
        let raw = read(send(&server, "POST", path, headers, body));
        assert_eq!(raw.status(), status, "{path} {headers}");
        if status == 404 {
            assert_eq!(raw.json(), not_found);
        }
    }
}
