//! The client against the scripted provider: real HTTP, real faults.

use std::net::TcpListener;
use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{ModelDelta, ModelError, ModelErrorKind, ModelRequest, StopReason};
use mesoclaw_testkit::model_server::{Ending, ModelServer, Reply, Script, Step};
use serde_json::json;

use super::*;
use crate::test_support::{self, called, rest, scripted_call, text, usage, user};
use crate::{Dialect, client};

fn endpoint(base_url: String) -> Endpoint {
    test_support::endpoint(Dialect::OpenAiChat, base_url)
}

fn request() -> ModelRequest {
    test_support::request("m", vec![user("Hi")])
}

async fn answer(endpoint: Endpoint) -> (Vec<ModelDelta>, Option<ModelErrorKind>) {
    test_support::answer(&*client(endpoint).unwrap(), request()).await
}

/// The error that is the whole answer.
async fn failure(endpoint: Endpoint) -> ModelError {
    let client = client(endpoint).unwrap();
    let items: Vec<_> = client.stream(request()).collect().await;
    let [Err(error)] = items.as_slice() else {
        panic!("{items:?}");
    };
    error.clone()
}

/// The deltas and the kind of the error that ended them.
async fn played(steps: Vec<Step>) -> (Vec<ModelDelta>, Option<ModelErrorKind>) {
    let server = ModelServer::start(Script::always(steps)).await;
    answer(endpoint(server.base_url())).await
}

fn said(text: &str) -> Step {
    Step::Text(text.to_owned())
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn answers_arrive_as_they_are_said() {
    let stop = ModelDelta::Stop;
    for (steps, expected) in [
        (
            vec![
                Step::Reasoning("hm".to_owned()),
                said("one "),
                said("\"two\"\n"),
                Step::Usage {
                    prompt_tokens: 20,
                    completion_tokens: 2,
                    cached_tokens: 16,
                },
            ],
            vec![
                ModelDelta::Reasoning("hm".to_owned()),
                text("one "),
                text("\"two\"\n"),
                usage(20, 16, 2),
                stop(StopReason::End),
            ],
        ),
        (
            vec![said("cut"), Step::Finish("length".to_owned())],
            vec![text("cut"), usage(10, 0, 1), stop(StopReason::Length)],
        ),
        (
            vec![Step::ToolCalls(vec![
                scripted_call(0, "c0", &["{\"a\":", "1}"]),
                scripted_call(1, "c1", &["{}"]),
            ])],
            vec![
                called(0, "c0", "files", ""),
                called(1, "c1", "files", ""),
                called(0, "", "", "{\"a\":"),
                called(1, "", "", "{}"),
                called(0, "", "", "1}"),
                usage(10, 0, 5),
                stop(StopReason::ToolCalls),
            ],
        ),
        (
            vec![Step::ToolCall(scripted_call(
                0,
                "c0",
                &["{\"a\": nonsense"],
            ))],
            vec![
                called(0, "c0", "files", ""),
                called(0, "", "", "{\"a\": nonsense"),
                usage(10, 0, 2),
                stop(StopReason::ToolCalls),
            ],
        ),
        // Servers that end without a finish reason but with the sentinel.
        (
            vec![said("a"), Step::Raw("data: [DONE]\n\n".to_owned())],
            vec![text("a"), stop(StopReason::End)],
        ),
        (
            vec![
                Step::Raw(": keep-alive\n\n".to_owned()),
                said("a"),
                Step::Raw("data: [DONE]".to_owned()),
                Step::End,
            ],
            vec![text("a"), stop(StopReason::End)],
        ),
    ] {
        assert_eq!(played(steps).await, (expected, None));
    }
}

#[tokio::test]
async fn broken_streams_keep_what_arrived() {
    let error_event = "data: {\"error\": {\"code\": 429, \"message\": \"slow down\"}}\n\n";
    for (fault, expected) in [
        (Step::CutMidEvent, ModelErrorKind::BrokenStream),
        (Step::Cut, ModelErrorKind::BrokenStream),
        (Step::End, ModelErrorKind::BrokenStream),
        (Step::BadJson, ModelErrorKind::BrokenStream),
        (
            Step::Raw(error_event.to_owned()),
            ModelErrorKind::RateLimited,
        ),
    ] {
        let (deltas, kind) = played(vec![said("one "), said("two"), fault.clone()]).await;
        assert_eq!(deltas, [text("one "), text("two")], "{fault:?}");
        assert_eq!(kind, Some(expected), "{fault:?}");
    }
}

#[tokio::test]
async fn a_status_is_the_whole_answer() {
    for (step, expected, retry_after) in [
        (Step::status(401), ModelErrorKind::Auth, None),
        (Step::status(403), ModelErrorKind::Auth, None),
        (Step::status(404), ModelErrorKind::ModelNotFound, None),
        (
            Step::Status {
                code: 429,
                body: None,
                retry_after: Some("7".to_owned()),
                location: None,
            },
            ModelErrorKind::RateLimited,
            Some(Duration::from_secs(7)),
        ),
        (Step::status(500), ModelErrorKind::Server, None),
        (
            Step::status_with(502, json!("<h1>Bad Gateway</h1>")),
            ModelErrorKind::Server,
            None,
        ),
        (
            Step::status_with(400, json!({"error": {"code": "context_length_exceeded"}})),
            ModelErrorKind::ContextLength,
            None,
        ),
    ] {
        let server = ModelServer::start(Script::always([step.clone()])).await;
        let error = failure(endpoint(server.base_url())).await;
        assert_eq!((error.kind, error.retry_after), (expected, retry_after));
        assert!(!error.message.contains("sk-secret"));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = ModelServer::start(Script::text("stolen")).await;
    let server = ModelServer::start(Script::always([Step::Status {
        code: 307,
        body: None,
        retry_after: None,
        location: Some(format!("{}/chat/completions", elsewhere.base_url())),
    }]))
    .await;
    let items = answer(endpoint(server.base_url())).await;
    assert_eq!(items, (vec![], Some(ModelErrorKind::Rejected)));
    assert_eq!(elsewhere.requests(), []);
}

#[tokio::test]
async fn silence_ends_in_a_time_out() {
    let hour = 3_600_000;
    for (steps, expected) in [
        (vec![Step::Delay(hour)], vec![]),
        (vec![Step::Stall(hour)], vec![]),
        (
            vec![said("one "), said("two"), Step::Stall(hour)],
            vec![text("one "), text("two")],
        ),
    ] {
        let server = ModelServer::start(Script::always(steps.clone())).await;
        let short = Duration::from_millis(100);
        let items = answer(Endpoint {
            first_token_timeout: if expected.is_empty() {
                short
            } else {
                Duration::from_secs(10)
            },
            idle_timeout: short,
            ..endpoint(server.base_url())
        })
        .await;
        let expected = (expected, Some(ModelErrorKind::Timeout));
        assert_eq!(items, expected, "{steps:?}");
        assert_eq!(server.wait_for_ending(0).await, Ending::ClientGone);
    }
}

#[tokio::test]
async fn an_answer_that_is_finished_does_not_wait_for_the_line_to_close() {
    let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let server = ModelServer::start(Script::always([
        said("a"),
        Step::Raw(format!("data: {finish}\n\n")),
        Step::Stall(3_600_000),
    ]))
    .await;
    let items = answer(Endpoint {
        idle_timeout: Duration::from_millis(100),
        ..endpoint(server.base_url())
    })
    .await;
    let expected = vec![text("a"), ModelDelta::Stop(StopReason::End)];
    assert_eq!(items, (expected, None));
}

#[tokio::test]
async fn a_slow_reader_is_not_the_silence_of_the_server() {
    let server = ModelServer::start(Script::always([
        said("one "),
        Step::Delay(300),
        said("two"),
    ]))
    .await;
    let client = client(Endpoint {
        idle_timeout: Duration::from_millis(200),
        ..endpoint(server.base_url())
    })
    .unwrap();
    let mut stream = client.stream(request());
    assert_eq!(stream.next().await, Some(Ok(text("one "))));
    // By then the time-out is over, and everything is there to be read.
    assert_eq!(server.wait_for_ending(0).await, Ending::Complete);
    let expected = vec![
        text("two"),
        usage(10, 0, 2),
        ModelDelta::Stop(StopReason::End),
    ];
    assert_eq!(rest(stream).await, (expected, None));
}

#[tokio::test]
async fn a_refused_connection_names_the_base_url() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let base_url = format!("http://{addr}/v1");
    let found = failure(endpoint(base_url.clone())).await;
    let error = ModelError::new(
        ModelErrorKind::Connection,
        format!("nothing listens at `{addr}`: the connection was refused"),
    )
    .with_hint(format!(
        "check that {base_url} is the base URL of `test` and that it can be reached from here"
    ));
    assert_eq!(found, error);
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_not_there() {
    let server = ModelServer::start(Script::text("a")).await;
    let base_url = server.base_url().replace("http:", "https:");
    let error = failure(endpoint(base_url)).await;
    assert_eq!(error.kind, ModelErrorKind::Connection);
    let begin = format!("TLS with `{}` failed: ", server.addr());
    assert!(error.message.starts_with(&begin), "{}", error.message);
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let server = ModelServer::start(Script::always([said("a"), Step::Stall(3_600_000)])).await;
    let client = client(endpoint(server.base_url())).unwrap();
    let mut stream = client.stream(request());
    assert_eq!(stream.next().await, Some(Ok(text("a"))));
    drop(stream);
    assert_eq!(server.wait_for_ending(0).await, Ending::ClientGone);
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let server = ModelServer::start(Script::text("a b c")).await;
    let client = client(endpoint(server.base_url())).unwrap();
    for _ in 0..3 {
        let mut stream = client.stream(request());
        // The driver of a turn stops reading at the stop.
        while let Some(Ok(delta)) = stream.next().await {
            if matches!(delta, ModelDelta::Stop(_)) {
                break;
            }
        }
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn the_request_is_what_the_protocol_says() {
    let server = ModelServer::start(Script::text("a")).await;
    let base_url = format!("{}/", server.base_url());
    answer(endpoint(base_url)).await;
    let requests = server.wait_for_requests(1).await;
    let request = &requests[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(
        request.body,
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
    let expected: std::collections::BTreeMap<String, String> = [
        ("accept", "text/event-stream".to_owned()),
        ("authorization", "Bearer sk-secret".to_owned()),
        ("content-length", request.body_bytes.to_string()),
        ("content-type", "application/json".to_owned()),
        ("host", server.addr().to_string()),
        (
            "user-agent",
            concat!("mesoclaw/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    assert_eq!(request.headers, expected);
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    let server = ModelServer::start(Script::text("a")).await;
    answer(Endpoint {
        api_key: None,
        ..endpoint(server.base_url())
    })
    .await;
    let requests = server.wait_for_requests(1).await;
    assert!(!requests[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]});
    let (deltas, kind) = played(vec![Step::status_with(200, whole)]).await;
    assert_eq!(deltas, [text("hi"), ModelDelta::Stop(StopReason::End)]);
    assert_eq!(kind, None);
    for body in [json!("<html>"), json!({"status": "ok"})] {
        let other = played(vec![Step::status_with(200, body)]).await;
        assert_eq!(other, (vec![], Some(ModelErrorKind::BrokenStream)));
    }
}

#[tokio::test]
async fn nothing_is_asked_before_the_first_poll() {
    let server = ModelServer::start(Script::replies([Reply::text("a")])).await;
    let client = client(endpoint(server.base_url())).unwrap();
    drop(client.stream(request()));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_hundred_thousand_tokens_arrive_whole_and_in_order() {
    const N_TOKENS: u64 = 100_000;
    let server = ModelServer::start(Script::always([Step::tokens(N_TOKENS)])).await;
    let client = client(endpoint(server.base_url())).unwrap();
    let mut stream = client.stream(request());
    let (mut next, mut last) = (0, None);
    while let Some(delta) = stream.next().await {
        match delta.unwrap() {
            ModelDelta::Text(text) => {
                assert_eq!(text, format!("{next} "));
                next += 1;
            }
            delta => last = Some(delta),
        }
    }
    assert_eq!(
        (next, last),
        (N_TOKENS, Some(ModelDelta::Stop(StopReason::End)))
    );
}
