//! Sessions from outside: operations in, events and stored items out.
use std::time::Duration;

use mesoclaw_agent::model::{ModelError, ModelErrorKind, ModelMessage, StopReason};
use mesoclaw_agent::tool::Tool;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::approval::{
    Answer, ApprovalList, ApprovalResolve, ApprovalScope, ListParams, ResolveParams,
};
use mesoclaw_api::ops::chat::{
    CancelParams, ChatSend, ContinueParams, SendParams, TurnCancel, TurnContinue,
};
use mesoclaw_api::ops::config::{ConfigGet, ConfigUpdate, UpdateParams};
use mesoclaw_api::ops::daemon::DaemonGetStatus;
use mesoclaw_api::ops::model::{ModelParams, ModelPull, ModelPullCancel, PullParams};
use mesoclaw_api::ops::session::{
    self, QueueList, QueueParams, QueueRemove, QueueUpdate, QueueUpdateParams, SessionDelete,
    SessionFork, SessionGet, SessionList, SessionParams, SessionResolve, SessionSearch,
    SessionState,
};
use mesoclaw_api::{ErrorCode, Event, ItemBody};
use serde_json::json;
use std::sync::Arc;

use crate::support::{Bench, EchoTool, answer, within};

#[tokio::test]
async fn a_turn_is_streamed_stored_and_told_in_order() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "hello there").await.unwrap();
    answer(&mut bench, &["Hi", ", you"]).await;
    let mut kinds = Vec::new();
    let mut text = String::new();
    bench
        .event(|event| {
            if let Event::TextDelta { text: more, .. } = event {
                text.push_str(more);
            }
            if kinds.last() != Some(&event.kind()) {
                kinds.push(event.kind());
            }
            matches!(event, Event::TurnFinished { .. }).then_some(())
        })
        .await;
    assert_eq!(
        kinds,
        [
            "item.stored",
            "session.changed",
            "turn.started",
            "text.delta",
            "item.stored",
            "turn.finished"
        ]
    );
    assert_eq!(text, "Hi, you");
    assert_eq!(
        bench.story(&sent.session_id).await,
        ["user hello there", "assistant Hi, you", "outcome completed"]
    );
    let detail = bench
        .call::<SessionGet>(SessionParams {
            session_id: sent.session_id,
        })
        .await
        .unwrap();
    assert_eq!(detail.summary.session.title, "hello there");
    assert_eq!(detail.summary.message_count, 2);
    assert_eq!(detail.usage.model_calls, 1);
}

#[tokio::test]
async fn the_second_turn_carries_the_first() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "my name is Ada").await.unwrap();
    answer(&mut bench, &["Hello Ada"]).await;
    bench.finished().await;
    bench
        .send(Some(&sent.session_id), "what is my name?")
        .await
        .unwrap();
    let call = bench.model_call().await;
    let user = |text: &str| ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    };
    assert_eq!(
        call.request.messages,
        [
            user("my name is Ada"),
            ModelMessage::Assistant {
                text: "Hello Ada".to_owned(),
                calls: Vec::new()
            },
            user("what is my name?")
        ]
    );
}

#[tokio::test]
async fn a_message_sent_meanwhile_waits_is_editable_and_runs_next() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "first").await.unwrap();
    let session_id = sent.session_id;
    let call = bench.model_call().await;
    let second = bench.send(Some(&session_id), "second").await.unwrap();
    let third = bench.send(Some(&session_id), "third").await.unwrap();
    assert_eq!((second.turn_id, third.turn_id), (None, None));
    let queue_id = second.queue_id.unwrap();
    bench
        .call::<QueueUpdate>(QueueUpdateParams {
            session_id: session_id.clone(),
            queue_id,
            text: "second, better".to_owned(),
        })
        .await
        .unwrap();
    bench
        .call::<QueueRemove>(QueueParams {
            session_id: session_id.clone(),
            queue_id: third.queue_id.unwrap(),
        })
        .await
        .unwrap();
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    let queue = bench.call::<QueueList>(params.clone()).await.unwrap();
    let texts: Vec<_> = queue.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["second, better"]);
    call.stop(StopReason::End).await;
    bench.finished().await;
    // An empty answer failed the first turn, so the queue waits for the next message.
    assert_eq!(
        bench.call::<QueueList>(params.clone()).await.unwrap().len(),
        1
    );
    bench.send(Some(&session_id), "fourth").await.unwrap();
    answer(&mut bench, &["two"]).await;
    answer(&mut bench, &["four"]).await;
    bench.finished().await;
    bench.finished().await;
    let story = bench.story(&session_id).await;
    assert_eq!(
        story,
        [
            "user first",
            "outcome failed",
            "user second, better",
            "assistant two",
            "outcome completed",
            "user fourth",
            "assistant four",
            "outcome completed"
        ]
    );
    assert_eq!(bench.call::<QueueList>(params).await.unwrap(), []);
}

#[tokio::test]
async fn cancel_keeps_what_was_said_and_other_sessions_go_on() {
    let mut bench = Bench::start().await;
    let one = bench.send(None, "one").await.unwrap();
    let call_one = bench.model_call().await;
    let two = bench.send(None, "two").await.unwrap();
    let call_two = bench.model_call().await;
    call_one.text("half an ans").await;
    bench
        .event(|event| matches!(event, Event::TextDelta { .. }).then_some(()))
        .await;
    let params = CancelParams {
        session_id: one.session_id.clone(),
        turn_id: one.turn_id,
    };
    assert!(
        bench
            .call::<TurnCancel>(params.clone())
            .await
            .unwrap()
            .cancelled
    );
    within(call_one.dropped()).await;
    assert_eq!(bench.finished().await, "cancelled");
    assert!(!bench.call::<TurnCancel>(params).await.unwrap().cancelled);
    call_two.text("fine").await;
    call_two.stop(StopReason::End).await;
    assert_eq!(bench.finished().await, "completed");
    assert_eq!(
        bench.story(&one.session_id).await,
        ["user one", "assistant half an ans", "outcome cancelled"]
    );
    assert_eq!(bench.story(&two.session_id).await.len(), 3);
}

#[tokio::test]
async fn one_client_message_is_said_once() {
    let mut bench = Bench::start().await;
    let params = SendParams {
        text: "once".to_owned(),
        client_message_id: Some("abc".to_owned()),
        ..SendParams::default()
    };
    let (a, b) = tokio::join!(
        bench.call::<ChatSend>(params.clone()),
        bench.call::<ChatSend>(params.clone())
    );
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.session_id, b.session_id);
    assert_ne!(a.is_duplicate, b.is_duplicate);
    answer(&mut bench, &["yes"]).await;
    bench.finished().await;
    assert!(bench.call::<ChatSend>(params).await.unwrap().is_duplicate);
    assert_eq!(bench.story(&a.session_id).await.len(), 3);
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_tried_again_and_later_ones_are_not() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "go").await.unwrap();
    let mut busy = ModelError::new(ModelErrorKind::RateLimited, "slow down");
    busy.retry_after = Some(Duration::from_millis(1));
    bench.model_call().await.fail(busy).await;
    let attempt = bench
        .event(|event| match event {
            Event::TurnRetrying { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .await;
    assert_eq!(attempt, 2);
    let call = bench.model_call().await;
    call.text("partial").await;
    call.fail(ModelError::new(ModelErrorKind::BrokenStream, "cut"))
        .await;
    assert_eq!(bench.finished().await, "failed");
    assert_eq!(
        bench.story(&sent.session_id).await,
        ["user go", "assistant partial", "outcome failed"]
    );
    let error = bench
        .call::<TurnContinue>(ContinueParams {
            session_id: sent.session_id.clone(),
            model: None,
        })
        .await;
    assert!(error.unwrap().turn_id.is_some());
    answer(&mut bench, &[" and the rest"]).await;
    assert_eq!(bench.finished().await, "completed");
    let again = bench
        .call::<TurnContinue>(ContinueParams {
            session_id: sent.session_id,
            model: None,
        })
        .await;
    assert_eq!(again.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_tool_round_runs_asks_and_survives_a_panicking_tool() {
    let tool = EchoTool::new("echo");
    let mut bench = Bench::with_tools(vec![Arc::clone(&tool) as Arc<dyn Tool>]).await;
    let sent = bench.send(None, "use tools").await.unwrap();
    let call = bench.model_call().await;
    assert_eq!(call.request.tools.len(), 1);
    call.call(0, "a", "echo", &json!({"n": 1})).await;
    call.call(1, "b", "echo", &json!({"panic": true})).await;
    call.call(2, "c", "echo", &json!({"risky": 1})).await;
    call.call(3, "d", "nope", &json!({})).await;
    call.stop(StopReason::ToolCalls).await;
    let approval = bench
        .event(|event| match event {
            Event::ApprovalRequested { approval } => Some((**approval).clone()),
            _ => None,
        })
        .await;
    let open = bench
        .call::<ApprovalList>(ListParams::default())
        .await
        .unwrap();
    assert_eq!(open, std::slice::from_ref(&approval));
    let resolve = |answer| ResolveParams {
        approval_id: approval.id.clone(),
        answer,
        reason: None,
        scope: ApprovalScope::Once,
        patterns: None,
        expires_in_secs: None,
        digest: None,
    };
    bench
        .call::<ApprovalResolve>(resolve(Answer::Approve))
        .await
        .unwrap();
    let late = bench.call::<ApprovalResolve>(resolve(Answer::Deny)).await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
    let next = bench.model_call().await;
    let results: Vec<_> = next
        .request
        .messages
        .iter()
        .filter_map(|message| match message {
            ModelMessage::ToolResult {
                call_id, output, ..
            } => Some((call_id.to_string(), output.clone())),
            ModelMessage::User { .. } | ModelMessage::Assistant { .. } => None,
        })
        .collect();
    let ids: Vec<_> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert_eq!(results[0].1, r#"{"n":1}"#);
    assert!(results[1].1.contains("failed inside"), "{}", results[1].1);
    assert_eq!(results[2].1, r#"{"risky":1}"#);
    assert!(results[3].1.contains("no tool `nope`"), "{}", results[3].1);
    next.text("done").await;
    next.stop(StopReason::End).await;
    assert_eq!(bench.finished().await, "completed");
    assert_eq!(tool.runs.lock().unwrap().len(), 3);
    assert_eq!(bench.items(&sent.session_id).await.len(), 12);
}

#[tokio::test]
async fn a_turn_cut_off_by_a_crash_is_interrupted_and_can_be_continued() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "long story").await.unwrap();
    let call = bench.model_call().await;
    call.text("Once upon").await;
    // The draft is on disk when a reader finds it.
    within(async {
        while bench.story(&sent.session_id).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut bench = bench.crash_and_restart(Vec::new()).await;
    let list = bench
        .call::<SessionList>(session::ListParams::default())
        .await
        .unwrap();
    assert_eq!(list[0].state, SessionState::Interrupted);
    assert_eq!(
        bench.story(&sent.session_id).await,
        [
            "user long story",
            "assistant Once upon",
            "outcome interrupted"
        ]
    );
    let status = bench.call::<DaemonGetStatus>(NoParams {}).await.unwrap();
    assert_eq!(status.was_last_stop_clean, Some(false));
    bench
        .call::<TurnContinue>(ContinueParams {
            session_id: sent.session_id.clone(),
            model: None,
        })
        .await
        .unwrap();
    let call = bench.model_call().await;
    let carried = call.request.messages.iter().any(
        |message| matches!(message, ModelMessage::Assistant { text, .. } if text == "Once upon"),
    );
    assert!(carried, "{:?}", call.request.messages);
    call.text(" a time").await;
    call.stop(StopReason::End).await;
    assert_eq!(bench.finished().await, "completed");
}

#[tokio::test]
async fn an_open_approval_survives_a_crash_and_its_answer_continues_the_turn() {
    let tool = EchoTool::new("echo");
    let tools = || vec![Arc::clone(&tool) as Arc<dyn Tool>];
    let mut bench = Bench::with_tools(tools()).await;
    let sent = bench.send(None, "do it").await.unwrap();
    let call = bench.model_call().await;
    call.call(0, "a", "echo", &json!({"risky": 7})).await;
    call.stop(StopReason::ToolCalls).await;
    bench
        .event(|event| matches!(event, Event::ApprovalRequested { .. }).then_some(()))
        .await;
    let mut bench = bench.crash_and_restart(tools()).await;
    let open = bench
        .call::<ApprovalList>(ListParams::default())
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    bench
        .call::<ApprovalResolve>(ResolveParams {
            approval_id: open[0].id.clone(),
            answer: Answer::Approve,
            reason: None,
            scope: ApprovalScope::Once,
            patterns: None,
            expires_in_secs: None,
            digest: None,
        })
        .await
        .unwrap();
    let call = bench.model_call().await;
    assert_eq!(*tool.runs.lock().unwrap(), [json!({"risky": 7})]);
    call.text("it is done").await;
    call.stop(StopReason::End).await;
    assert_eq!(bench.finished().await, "completed");
    let items = bench.items(&sent.session_id).await;
    let approved = items.iter().any(|item| {
        matches!(
            item.body,
            ItemBody::Approval {
                decision: ApprovalDecision::Approved,
                ..
            }
        )
    });
    assert!(approved, "{items:?}");
}

#[tokio::test]
async fn closing_stores_running_turns_as_interrupted() {
    let mut bench = Bench::start().await;
    let sent = bench.send(None, "go on for long").await.unwrap();
    let call = bench.model_call().await;
    call.text("word ").await;
    bench
        .event(|event| matches!(event, Event::TextDelta { .. }).then_some(()))
        .await;
    within(bench.core.close("test")).await.unwrap();
    within(call.dropped()).await;
    assert_eq!(bench.finished().await, "interrupted");
    let refused = bench
        .send(Some(&sent.session_id), "more")
        .await
        .unwrap_err();
    assert!(
        matches!(refused.code, ErrorCode::ShuttingDown | ErrorCode::Db),
        "{refused:?}"
    );
    let mut bench = bench.crash_and_restart(Vec::new()).await;
    let status = bench.call::<DaemonGetStatus>(NoParams {}).await.unwrap();
    assert_eq!(status.was_last_stop_clean, Some(true));
    assert_eq!(
        bench.story(&sent.session_id).await,
        [
            "user go on for long",
            "assistant word ",
            "outcome interrupted"
        ]
    );
    bench.send(None, "new").await.unwrap();
    bench.model_call().await;
}

#[tokio::test]
async fn sessions_are_found_forked_searched_and_deleted() {
    let mut bench = Bench::start().await;
    let resolve = |name: &str, create| session::ResolveParams {
        name: name.to_owned(),
        create,
    };
    let missing = bench.call::<SessionResolve>(resolve("demo", false)).await;
    assert_eq!(missing.unwrap_err().code, ErrorCode::NotFound);
    let made = bench
        .call::<SessionResolve>(resolve("demo", true))
        .await
        .unwrap();
    assert!(made.created);
    let id = made.session.id;
    for name in ["demo", id.as_str(), &id.as_str()[..8]] {
        let found = bench
            .call::<SessionResolve>(resolve(name, true))
            .await
            .unwrap();
        assert_eq!(
            (found.session.id.clone(), found.created),
            (id.clone(), false)
        );
    }
    bench.send(Some(&id), "the quick brown fox").await.unwrap();
    answer(&mut bench, &["jumps over"]).await;
    bench.finished().await;
    let hits = bench
        .call::<SessionSearch>(session::SearchParams {
            query: "quick \"fox*".to_owned(),
            session_id: None,
            limit: None,
        })
        .await
        .unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].role, "user");
    let fork = bench
        .call::<SessionFork>(session::ForkParams {
            session_id: id.clone(),
            until: Some(hits[0].item_id.clone()),
            title: None,
        })
        .await
        .unwrap();
    assert_eq!(fork.title, "demo (fork)");
    assert_eq!(bench.story(&fork.id).await, ["user the quick brown fox"]);
    let params = SessionParams { session_id: id };
    bench.call::<SessionDelete>(params.clone()).await.unwrap();
    let gone = bench.call::<SessionGet>(params).await;
    assert_eq!(gone.unwrap_err().code, ErrorCode::NotFound);
    let list = bench
        .call::<SessionList>(session::ListParams::default())
        .await
        .unwrap();
    assert_eq!(list.len(), 1);
}

#[tokio::test]
async fn configuration_is_patched_told_and_reread_when_the_file_changes() {
    let mut bench = Bench::start().await;
    let patch = |value: serde_json::Value| UpdateParams {
        patch: value.as_object().unwrap().clone(),
    };
    let unknown = bench
        .call::<ConfigUpdate>(patch(json!({"agent_max_turn": 3})))
        .await;
    let error = unknown.unwrap_err();
    assert_eq!(error.code, ErrorCode::Config);
    assert!(
        error.message.contains("agent_max_turns"),
        "{}",
        error.message
    );
    bench
        .call::<ConfigUpdate>(patch(json!({"agent_max_turns": 3})))
        .await
        .unwrap();
    let keys = bench
        .event(|event| match event {
            Event::ConfigChanged { keys } => Some(keys.clone()),
            _ => None,
        })
        .await;
    assert_eq!(keys, ["agent_max_turns"]);
    let file = bench.home.path().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("agent_max_turns = 3", "agent_max_turns = 11"),
    )
    .unwrap();
    let values = bench.call::<ConfigGet>(NoParams {}).await.unwrap();
    assert_eq!(values["agent_max_turns"], 11);
}

#[tokio::test]
async fn without_a_model_the_error_names_the_commands_that_help() {
    let bench = Bench::start().await;
    let patch = json!({"provider_name": null, "provider_model_id": null});
    bench
        .call::<ConfigUpdate>(UpdateParams {
            patch: patch.as_object().unwrap().clone(),
        })
        .await
        .unwrap();
    let error = bench.send(None, "hello").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(error.hint.unwrap().contains("mesoclaw setup --local"));
    let list = bench
        .call::<SessionList>(session::ListParams::default())
        .await
        .unwrap();
    assert_eq!(list, []);
}

#[tokio::test]
async fn a_download_can_be_stopped_and_runs_once() {
    let mut bench = Bench::start().await;
    let pull = PullParams {
        model_id: "big".to_owned(),
        source: None,
        sha256: None,
    };
    bench.call::<ModelPull>(pull.clone()).await.unwrap();
    let twice = bench.call::<ModelPull>(pull).await;
    assert_eq!(twice.unwrap_err().code, ErrorCode::Conflict);
    let model = ModelParams {
        model_id: "big".to_owned(),
    };
    bench.call::<ModelPullCancel>(model.clone()).await.unwrap();
    let error = bench
        .event(|event| match event {
            Event::ModelFinished { error, .. } => Some(error.clone()),
            _ => None,
        })
        .await;
    assert_eq!(error.unwrap().code, ErrorCode::Cancelled);
    let none = bench.call::<ModelPullCancel>(model).await;
    assert_eq!(none.unwrap_err().code, ErrorCode::NotFound);
}
