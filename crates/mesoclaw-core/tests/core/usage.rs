//! What was used and what it cost, call by call, whatever became of the call.

use mesoclaw_api::ops::chat::{CancelParams, TurnCancel};
use mesoclaw_api::ops::session::{SessionDelete, SessionParams};
use mesoclaw_api::ops::usage::{GroupBy, Spent, SummaryParams, UsageGetSummary, UsageSummary};
use mesoclaw_api::{ErrorCode, Event, Usage};
use mesoclaw_testkit::model_server::{Ending, ModelServer, Reply, Script, Step};

use crate::support::{Bench, QUICK};

async fn summary(bench: &Bench, by: GroupBy) -> UsageSummary {
    let params = SummaryParams {
        by: Some(by),
        days: Some(1),
        ..SummaryParams::default()
    };
    bench.call::<UsageGetSummary>(params).await.unwrap()
}

fn told() -> Reply {
    Reply::new([
        Step::Text("yes".to_owned()),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 10,
            cached_tokens: 20,
        },
        Step::UsageDetails {
            reasoning_tokens: 4,
            cache_write_tokens: 0,
        },
    ])
}

async fn bench_at(script: Script) -> (Bench, ModelServer) {
    let server = ModelServer::start(script).await;
    let bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    (bench, server)
}

#[tokio::test]
async fn usage_is_summed_by_day_session_and_model() {
    let (mut bench, _server) = bench_at(Script::replies([told()])).await;
    let (first, _) = bench.say("first").await;
    bench.send(Some(&first), "more").await.unwrap();
    bench.finished().await;
    bench.say_to("one:other", "second").await.unwrap();
    bench.finished().await;
    let call = Usage {
        input_tokens: 30,
        cached_tokens: 20,
        cache_write_tokens: 0,
        output_tokens: 10,
        reasoning_tokens: 4,
        model_calls: 1,
    };
    let mut all = Usage::default();
    for _ in 0..3 {
        all.add(&call);
    }
    let by_day = summary(&bench, GroupBy::Day).await;
    assert_eq!((by_day.total.usage, by_day.groups.len()), (all, 1));
    assert_eq!(by_day.groups[0].key, by_day.budget.day);
    assert_eq!(by_day.budget.used_tokens, 120);
    let totals = |spent: &Spent| {
        (
            spent.failed_calls,
            spent.estimated_calls,
            spent.cost_microusd,
        )
    };
    assert_eq!(totals(&by_day.total), (0, 0, 0));
    assert!(by_day.total.first_token_ms.is_some() && by_day.total.latency_ms.is_some());
    let calls = |summary: &UsageSummary| -> Vec<(String, String, u32)> {
        let groups = summary.groups.iter();
        groups
            .map(|group| {
                (
                    group.key.clone(),
                    group.label.clone(),
                    group.spent.usage.model_calls,
                )
            })
            .collect()
    };
    let by_session = calls(&summary(&bench, GroupBy::Session).await);
    assert_eq!(by_session.len(), 2);
    assert_eq!(by_session[0], (first.to_string(), "first".to_owned(), 2));
    let text = str::to_owned;
    assert_eq!(
        calls(&summary(&bench, GroupBy::Model).await),
        [
            (text("one:m"), text("one:m"), 2),
            (text("one:other"), text("one:other"), 1)
        ]
    );
    let params = SummaryParams {
        session_id: Some(first.clone()),
        ..SummaryParams::default()
    };
    let of_first = bench.call::<UsageGetSummary>(params).await.unwrap();
    assert_eq!(of_first.total.usage.model_calls, 2);
}

#[tokio::test]
async fn a_session_that_is_gone_was_paid_for_all_the_same() {
    let (mut bench, _server) = bench_at(Script::replies([told()])).await;
    let (session_id, _) = bench.say("first").await;
    let before = summary(&bench, GroupBy::Session).await;
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    bench.call::<SessionDelete>(params).await.unwrap();
    let after = summary(&bench, GroupBy::Session).await;
    assert_eq!((after.total, after.budget), (before.total, before.budget));
    assert_eq!(after.groups[0].label, session_id.to_string());
    for days in [0, 3651] {
        let params = SummaryParams {
            days: Some(days),
            ..SummaryParams::default()
        };
        let error = bench.call::<UsageGetSummary>(params).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Validation);
    }
}

#[tokio::test]
async fn what_a_provider_does_not_count_is_estimated() {
    // Four bytes are taken for a token.
    let silent = Reply::new([
        Step::Text("x".repeat(400)),
        Step::Usage {
            prompt_tokens: 0,
            completion_tokens: 0,
            cached_tokens: 0,
        },
    ]);
    let (mut bench, _server) = bench_at(Script::replies([silent])).await;
    bench.say(&"y".repeat(4000)).await;
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert_eq!(spent.estimated_calls, 1);
    assert_eq!(spent.usage.output_tokens, 100);
    assert!(spent.usage.input_tokens >= 1000, "{spent:?}");
}

#[tokio::test]
async fn a_cancelled_answer_counts_with_what_it_said() {
    let endless = Reply::new([Step::Text("z".repeat(400)), Step::Stall(20_000)]);
    let config = QUICK.replace("idle_timeout_secs = 1", "idle_timeout_secs = 30");
    let server = ModelServer::start(Script::replies([endless])).await;
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    let sent = bench.send(None, "talk").await.unwrap();
    bench
        .event(|event| matches!(event, Event::TextDelta { .. }).then_some(()))
        .await;
    let params = CancelParams {
        session_id: sent.session_id,
        turn_id: None,
    };
    bench.call::<TurnCancel>(params).await.unwrap();
    assert_eq!(bench.finished().await, "cancelled");
    assert_eq!(server.wait_for_ending(0).await, Ending::ClientGone);
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert_eq!(
        (
            spent.usage.model_calls,
            spent.usage.output_tokens,
            spent.estimated_calls
        ),
        (1, 100, 1)
    );
}

#[tokio::test]
async fn an_answer_that_broke_off_counts_with_what_it_said_also_where_less_was_told() {
    // Anthropic tells the prompt's tokens, and one of the answer, before the answer.
    let server = ModelServer::start(Script::replies([Reply::new([
        Step::Text("z".repeat(400)),
        Step::CutMidEvent,
    ])]))
    .await;
    let mut bench = Bench::configured(QUICK).await;
    let key = ("ONE_KEY".to_owned(), "key-of-one".to_owned());
    bench.variables.lock().unwrap().extend([key]);
    bench
        .call::<mesoclaw_api::ops::provider::ProviderCreate>(
            mesoclaw_api::ops::provider::CreateParams {
                dialect: Some("anthropic".to_owned()),
                api_key_env: Some("ONE_KEY".to_owned()),
                ..crate::support::endpoint("one", &server)
            },
        )
        .await
        .unwrap();
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(outcome.status(), "failed");
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert!(spent.usage.output_tokens >= 100, "{spent:?}");
    assert_eq!(
        (spent.failed_calls, spent.estimated_calls),
        (1, 1),
        "{spent:?}"
    );
}

#[tokio::test]
async fn failed_calls_are_counted_with_every_try() {
    let script = Script::replies([
        Reply::status(500),
        Reply::new([Step::Status {
            code: 429,
            body: None,
            retry_after: Some("0.01".to_owned()),
            location: None,
        }]),
        Reply::status(400),
    ]);
    let server = ModelServer::start(script).await;
    let mut bench = Bench::configured(&QUICK.replace("retries = 0", "retries = 2")).await;
    bench.provider("one", &server).await;
    assert_eq!(bench.say("hi").await.1.status(), "failed");
    let spent = summary(&bench, GroupBy::Model).await.total;
    assert_eq!((spent.usage.model_calls, spent.failed_calls), (3, 3));
    assert_eq!(spent.usage.input_tokens + spent.usage.output_tokens, 0);
}

#[tokio::test]
async fn what_a_running_answer_used_counts_when_its_session_or_the_daemon_ends() {
    let endless = Reply::new([Step::Text("z".repeat(400)), Step::Stall(20_000)]);
    let config = QUICK.replace("idle_timeout_secs = 1", "idle_timeout_secs = 30");
    let server = ModelServer::start(Script::replies([endless])).await;
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    let has_text = |event: &Event| matches!(event, Event::TextDelta { .. }).then_some(());
    let sent = bench.send(None, "talk").await.unwrap();
    bench.event(has_text).await;
    let params = SessionParams {
        session_id: sent.session_id,
    };
    bench.call::<SessionDelete>(params).await.unwrap();
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert_eq!(
        (spent.usage.model_calls, spent.usage.output_tokens),
        (1, 100)
    );
    bench.send(None, "talk").await.unwrap();
    bench.event(has_text).await;
    bench.core.close("a test").await.unwrap();
    let bench = bench.crash_and_restart(Vec::new()).await;
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert_eq!(
        (spent.usage.model_calls, spent.usage.output_tokens),
        (2, 200)
    );
}

#[tokio::test]
async fn a_cancelled_wait_for_another_try_counts_the_tries_before() {
    let busy = Reply::new([Step::Status {
        code: 429,
        body: None,
        retry_after: Some("20".to_owned()),
        location: None,
    }]);
    let server = ModelServer::start(Script::replies([busy])).await;
    let mut bench = Bench::configured(&QUICK.replace("retries = 0", "retries = 2")).await;
    bench.provider("one", &server).await;
    let sent = bench.send(None, "talk").await.unwrap();
    bench
        .event(|event| matches!(event, Event::TurnRetrying { .. }).then_some(()))
        .await;
    let params = CancelParams {
        session_id: sent.session_id,
        turn_id: None,
    };
    assert!(bench.call::<TurnCancel>(params).await.unwrap().cancelled);
    assert_eq!(bench.finished().await, "cancelled");
    let spent = summary(&bench, GroupBy::Day).await.total;
    assert_eq!((spent.usage.model_calls, spent.failed_calls), (1, 1));
}
