//! OpenAI chat completions, and what is the same in every format: faults, records, time.

use std::io::Read as _;
use std::time::{Duration, Instant};

use super::*;

fn request(
    server: &ModelServer,
    method: &str,
    path: &str,
    body: &str,
    extra: &str,
) -> std::net::TcpStream {
    send(server, method, &format!("/v1{path}"), extra, body)
}

fn chat(server: &ModelServer, body: &Value) -> Raw {
    let path = "/chat/completions";
    read(request(server, "POST", path, &body.to_string(), ""))
}

fn stream_request() -> Value {
    json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
           "messages": [{"role": "user", "content": "say it back"}]})
}

/// An event of the stream with this delta and finish reason.
fn chunk(delta: Value, finish_reason: Value) -> Value {
    json!({
        "id": "chatcmpl-test0", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "m", "system_fingerprint": "fp_test", "usage": null,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
    })
}

fn usage_chunk(prompt: u64, completion: u64, cached: u64) -> Value {
    json!({
        "id": "chatcmpl-test0", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "m", "system_fingerprint": "fp_test", "choices": [],
        "usage": {
            "prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_stream_has_the_shape_of_the_protocol() {
    let role = || chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    let part = |delta| chunk(delta, Value::Null);
    let head = |index: u32, id: &str| {
        part(
            json!({"tool_calls": [{"index": index, "id": id, "type": "function",
            "function": {"name": "files", "arguments": ""}}]}),
        )
    };
    let piece = |index: u32, text: &str| {
        part(json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]}))
    };
    let cases = [
        (
            vec![
                Step::Reasoning("hm".to_owned()),
                Step::Text("a \"b\"\n".to_owned()),
                Step::Echo,
                Step::Usage {
                    prompt_tokens: 7,
                    completion_tokens: 3,
                    cached_tokens: 5,
                },
                Step::Finish("length".to_owned()),
            ],
            vec![
                role(),
                part(json!({"reasoning_content": "hm"})),
                part(json!({"content": "a \"b\"\n"})),
                part(json!({"content": "say it back"})),
                chunk(json!({}), json!("length")),
                usage_chunk(7, 3, 5),
                json!("[DONE]"),
            ],
        ),
        (
            vec![Step::ToolCalls(vec![
                call(0, "c0", "files", vec!["{\"a\":", "1}"]),
                call(1, "c1", "files", vec!["{}"]),
            ])],
            vec![
                role(),
                head(0, "c0"),
                head(1, "c1"),
                piece(0, "{\"a\":"),
                piece(1, "{}"),
                piece(0, "1}"),
                chunk(json!({}), json!("tool_calls")),
                usage_chunk(10, 5, 0),
                json!("[DONE]"),
            ],
        ),
        (
            vec![Step::Tokens {
                count: 2,
                per_second: Some(1000.0),
                text: Some("<{n}>".to_owned()),
            }],
            vec![
                role(),
                part(json!({"content": "<0>"})),
                part(json!({"content": "<1>"})),
                chunk(json!({}), json!("stop")),
                usage_chunk(10, 2, 0),
                json!("[DONE]"),
            ],
        ),
    ];
    for (steps, expected) in cases {
        let server = ModelServer::start_blocking(Script::always(steps));
        let raw = chat(&server, &stream_request());
        assert!(raw.head.contains("content-type: text/event-stream"));
        assert!(raw.is_whole);
        assert_eq!(events(&raw.body), expected);
    }
}

#[test]
fn a_request_without_stream_gets_one_answer() {
    let server = ModelServer::start_blocking(Script::always([
        Step::tokens(3),
        Step::Reasoning("hm".to_owned()),
        Step::ToolCall(call(0, "c0", "files", vec!["{\"a\":", "1}"])),
    ]));
    let raw = chat(
        &server,
        &json!({"model": "m", "messages": [{"role": "user", "content": "a"}]}),
    );
    assert_eq!(
        serde_json::from_str::<Value>(&raw.body).unwrap(),
        json!({
            "id": "chatcmpl-test0", "object": "chat.completion", "created": 1_700_000_000,
            "model": "m", "system_fingerprint": "fp_test",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "0 1 2 ", "refusal": null,
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c0", "type": "function",
                    "function": {"name": "files", "arguments": "{\"a\":1}"}}],
            }}],
            "usage": usage_chunk(10, 4, 0)["usage"],
        })
    );
}

#[test]
fn faults_break_the_stream_as_scripted() {
    let text = || Step::Text("a".to_owned());
    for (fault, is_whole, ending, last) in [
        (Step::Cut, false, Ending::Cut, "whole event"),
        (Step::CutMidEvent, false, Ending::Cut, "half event"),
        (Step::End, true, Ending::Complete, "whole event"),
        (Step::BadJson, true, Ending::Complete, "done"),
    ] {
        let server = ModelServer::start_blocking(Script::always([text(), fault.clone()]));
        let raw = chat(&server, &stream_request());
        assert_eq!(raw.is_whole, is_whole, "{fault:?}");
        assert_eq!(server.wait_for_ending_blocking(0), ending, "{fault:?}");
        let end = if raw.body.ends_with("data: [DONE]\n\n") {
            "done"
        } else if raw.body.ends_with("\n\n") {
            "whole event"
        } else {
            "half event"
        };
        assert_eq!(end, last, "{fault:?}");
        assert!(raw.body.contains("\"content\":\"a\""), "{fault:?}");
    }
}

#[test]
fn statuses_carry_body_and_headers() {
    let full = Step::Status {
        code: 429,
        body: Some(json!({"error": {"code": "x"}})),
        retry_after: Some("7".to_owned()),
        location: None,
    };
    for (step, status, header, body) in [
        (
            full,
            "429",
            "retry-after: 7",
            "{\"error\":{\"code\":\"x\"}}",
        ),
        (
            Step::status_with(502, json!("<h1>Bad</h1>")),
            "502",
            "content-type: text/html",
            "<h1>Bad</h1>",
        ),
        (
            Step::status(404),
            "404",
            "content-type: application/json",
            "\"code\":\"model_not_found\"",
        ),
    ] {
        let server = ModelServer::start_blocking(Script::always([Step::Delay(1), step]));
        let raw = chat(&server, &stream_request());
        assert!(raw.head.starts_with(&format!("http/1.1 {status}")));
        assert!(raw.head.contains(header), "{}", raw.head);
        assert!(raw.body.contains(body), "{}", raw.body);
    }
}

#[test]
fn models_and_keys_are_served_and_everything_is_recorded() {
    let server = ModelServer::start_blocking(Script {
        models: vec!["a".to_owned(), "b".to_owned()],
        api_key: Some("k".to_owned()),
        ..Script::text("one two")
    });
    let denied = read(request(&server, "GET", "/models", "", ""));
    assert!(denied.head.starts_with("http/1.1 401"));
    let key = "Authorization: Bearer k\r\n";
    let listed = read(request(&server, "GET", "/models", "", key));
    let list: Value = serde_json::from_str(&listed.body).unwrap();
    assert_eq!(
        [&list["data"][0]["id"], &list["data"][1]["id"]],
        [&json!("a"), &json!("b")]
    );
    let body = stream_request().to_string();
    read(request(&server, "POST", "/chat/completions", &body, key));
    let unknown = read(request(&server, "GET", "/nothing", "", key));
    assert!(unknown.head.starts_with("http/1.1 404"));

    let requests = server.wait_for_requests_blocking(4);
    let seen: Vec<_> = requests
        .iter()
        .map(|r| (r.method.as_str(), r.path.as_str(), r.body_bytes, r.ending))
        .collect();
    let complete = Some(Ending::Complete);
    assert_eq!(
        seen,
        [
            ("GET", "/v1/models", 0, complete),
            ("GET", "/v1/models", 0, complete),
            ("POST", "/v1/chat/completions", body.len(), complete),
            ("GET", "/v1/nothing", 0, complete),
        ]
    );
    assert_eq!(requests[2].body, stream_request());
    assert_eq!(requests[2].headers["authorization"], "Bearer k");
    assert!(requests[2].first_content.unwrap() >= requests[2].arrived);
    assert_eq!(server.connections(), 4);
}

#[test]
fn a_client_that_leaves_is_noticed_and_a_stall_ends_with_the_server() {
    for step in [Step::Stall(3_600_000), Step::Delay(3_600_000)] {
        let server = ModelServer::start_blocking(Script::replies([Reply::new([step])]));
        let client = request(
            &server,
            "POST",
            "/chat/completions",
            &stream_request().to_string(),
            "",
        );
        server.wait_for_requests_blocking(1);
        drop(client);
        assert_eq!(server.wait_for_ending_blocking(0), Ending::ClientGone);

        let stalled = request(
            &server,
            "POST",
            "/chat/completions",
            &stream_request().to_string(),
            "",
        );
        server.wait_for_requests_blocking(2);
        drop(server);
        let mut rest = Vec::new();
        let mut stalled = stalled;
        stalled.read_to_end(&mut rest).ok();
        assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"));
    }
}

#[test]
fn slow_chunks_and_paced_tokens_take_their_time() {
    let server = ModelServer::start_blocking(Script::replies([
        Reply::new([
            Step::Slow(10),
            Step::Text("a".to_owned()),
            Step::Text("b".to_owned()),
        ]),
        Reply::new([Step::tokens_at(20, 1000.0)]),
    ]));
    for least_ms in [20, 19] {
        let start = Instant::now();
        assert!(chat(&server, &stream_request()).is_whole);
        assert!(start.elapsed() >= Duration::from_millis(least_ms));
    }
}

#[test]
fn a_hundred_thousand_tokens_arrive_whole_and_in_order() {
    let server = ModelServer::start_blocking(Script::always([Step::tokens(100_000)]));
    let raw = chat(&server, &stream_request());
    let text: String = events(&raw.body)
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    let expected = (0..100_000)
        .map(|n| format!("{n} "))
        .collect::<Vec<_>>()
        .concat();
    assert!(text == expected, "{} of {}", text.len(), expected.len());
}
