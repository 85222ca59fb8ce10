//! How far a day and a session may go, and how that is said.

use std::sync::Arc;

use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::chat::{ChatSend, SendParams};
use mesoclaw_api::ops::provider::{
    CreateParams, ModelAddParams, NewModel, Price, ProviderCreate, ProviderModelAdd, ProviderTest,
    TestParams,
};
use mesoclaw_api::ops::session::{QueueList, SessionParams};
use mesoclaw_api::ops::usage::{
    BudgetState, GroupBy, SummaryParams, UsageGetBudget, UsageGetSummary,
};
use mesoclaw_api::{ErrorCode, Event, Surface, TurnOutcome};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, endpoint, patch};

/// An answer that used 40 tokens.
fn forty() -> Reply {
    Reply::new([
        Step::Text("yes".to_owned()),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 10,
            cached_tokens: 0,
        },
    ])
}

async fn bench_at(server: &ModelServer, budget: &str) -> Bench {
    let tools = vec![EchoTool::new("echo") as Arc<_>];
    let bench = Bench::with(&format!("{QUICK}{budget}"), tools).await;
    bench.provider("one", server).await;
    bench
}

fn warnings(told: &[Event]) -> Vec<&str> {
    told.iter()
        .filter_map(|event| match event {
            Event::Warning { message } => Some(message.as_str()),
            _ => None,
        })
        .collect()
}

/// The sentence of a turn that a budget ended.
fn refused(outcome: &TurnOutcome) -> &str {
    match outcome {
        TurnOutcome::LimitReached {
            limit: TurnLimit::Budget,
            message,
        } => message,
        other => panic!("not ended by a budget: {other:?}"),
    }
}

#[tokio::test]
async fn a_day_warns_once_and_then_ends_the_turn_before_anything_is_asked() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_daily_tokens = 140\n").await;
    let mut all = Vec::new();
    for _ in 0..4 {
        bench.send(None, "hi").await.unwrap();
        let (told, outcome) = bench.until_finished().await;
        assert_eq!(outcome, TurnOutcome::Completed);
        all.push(warnings(&told).join("|"));
    }
    // 0, 40, 80 and 120 tokens were used before each of them.
    assert_eq!(
        all,
        [
            "",
            "",
            "",
            "the budget of today is used up to 85 %: 120 of 140 tokens (budget_daily_tokens)"
        ]
    );
    let status = bench.call::<UsageGetBudget>(NoParams {}).await.unwrap();
    assert_eq!(
        (status.used_tokens, status.limit_tokens, status.state),
        (160, Some(140), BudgetState::Exhausted)
    );
    let (session_id, outcome) = bench.say("hi").await;
    let sentence = refused(&outcome);
    assert!(
        sentence.starts_with("the budget of today is used up to 114 %: 160 of 140 tokens"),
        "{sentence}"
    );
    assert!(sentence.contains("raise budget_daily_tokens"), "{sentence}");
    assert_eq!(ErrorCode::LimitReached.exit_code(), 8);
    assert_eq!(server.requests().len(), 4);
    assert_eq!(
        bench.story(&session_id).await,
        ["user hi", "outcome limit_reached"]
    );
    // What is raised goes on where it ended.
    bench
        .call::<mesoclaw_api::ops::config::ConfigUpdate>(mesoclaw_api::ops::config::UpdateParams {
            patch: patch(json!({"budget_daily_tokens": 1000})),
        })
        .await
        .unwrap();
    bench
        .call::<mesoclaw_api::ops::chat::TurnContinue>(mesoclaw_api::ops::chat::ContinueParams {
            session_id,
            model: None,
        })
        .await
        .unwrap();
    assert_eq!(bench.finished().await, "completed");
}

#[tokio::test]
async fn a_warning_comes_once_a_day() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_daily_tokens = 200\n").await;
    let mut n_warnings = 0;
    for _ in 0..5 {
        bench.send(None, "hi").await.unwrap();
        n_warnings += warnings(&bench.until_finished().await.0).len();
    }
    assert_eq!(n_warnings, 1);
    refused(&bench.say("hi").await.1);
}

#[tokio::test]
async fn every_budget_that_runs_low_is_warned_of() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let budget = "budget_daily_tokens = 49\nbudget_session_tokens = 48\n";
    let mut bench = bench_at(&server, budget).await;
    let sent = bench.send(None, "hi").await.unwrap();
    bench.finished().await;
    bench.send(Some(&sent.session_id), "hi").await.unwrap();
    let (told, _) = bench.until_finished().await;
    let said = warnings(&told).join("|");
    assert!(said.contains("budget_daily_tokens"), "{said}");
    assert!(said.contains("budget_session_tokens"), "{said}");
}

#[tokio::test]
async fn scheduled_work_is_the_first_to_stop() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_daily_tokens = 50\n").await;
    bench.say("hi").await;
    let params = SendParams {
        text: "nightly".to_owned(),
        ..SendParams::default()
    };
    bench
        .call_from::<ChatSend>(Surface::Job, 0, params)
        .await
        .unwrap();
    let outcome = bench.outcome().await;
    let sentence = refused(&outcome);
    assert!(sentence.ends_with("; scheduled work waits"), "{sentence}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(
        bench.say("hi").await.1,
        TurnOutcome::Completed,
        "people go on"
    );
}

#[tokio::test]
async fn a_session_has_a_budget_of_its_own() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_session_tokens = 40\n").await;
    let (session_id, _) = bench.say("hi").await;
    bench.send(Some(&session_id), "more").await.unwrap();
    let outcome = bench.outcome().await;
    let sentence = refused(&outcome);
    assert!(
        sentence.contains("the budget of this session"),
        "{sentence}"
    );
    assert!(sentence.contains("budget_session_tokens"), "{sentence}");
    assert!(sentence.contains("new session"), "{sentence}");
    assert_eq!(
        bench.say("hi").await.1,
        TurnOutcome::Completed,
        "another session"
    );
}

#[tokio::test]
async fn money_counts_by_the_price_of_the_model() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_daily_usd = 0.001\n").await;
    // 30 tokens in and 10 out come to 500 millionths of a dollar.
    bench
        .call::<ProviderModelAdd>(ModelAddParams::new(
            "one".to_owned(),
            NewModel {
                model_id: "m".to_owned(),
                display_name: None,
                supports_tools: None,
                supports_vision: None,
                context_limit: None,
                output_limit: None,
                price: Some(Price {
                    input: 10_000_000,
                    cached_input: None,
                    cache_write: None,
                    output: 20_000_000,
                }),
            },
        ))
        .await
        .unwrap();
    for used in [500, 1000] {
        assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
        let status = bench.call::<UsageGetBudget>(NoParams {}).await.unwrap();
        assert_eq!(
            (status.used_microusd, status.limit_microusd),
            (used, Some(1000))
        );
    }
    assert!(refused(&bench.say("hi").await.1).contains("budget_daily_usd"));
}

#[tokio::test]
async fn a_budget_ends_a_turn_between_its_rounds() {
    let round = || {
        Reply::new([
            Step::tool_call("c", "echo", &json!({})),
            Step::Usage {
                prompt_tokens: 30,
                completion_tokens: 10,
                cached_tokens: 0,
            },
        ])
    };
    let server = ModelServer::start(Script::replies([round()])).await;
    // Every round is counted before the next one is allowed, however slow the disk is.
    for _ in 0..5 {
        let mut bench = bench_at(&server, "budget_session_tokens = 80\n").await;
        let before = server.requests().len();
        let (_, outcome) = bench.say("loop").await;
        refused(&outcome);
        assert_eq!(server.requests().len() - before, 2);
    }
}

#[tokio::test]
async fn messages_that_wait_are_not_used_up_by_an_exhausted_budget() {
    let hold = Reply::new([Step::Text("yes".to_owned()), Step::Stall(300)]);
    let server = ModelServer::start(Script::replies([hold])).await;
    let mut bench = bench_at(&server, "budget_daily_tokens = 1\n").await;
    let sent = bench.send(None, "first").await.unwrap();
    server.wait_for_content(0).await;
    for text in ["second", "third"] {
        bench.send(Some(&sent.session_id), text).await.unwrap();
    }
    assert_eq!(bench.finished().await, "completed");
    refused(&bench.outcome().await);
    let params = SessionParams {
        session_id: sent.session_id,
    };
    let waiting = bench.call::<QueueList>(params).await.unwrap();
    let texts: Vec<_> = waiting
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    assert_eq!(texts, ["third"], "it waits for the budget");
}

/// Makes a server a provider whose prices nobody knows: its address is not one of this machine by
/// its name.
async fn priceless_provider(bench: &Bench, id: &str, server: &ModelServer) {
    let base_url = server.base_url().replace("127.0.0.1", "0.0.0.0");
    bench
        .call::<ProviderCreate>(CreateParams {
            base_url,
            ..endpoint(id, server)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_model_without_a_price_is_warned_of_once_a_day_where_money_is_limited() {
    for (budget, expected) in [
        (
            "budget_daily_usd = 1.0\n",
            "one:m has no known price: it does not count for budget_daily_usd; set \
             budget_daily_tokens too",
        ),
        ("budget_daily_tokens = 1000000\n", ""),
    ] {
        let server = ModelServer::start(Script::replies([forty()])).await;
        let mut bench = Bench::configured(&format!("{QUICK}{budget}")).await;
        priceless_provider(&bench, "one", &server).await;
        let mut said = Vec::new();
        for _ in 0..2 {
            bench.send(None, "hi").await.unwrap();
            let (told, outcome) = bench.until_finished().await;
            assert_eq!(outcome, TurnOutcome::Completed);
            said.push(warnings(&told).join("|"));
        }
        assert_eq!(said, [expected, ""]);
    }
}

fn model_at(provider_id: &str, output: u64) -> ModelAddParams {
    ModelAddParams::new(
        provider_id.to_owned(),
        NewModel {
            model_id: "m".to_owned(),
            display_name: None,
            supports_tools: None,
            supports_vision: None,
            context_limit: None,
            output_limit: None,
            price: Some(Price {
                input: 0,
                cached_input: None,
                cache_write: None,
                output,
            }),
        },
    )
}

#[tokio::test]
async fn what_costs_nothing_goes_on_when_the_money_is_used_up() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let mut bench = bench_at(&server, "budget_daily_usd = 0.001\n").await;
    bench.provider("free", &server).await;
    let costly = model_at("one", 1_000_000_000);
    bench.call::<ProviderModelAdd>(costly).await.unwrap();
    bench.say("hi").await;
    refused(&bench.say("hi").await.1);
    bench.say_to("free:m", "hi").await.unwrap();
    assert_eq!(bench.outcome().await, TurnOutcome::Completed);
}

#[tokio::test]
async fn a_try_with_a_provider_counts_and_is_refused_like_any_other_call() {
    let server = ModelServer::start(Script::replies([forty()])).await;
    let bench = bench_at(&server, "budget_daily_tokens = 40\n").await;
    // Ten tokens come to a thousandth of a dollar.
    let priced = model_at("one", 100_000_000);
    bench.call::<ProviderModelAdd>(priced).await.unwrap();
    let params = TestParams {
        provider_id: "one".to_owned(),
        model_id: Some("m".to_owned()),
    };
    let first = bench.call::<ProviderTest>(params.clone()).await.unwrap();
    let asked = |server: &ModelServer| {
        let requests = server.requests();
        requests
            .iter()
            .filter(|request| request.method == "POST")
            .count()
    };
    assert_eq!(asked(&server), 1, "{first:?}");
    let by_model = SummaryParams {
        by: Some(GroupBy::Model),
        ..SummaryParams::default()
    };
    let summary = bench.call::<UsageGetSummary>(by_model).await.unwrap();
    let calls: Vec<_> = summary
        .groups
        .iter()
        .map(|group| {
            let usage = group.spent.usage;
            (
                group.key.as_str(),
                usage.input_tokens,
                usage.output_tokens,
                usage.model_calls,
            )
        })
        .collect();
    assert_eq!(calls, [("one:m", 30, 10, 1)]);
    let status = bench.call::<UsageGetBudget>(NoParams {}).await.unwrap();
    assert_eq!((status.used_tokens, status.used_microusd), (40, 1000));
    let second = bench.call::<ProviderTest>(params).await.unwrap();
    assert_eq!(second.error_code, Some(ErrorCode::LimitReached));
    assert!(second.message.contains("budget_daily_tokens"), "{second:?}");
    assert_eq!(asked(&server), 1);
}
