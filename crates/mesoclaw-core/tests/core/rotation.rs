//! A key that changes while a turn runs holds from its next model call on.

use std::sync::Arc;

use mesoclaw_api::ops::approval::{Answer, ApprovalResolve, ApprovalScope, ResolveParams};
use mesoclaw_api::ops::credential::{CredentialDelete, KeyParams};
use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, ProviderCreate, ProviderDefaultSet, ProviderDelete, ProviderParams,
};
use mesoclaw_api::{ApprovalId, ErrorCode, Event, TurnOutcome};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, authorization, endpoint};

/// A turn that waits for a person between its two model calls.
async fn waiting_turn(config: &str) -> (Bench, ModelServer, ApprovalId) {
    let call = Reply::new([Step::tool_call("c", "echo", &json!({"risky": true}))]);
    let server = ModelServer::start(Script::replies([call, Reply::text("done")])).await;
    let tools = vec![EchoTool::new("echo") as Arc<_>];
    let mut bench = Bench::with(&format!("{QUICK}{config}"), tools).await;
    bench.keep_keys().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            requires_api_key: Some(true),
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    bench.set_key("one", "key-before").await;
    bench.send(None, "hi").await.unwrap();
    let asked = |event: &Event| match event {
        Event::ApprovalRequested { approval } => Some(approval.id.clone()),
        _ => None,
    };
    let approval_id = bench.event(asked).await;
    (bench, server, approval_id)
}

async fn go_on(bench: &mut Bench, approval_id: ApprovalId) -> TurnOutcome {
    let params = ResolveParams {
        approval_id,
        answer: Answer::Approve,
        reason: None,
        scope: ApprovalScope::Once,
        patterns: None,
        expires_in_secs: None,
        digest: None,
    };
    bench.call::<ApprovalResolve>(params).await.unwrap();
    bench.outcome().await
}

#[tokio::test]
async fn a_rotated_key_serves_the_next_call_of_a_running_turn() {
    let (mut bench, server, approval_id) = waiting_turn("").await;
    bench.set_key("one", "key-after").await;
    let outcome = go_on(&mut bench, approval_id).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    let requests = server.requests();
    let keys: Vec<_> = requests.iter().map(authorization).collect();
    assert_eq!(keys, [Some("Bearer key-before"), Some("Bearer key-after")]);
}

#[tokio::test]
async fn a_removed_key_ends_the_turn_before_its_next_call() {
    let (mut bench, server, approval_id) = waiting_turn("").await;
    let params = KeyParams {
        key: "api_key:one".to_owned(),
    };
    bench.call::<CredentialDelete>(params).await.unwrap();
    let TurnOutcome::Failed {
        error_code,
        message,
        ..
    } = go_on(&mut bench, approval_id).await
    else {
        panic!("it failed");
    };
    assert_eq!(error_code, ErrorCode::AgentNotConfigured);
    assert!(message.contains("`one` wants a key"), "{message}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn another_model_takes_over_where_the_key_is_gone() {
    let (mut bench, server, approval_id) =
        waiting_turn("provider_fallbacks = [\"two:m2\"]\n").await;
    let two = ModelServer::start(Script::text("from two")).await;
    bench.provider("two", &two).await;
    let params = KeyParams {
        key: "api_key:one".to_owned(),
    };
    bench.call::<CredentialDelete>(params).await.unwrap();
    let outcome = go_on(&mut bench, approval_id).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!((server.requests().len(), two.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_provider_that_goes_away_under_a_turn_leaves_it_to_no_other() {
    let (mut bench, server, approval_id) = waiting_turn("").await;
    let two = ModelServer::start(Script::text("from two")).await;
    bench.provider("two", &two).await;
    // The default is on this machine, where any name may be one of a model.
    bench
        .call::<ProviderDefaultSet>(DefaultModel {
            provider_id: "two".to_owned(),
            model_id: "m2".to_owned(),
        })
        .await
        .unwrap();
    let params = ProviderParams {
        provider_id: "one".to_owned(),
    };
    bench.call::<ProviderDelete>(params).await.unwrap();
    let TurnOutcome::Failed {
        error_code,
        message,
        ..
    } = go_on(&mut bench, approval_id).await
    else {
        panic!("it failed");
    };
    assert_eq!(error_code, ErrorCode::AgentNotConfigured);
    assert_eq!(message, "there is no provider `one`");
    assert_eq!((server.requests().len(), two.requests().len()), (1, 0));
}
