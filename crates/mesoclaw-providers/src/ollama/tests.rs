//! The client against the scripted provider: real HTTP, whole rounds. Bad days of every dialect are
//! in `tests/dialects`.

use mesoclaw_agent::model::{ModelDelta, ModelErrorKind, StopReason};
use mesoclaw_api::Usage;
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Script, WireKind};
use serde_json::json;

use super::*;
use crate::Dialect;
use crate::test_support::{
    answer, called, endpoint, full_request, provider, reasoning, request, rounds, text, user,
};

#[tokio::test]
async fn a_round_with_tools_is_understood_at_any_cut() {
    for script in rounds() {
        let (_server, client) = provider(Dialect::Ollama, script).await;
        let expected = vec![
            reasoning("hm "),
            text("d\u{ed}a \u{1f30d}"),
            called(0, "c3", "files", "{\"path\":\"c3\"}"),
            called(1, "c4", "files", "{\"path\":\"c4\"}"),
            ModelDelta::Usage(Usage {
                input_tokens: 20,
                cached_tokens: 0,
                output_tokens: 9,
                reasoning_tokens: 0,
                cache_write_tokens: 0,
                model_calls: 1,
            }),
            ModelDelta::Stop(StopReason::ToolCalls),
        ];
        assert_eq!(
            answer(&*client, full_request("test-model")).await,
            (expected, None)
        );
    }
}

#[tokio::test]
async fn a_model_is_asked_about_once() {
    let (server, client) = provider(Dialect::Ollama, Script::text("a")).await;
    for _ in 0..2 {
        answer(&*client, full_request("test-model")).await;
    }
    let requests = server.wait_for_requests(3).await;
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.path.as_str(), request.body["options"].clone()))
        .collect();
    assert_eq!(
        seen,
        [
            ("/api/show", json!(null)),
            ("/api/chat", json!({"num_ctx": 8192})),
            ("/api/chat", json!({"num_ctx": 8192})),
        ]
    );
    assert_eq!(requests[0].body, json!({"model": "test-model"}));
    assert_eq!(server.connections(), 1);
    let has_key = |request: &RecordedRequest| request.headers.contains_key("authorization");
    assert!(requests.iter().all(has_key));
}

#[tokio::test]
async fn a_long_context_is_asked_for_up_to_a_limit() {
    let (server, client) = provider(
        Dialect::Ollama,
        Script {
            context_tokens: Some(131_072),
            capabilities: vec!["completion".to_owned(), "tools".to_owned()],
            ..Script::text("a")
        },
    )
    .await;
    answer(&*client, full_request("test-model")).await;
    let requests = server.wait_for_requests(2).await;
    let body = &requests[1].body;
    assert_eq!(
        (&body["options"], &body["think"]),
        (&json!({"num_ctx": 32_768}), &json!(null))
    );
}

#[tokio::test]
async fn without_an_answer_about_the_model_nothing_is_known() {
    let server = ModelServer::start(Script {
        models: vec!["another-model".to_owned()],
        ..Script::text("a")
    })
    .await;
    let base_url = server.base_url_for(WireKind::Ollama);
    let http = Http::new(endpoint(Dialect::Ollama, base_url.clone())).unwrap();
    assert_eq!(show::ask(&http, "test-model").await, None);
    drop(server);
    let http = Http::new(endpoint(Dialect::Ollama, base_url)).unwrap();
    assert_eq!(show::ask(&http, "test-model").await, None);
}

#[tokio::test]
async fn tools_are_put_into_the_prompt_of_a_model_that_takes_none() {
    let call = "<tool_call>{\"name\": \"files\", \"arguments\": {\"path\": \"a\"}}</tool_call>";
    let (server, client) = provider(
        Dialect::Ollama,
        Script {
            capabilities: vec!["completion".to_owned()],
            ..Script::text(call)
        },
    )
    .await;
    let (deltas, failed) = answer(&*client, full_request("test-model")).await;
    assert_eq!(failed, None);
    let calls: Vec<_> = deltas
        .iter()
        .filter_map(|delta| match delta {
            ModelDelta::ToolCall { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(calls, ["files"]);
    assert_eq!(
        deltas.last(),
        Some(&ModelDelta::Stop(StopReason::ToolCalls))
    );
    let requests = server.wait_for_requests(2).await;
    let paths: Vec<_> = requests.iter().map(|request| &*request.path).collect();
    assert_eq!(paths, ["/api/show", "/api/chat"]);
    let body = &requests[1].body;
    assert_eq!(body["tools"], json!(null));
    let messages = body["messages"].as_array().unwrap().iter();
    let roles: Vec<_> = messages
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert!(!roles.contains(&"tool"), "{roles:?}");
    let system = body["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("- files: "), "{system}");
}

#[tokio::test]
async fn a_prompt_that_would_be_cut_is_not_sent() {
    for (n_bytes, n_requests, expected) in [
        (4 * 8192 - 100, 2, None),
        (4 * 8192 + 100, 1, Some(ModelErrorKind::ContextLength)),
    ] {
        let (server, client) = provider(Dialect::Ollama, Script::text("a")).await;
        let prompt = request("test-model", vec![user(&"x".repeat(n_bytes))]);
        let (_, failed) = answer(&*client, prompt).await;
        assert_eq!(failed, expected);
        assert_eq!(server.requests().len(), n_requests);
    }
}
