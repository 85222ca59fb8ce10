//! Providers that fail: another try, a pause, a shorter prompt, and what is kept.

use std::sync::Arc;

use mesoclaw_api::ops::chat::{CancelParams, TurnCancel};
use mesoclaw_api::ops::provider::{CreateParams, NewModel, ProviderCreate};
use mesoclaw_api::{ErrorCode, Event, ItemBody, SessionId, TurnOutcome};
use mesoclaw_testkit::model_server::{CallScript, ModelServer, Reply, Script, Step, WireKind};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, endpoint, texts_of};

fn busy(code: u16, retry_after: &str) -> Reply {
    Reply::new([Step::Status {
        code,
        body: None,
        retry_after: Some(retry_after.to_owned()),
        location: None,
    }])
}

fn retrying() -> String {
    QUICK.replace("max_retries = 0", "max_retries = 2")
}

fn code_of(outcome: &TurnOutcome) -> Option<ErrorCode> {
    match outcome {
        TurnOutcome::Failed { error_code, .. } => Some(*error_code),
        TurnOutcome::Completed
        | TurnOutcome::Cancelled
        | TurnOutcome::Interrupted
        | TurnOutcome::LimitReached { .. } => None,
    }
}

fn message_of(outcome: &TurnOutcome) -> &str {
    match outcome {
        TurnOutcome::Failed { message, .. } => message,
        TurnOutcome::Completed
        | TurnOutcome::Cancelled
        | TurnOutcome::Interrupted
        | TurnOutcome::LimitReached { .. } => "",
    }
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_asked_again_then() {
    let script = Script::replies([busy(429, "0.05"), busy(503, "0.07"), Reply::text("yes")]);
    let server = ModelServer::start(script).await;
    let mut bench = Bench::configured(&retrying()).await;
    bench.provider("one", &server).await;
    bench.send(None, "hi").await.unwrap();
    let (told, outcome) = bench.until_finished().await;
    assert_eq!(outcome, TurnOutcome::Completed);
    let waits: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::TurnRetrying {
                attempt, after_ms, ..
            } => Some((*attempt, *after_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [(2, 50), (3, 70)]);
    let arrived: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.arrived)
        .collect();
    assert!((arrived[1] - arrived[0]).as_millis() >= 50);
    assert!((arrived[2] - arrived[1]).as_millis() >= 70);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_not_begun() {
    let server = ModelServer::start(Script::replies([busy(429, "31")])).await;
    let mut bench = Bench::configured(&retrying()).await;
    bench.provider("one", &server).await;
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(
        code_of(&outcome),
        Some(ErrorCode::AgentRateLimit),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_another_try_cannot_mend_is_tried_once() {
    for (code, expected) in [
        (400, ErrorCode::Agent),
        (401, ErrorCode::AgentAuth),
        (403, ErrorCode::AgentAuth),
        (404, ErrorCode::AgentModelNotFound),
    ] {
        let server = ModelServer::start(Script::always([Step::status(code)])).await;
        let mut bench = Bench::configured(&retrying()).await;
        bench.provider("one", &server).await;
        let (_, outcome) = bench.say("hi").await;
        assert_eq!(code_of(&outcome), Some(expected), "{outcome:?}");
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_stream_that_stalls_ends_with_what_arrived() {
    let script = Script::always([Step::Text("Half of it".to_owned()), Step::Stall(20_000)]);
    let server = ModelServer::start(script).await;
    let mut bench = Bench::configured(&retrying()).await;
    bench.provider("one", &server).await;
    let (session_id, outcome) = bench.say("hi").await;
    assert_eq!(code_of(&outcome), Some(ErrorCode::AgentTimeout));
    assert_eq!(server.requests().len(), 1, "nothing is said twice");
    let items = bench.items(&session_id).await;
    let assistant = ItemBody::Assistant {
        text: "Half of it".to_owned(),
        complete: false,
        model: "one:m".to_owned(),
    };
    assert_eq!(items[1].body, assistant);
}

#[tokio::test]
async fn a_provider_that_fails_in_a_row_is_left_alone_and_tried_again_later() {
    let fail = || Reply::status(500);
    let script = Script::replies([fail(), fail(), fail(), Reply::text("well again")]);
    let server = ModelServer::start(script).await;
    let config = format!("{QUICK}provider_circuit_failures = 2\nprovider_circuit_pause_secs = 1\n");
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    for _ in 0..2 {
        assert!(message_of(&bench.say("hi").await.1).contains("500"));
    }
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(code_of(&outcome), Some(ErrorCode::AgentConnection));
    let message = message_of(&outcome);
    assert!(
        message.starts_with("`one` failed 2 times in a row and is left alone for"),
        "{message}"
    );
    assert_eq!(server.requests().len(), 2, "it was not asked");
    // One message is let through after the pause; it fails, so the next one is not.
    while server.requests().len() < 3 {
        bench.say("hi").await;
    }
    let (_, outcome) = bench.say("hi").await;
    assert!(
        message_of(&outcome).contains("failed 3 times in a row"),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 3);
    while server.requests().len() < 4 {
        bench.say("hi").await;
    }
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
}

#[tokio::test]
async fn a_provider_that_opens_its_circuit_is_not_waited_for() {
    let server = ModelServer::start(Script::replies([Reply::status(500)])).await;
    let config = format!("{}provider_circuit_failures = 1\n", retrying());
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    bench.send(None, "hi").await.unwrap();
    let (told, outcome) = bench.until_finished().await;
    assert!(
        message_of(&outcome).contains("500"),
        "the cause is said: {outcome:?}"
    );
    assert!(
        !told
            .iter()
            .any(|event| matches!(event, Event::TurnRetrying { .. }))
    );
}

#[tokio::test]
async fn a_good_test_or_another_address_ends_the_pause() {
    use mesoclaw_api::ops::provider::{ProviderTest, ProviderUpdate, TestParams, UpdateParams};
    let config = format!("{QUICK}provider_circuit_failures = 1\n");
    let script = Script::replies([Reply::status(500), Reply::text("well again")]);
    let server = ModelServer::start(script).await;
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    bench.say("hi").await;
    assert!(message_of(&bench.say("hi").await.1).contains("left alone"));
    let tested = bench
        .call::<ProviderTest>(TestParams {
            provider_id: "one".to_owned(),
            model_id: Some("test-model".to_owned()),
        })
        .await
        .unwrap();
    assert!(tested.success, "{tested:?}");
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);

    let broken = ModelServer::start(Script::always([Step::status(500)])).await;
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &broken).await;
    bench.say("hi").await;
    bench
        .call::<ProviderUpdate>(UpdateParams {
            provider_id: "one".to_owned(),
            base_url: server.base_url(),
            name: None,
            api_version: None,
        })
        .await
        .unwrap();
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
}

async fn long_talk(script: Script) -> (Bench, ModelServer, SessionId, TurnOutcome) {
    let server = ModelServer::start(script).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    let sent = bench.send(None, "first").await.unwrap();
    bench.finished().await;
    for text in ["second", "third"] {
        bench.send(Some(&sent.session_id), text).await.unwrap();
        bench.finished().await;
    }
    bench.send(Some(&sent.session_id), "fourth").await.unwrap();
    let outcome = bench.outcome().await;
    (bench, server, sent.session_id, outcome)
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_cut_once_and_that_is_said() {
    let too_long = || Reply::new([Step::ContextLength]);
    let said = || Reply::text("yes");
    let script = Script::replies([said(), said(), said(), too_long(), said()]);
    let (bench, server, session_id, outcome) = long_talk(script).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!(
        bench.notices(&session_id).await,
        ["the conversation is too long for the model: its older half was left out"]
    );
    let requests = server.requests();
    let texts = texts_of(&requests[4]);
    assert_eq!(requests.len(), 5);
    assert!(texts.len() < texts_of(&requests[3]).len(), "{texts:?}");
    assert_eq!(texts.last().unwrap(), "user: fourth");
    assert!(!texts.contains(&"user: first".to_owned()), "{texts:?}");

    let script = Script::replies([said(), said(), said(), too_long()]);
    let (bench, server, session_id, outcome) = long_talk(script).await;
    assert_eq!(code_of(&outcome), Some(ErrorCode::AgentContextLength));
    assert_eq!(ErrorCode::AgentContextLength.exit_code(), 8);
    assert_eq!(
        server.requests().len(),
        5,
        "shorter once, not again and again"
    );
    assert_eq!(bench.notices(&session_id).await.len(), 1);
}

/// A model of a provider of this dialect, with a context of this many tokens.
async fn provider_of(bench: &Bench, base_url: String, dialect: &str, context_limit: u32) {
    bench
        .call::<ProviderCreate>(CreateParams {
            id: "one".to_owned(),
            base_url,
            dialect: Some(dialect.to_owned()),
            models: vec![NewModel {
                model_id: "m".to_owned(),
                display_name: None,
                supports_tools: None,
                supports_vision: None,
                context_limit: Some(context_limit),
                output_limit: None,
                price: None,
            }],
            ..CreateParams::default()
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_rejection_without_a_reason_is_about_length_where_the_prompt_nearly_fills_the_context() {
    for (dialect, wire) in [
        ("anthropic", WireKind::Anthropic),
        ("gemini", WireKind::Gemini),
        ("cohere", WireKind::Cohere),
    ] {
        let too_long = Reply::new([Step::ContextLength]);
        let script = Script::replies([Reply::text("yes"), too_long, Reply::text("yes")]);
        let server = ModelServer::start(script).await;
        let mut bench = Bench::configured(QUICK).await;
        bench.keep_keys().await;
        provider_of(&bench, server.base_url_for(wire), dialect, 2000).await;
        bench.set_key("one", "key-of-one").await;
        let words = "word ".repeat(800);
        let (session_id, outcome) = bench.say(&words).await;
        assert_eq!(outcome, TurnOutcome::Completed, "{dialect}");
        bench.send(Some(&session_id), &words).await.unwrap();
        assert_eq!(bench.outcome().await, TurnOutcome::Completed, "{dialect}");
        assert_eq!(
            bench.notices(&session_id).await,
            ["the conversation is too long for the model: its older half was left out"]
        );
    }
    // A short prompt is not the reason, and neither is a long one whose reason is known.
    let filtered = json!({"error": {"code": "content_filter", "message": "no"}});
    for (step, context_limit) in [
        (Step::status(400), 200_000),
        (Step::status_with(400, filtered), 1000),
    ] {
        let server = ModelServer::start(Script::always([step])).await;
        let mut bench = Bench::configured(QUICK).await;
        provider_of(&bench, server.base_url(), "openai_chat", context_limit).await;
        let (_, outcome) = bench.say(&"word ".repeat(800)).await;
        assert_eq!(code_of(&outcome), Some(ErrorCode::Agent));
    }
}

#[tokio::test]
async fn broken_arguments_are_told_to_the_model_once() {
    let broken = |id: &str| {
        Reply::new([Step::ToolCall(CallScript {
            index: 0,
            id: id.to_owned(),
            name: "echo".to_owned(),
            arguments: vec!["{\"a\": ".to_owned(), "1".to_owned()],
        })])
    };
    let good = Reply::new([Step::tool_call("c2", "echo", &json!({"a": 1}))]);
    let script = Script::replies([broken("c1"), good, Reply::text("done")]);
    let server = ModelServer::start(script).await;
    let tool = EchoTool::new("echo");
    let mut bench = Bench::with(QUICK, vec![Arc::clone(&tool) as _]).await;
    bench.provider("one", &server).await;
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(outcome, TurnOutcome::Completed, "{:?}", server.refusals());
    assert_eq!(*tool.runs.lock().unwrap(), [json!({"a": 1})]);
    let told = texts_of(&server.requests()[1]);
    assert!(
        told.last()
            .unwrap()
            .contains("the arguments are not valid JSON"),
        "{told:?}"
    );

    let script = Script::replies([broken("c1"), broken("c2"), Reply::text("done")]);
    let server = ModelServer::start(script).await;
    let tool = EchoTool::new("echo");
    let mut bench = Bench::with(QUICK, vec![Arc::clone(&tool) as _]).await;
    bench.provider("one", &server).await;
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(code_of(&outcome), Some(ErrorCode::Agent));
    assert!(
        message_of(&outcome).contains("broken arguments"),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 2);
    assert!(tool.runs.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_try_that_was_cancelled_leaves_the_provider_to_the_next_message() {
    let stalled = Reply::new([Step::Text("hm".to_owned()), Step::Stall(20_000)]);
    let script = Script::replies([Reply::status(500), stalled, Reply::text("well again")]);
    let server = ModelServer::start(script).await;
    let config = QUICK.replace("idle_timeout_secs = 1", "idle_timeout_secs = 30");
    let config =
        format!("{config}provider_circuit_failures = 1\nprovider_circuit_pause_secs = 1\n");
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    bench.say("hi").await;
    let session_id = loop {
        let sent = bench.send(None, "hi").await.unwrap();
        let ended_or_speaks = |event: &Event| match event {
            Event::TurnFinished { .. } => Some(false),
            Event::TextDelta { .. } => Some(true),
            _ => None,
        };
        if bench.event(ended_or_speaks).await {
            break sent.session_id;
        }
    };
    let params = CancelParams {
        session_id,
        turn_id: None,
    };
    bench.call::<TurnCancel>(params).await.unwrap();
    assert_eq!(bench.finished().await, "cancelled");
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
}

#[tokio::test]
async fn a_prompt_is_held_back_only_where_it_is_sure_not_to_fit() {
    let server = ModelServer::start(Script::text("yes")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench
        .call::<ProviderCreate>(CreateParams {
            models: vec![NewModel {
                model_id: "m".to_owned(),
                display_name: None,
                supports_tools: None,
                supports_vision: None,
                context_limit: Some(1000),
                output_limit: None,
                price: None,
            }],
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    // A usual word is one token however long it is.
    assert_eq!(
        bench.say(&"sentence ".repeat(700)).await.1,
        TurnOutcome::Completed
    );
    let (_, outcome) = bench.say(&"sentence ".repeat(4000)).await;
    assert_eq!(code_of(&outcome), Some(ErrorCode::AgentContextLength));
    assert!(
        message_of(&outcome).contains("one:m takes 1000"),
        "{outcome:?}"
    );
    assert_eq!(server.requests().len(), 1);
}
