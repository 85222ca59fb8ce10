//! Another model takes over where one does not answer, and everybody is told.

use std::sync::Arc;

use mesoclaw_api::ops::chat::{ChatSend, ContinueParams, NewImage, SendParams, TurnContinue};
use mesoclaw_api::ops::provider::{CreateParams, NewModel, ProviderCreate};
use mesoclaw_api::ops::session::{ListParams, SessionList};
use mesoclaw_api::ops::usage::{GroupBy, SummaryParams, UsageGetSummary};
use mesoclaw_api::{ErrorCode, Event, ItemBody, TurnOutcome};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, authorization, endpoint, texts_of};

const FALLBACK: &str = "provider_fallbacks = [\"two:m2\"]\n";

async fn two_providers(config: &str, one: &ModelServer, two: &ModelServer) -> Bench {
    let bench = Bench::with(config, vec![EchoTool::new("echo") as Arc<_>]).await;
    bench.provider("one", one).await;
    bench.provider("two", two).await;
    bench
}

fn model(model_id: &str) -> NewModel {
    NewModel {
        model_id: model_id.to_owned(),
        display_name: None,
        supports_tools: None,
        supports_vision: None,
        context_limit: None,
        output_limit: None,
        price: None,
    }
}

fn changed_to(told: &[Event]) -> Vec<&str> {
    told.iter()
        .filter_map(|event| match event {
            Event::TurnModelChanged { model, .. } => Some(model.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn the_next_model_answers_where_the_first_does_not_and_is_named() {
    for (script, reason) in [
        (Script::always([Step::status(503)]), "status 503"),
        (Script::always([Step::status(401)]), "status 401"),
        (Script::always([Step::status(404)]), "status 404"),
        (Script::always([Step::status(429)]), "status 429"),
        (
            Script::always([Step::Delay(20_000)]),
            "said nothing for 1 s",
        ),
        (Script::always([Step::Cut]), "broke off"),
    ] {
        let one = ModelServer::start(script).await;
        let two = ModelServer::start(Script::text("from two")).await;
        let mut bench = two_providers(&format!("{QUICK}{FALLBACK}"), &one, &two).await;
        let sent = bench.send(None, "hi").await.unwrap();
        let (told, outcome) = bench.until_finished().await;
        assert_eq!(outcome, TurnOutcome::Completed, "{reason}");
        assert_eq!(changed_to(&told), ["two:m2"], "{reason}");
        let notices = bench.notices(&sent.session_id).await;
        assert_eq!(notices.len(), 1);
        assert!(
            notices[0].starts_with("one:m could not answer (")
                && notices[0].contains(reason)
                && notices[0].ends_with("); two:m2 answers instead"),
            "{notices:?}"
        );
        let items = bench.items(&sent.session_id).await;
        let answer = ItemBody::Assistant {
            text: "from two".to_owned(),
            complete: true,
            model: "two:m2".to_owned(),
        };
        assert!(items.iter().any(|item| item.body == answer), "{items:?}");
        assert_eq!((one.requests().len(), two.requests().len()), (1, 1));
        assert_eq!(two.requests()[0].body["model"], "m2");
        let by_model = SummaryParams {
            by: Some(GroupBy::Model),
            ..SummaryParams::default()
        };
        let summary = bench.call::<UsageGetSummary>(by_model).await.unwrap();
        let calls: Vec<_> = summary
            .groups
            .iter()
            .map(|group| {
                (
                    group.key.as_str(),
                    group.spent.usage.model_calls,
                    group.spent.failed_calls,
                )
            })
            .collect();
        assert_eq!(calls, [("two:m2", 1, 0), ("one:m", 1, 1)], "{reason}");
    }
}

#[tokio::test]
async fn an_empty_account_is_not_tried_again_and_another_model_answers() {
    let quota = json!({"error": {"type": "insufficient_quota", "code": "insufficient_quota"}});
    for (step, reason) in [
        (Step::status(402), "status 402"),
        (Step::status_with(429, quota), "status 429"),
    ] {
        let one = ModelServer::start(Script::always([step])).await;
        let two = ModelServer::start(Script::text("from two")).await;
        let config = QUICK.replace("provider_max_retries = 0", "provider_max_retries = 3");
        let mut bench = two_providers(&format!("{config}{FALLBACK}"), &one, &two).await;
        let (session_id, outcome) = bench.say("hi").await;
        assert_eq!(outcome, TurnOutcome::Completed, "{reason}");
        let notices = bench.notices(&session_id).await;
        assert!(notices[0].contains(reason), "{notices:?}");
        assert_eq!((one.requests().len(), two.requests().len()), (1, 1));
    }
    // Alone, it is said where to look.
    let one = ModelServer::start(Script::always([Step::status(402)])).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &one).await;
    let TurnOutcome::Failed {
        error_code, hint, ..
    } = bench.say("hi").await.1
    else {
        panic!("it failed");
    };
    assert_eq!(error_code, ErrorCode::Agent);
    assert_eq!(
        hint.as_deref(),
        Some(
            "the account at `one` has nothing left to pay with: check its balance and limits there"
        )
    );
}

#[tokio::test]
async fn a_refused_connection_is_taken_over_too() {
    let gone = ModelServer::start(Script::default()).await;
    let params = endpoint("one", &gone);
    drop(gone);
    let two = ModelServer::start(Script::text("from two")).await;
    let mut bench = Bench::configured(&format!("{QUICK}{FALLBACK}")).await;
    bench.call::<ProviderCreate>(params).await.unwrap();
    bench.provider("two", &two).await;
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
}

#[tokio::test]
async fn the_rest_of_a_turn_stays_with_the_model_that_took_over() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let call = |id: &str| Reply::new([Step::tool_call(id, "echo", &json!({}))]);
    let two =
        ModelServer::start(Script::replies([call("a"), call("b"), Reply::text("done")])).await;
    let mut bench = two_providers(&format!("{QUICK}{FALLBACK}"), &one, &two).await;
    let sent = bench.send(None, "hi").await.unwrap();
    let (told, outcome) = bench.until_finished().await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!((one.requests().len(), two.requests().len()), (1, 3));
    assert_eq!(changed_to(&told), ["two:m2"], "said once");
    assert!(
        two.requests()
            .iter()
            .all(|request| request.body["model"] == "m2")
    );
    // The next turn begins with the model that was chosen.
    bench.send(Some(&sent.session_id), "again").await.unwrap();
    bench.finished().await;
    assert_eq!(one.requests().len(), 2);
}

#[tokio::test]
async fn nobody_takes_over_once_something_was_said_or_where_it_would_not_help() {
    for (script, code) in [
        (
            Script::always([Step::Text("Half".to_owned()), Step::Stall(20_000)]),
            ErrorCode::AgentTimeout,
        ),
        (
            Script::always([Step::Reasoning("hm".to_owned()), Step::CutMidEvent]),
            ErrorCode::AgentConnection,
        ),
        (Script::always([Step::status(400)]), ErrorCode::Agent),
        (
            Script::always([Step::ContextLength]),
            ErrorCode::AgentContextLength,
        ),
    ] {
        let one = ModelServer::start(script).await;
        let two = ModelServer::start(Script::text("from two")).await;
        let mut bench = two_providers(&format!("{QUICK}{FALLBACK}"), &one, &two).await;
        let (_, outcome) = bench.say("hi").await;
        let TurnOutcome::Failed { error_code, .. } = outcome else {
            panic!("{code}: {outcome:?}");
        };
        assert_eq!(error_code, code);
        assert!(two.requests().is_empty(), "{code}");
    }
}

#[tokio::test]
async fn a_provider_that_is_left_alone_is_passed_over_at_once() {
    let one = ModelServer::start(Script::always([Step::status(500)])).await;
    let two = ModelServer::start(Script::text("from two")).await;
    let config = format!("{QUICK}{FALLBACK}provider_circuit_failures = 1\n");
    let mut bench = two_providers(&config, &one, &two).await;
    for _ in 0..3 {
        assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
    }
    assert_eq!((one.requests().len(), two.requests().len()), (1, 3));
}

#[tokio::test]
async fn the_list_is_gone_through_in_order_without_what_cannot_answer() {
    let failing = || async { ModelServer::start(Script::always([Step::status(503)])).await };
    let (one, two, three) = (
        failing().await,
        failing().await,
        ModelServer::start(Script::text("from three")).await,
    );
    // One that nobody knows, one without a key, itself, one that fails, and one that answers.
    let config = format!(
        "{QUICK}provider_fallbacks = [\"nobody:x\", \"keyed:x\", \"one:m\", \"two:m2\", \
         \"three:m3\"]\n"
    );
    let mut bench = two_providers(&config, &one, &two).await;
    bench.keep_keys().await;
    bench.provider("three", &three).await;
    bench
        .call::<ProviderCreate>(CreateParams {
            requires_api_key: Some(true),
            ..endpoint("keyed", &three)
        })
        .await
        .unwrap();
    bench.send(None, "hi").await.unwrap();
    let (told, outcome) = bench.until_finished().await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!(changed_to(&told), ["two:m2", "three:m3"]);
    let n_requests = [&one, &two, &three].map(|server| server.requests().len());
    assert_eq!(n_requests, [1, 1, 1]);
}

#[tokio::test]
async fn when_nobody_answers_the_last_failure_is_told() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let two = ModelServer::start(Script::always([Step::status(401)])).await;
    let mut bench = two_providers(&format!("{QUICK}{FALLBACK}"), &one, &two).await;
    let (_, outcome) = bench.say("hi").await;
    let TurnOutcome::Failed {
        error_code,
        message,
        hint,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(error_code, ErrorCode::AgentAuth);
    assert!(
        message.starts_with("`two` answered with status 401"),
        "{message}"
    );
    assert!(hint.is_some());
}

#[tokio::test]
async fn a_key_goes_to_its_own_provider_when_another_takes_over() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let two = ModelServer::start(Script::text("from two")).await;
    let mut bench = two_providers(&format!("{QUICK}{FALLBACK}"), &one, &two).await;
    bench.keep_keys().await;
    bench.set_key("one", "key-of-one").await;
    bench.set_key("two", "key-of-two").await;
    bench.say("hi").await;
    assert_eq!(authorization(&one.requests()[0]), Some("Bearer key-of-one"));
    assert_eq!(authorization(&two.requests()[0]), Some("Bearer key-of-two"));
}

#[tokio::test]
async fn the_model_that_takes_over_is_asked_for_no_more_than_it_can_say() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let two = ModelServer::start(Script::replies([
        Reply::new([Step::tool_call("a", "echo", &json!({}))]),
        Reply::text("done"),
    ]))
    .await;
    let config = format!("{QUICK}{FALLBACK}");
    let mut bench = Bench::with(&config, vec![EchoTool::new("echo") as Arc<_>]).await;
    bench.provider("one", &one).await;
    bench
        .call::<ProviderCreate>(CreateParams {
            models: vec![NewModel {
                output_limit: Some(77),
                ..model("m2")
            }],
            ..endpoint("two", &two)
        })
        .await
        .unwrap();
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
    for request in two.requests() {
        let limit = request
            .body
            .get("max_tokens")
            .or(request.body.get("max_completion_tokens"));
        assert_eq!(limit, Some(&json!(77)));
    }
}

#[tokio::test]
async fn the_model_that_takes_over_is_not_bound_by_the_limit_of_the_first() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let two = ModelServer::start(Script::text("from two")).await;
    let mut bench = Bench::configured(&format!("{QUICK}{FALLBACK}agent_max_tokens = 3000\n")).await;
    for (id, server, model_id, output_limit) in [("one", &one, "m", 50), ("two", &two, "m2", 2000)]
    {
        bench
            .call::<ProviderCreate>(CreateParams {
                models: vec![NewModel {
                    output_limit: Some(output_limit),
                    ..model(model_id)
                }],
                ..endpoint(id, server)
            })
            .await
            .unwrap();
    }
    assert_eq!(bench.say("hi").await.1, TurnOutcome::Completed);
    for (server, expected) in [(&one, 50), (&two, 2000)] {
        let body = &server.requests()[0].body;
        let limit = body.get("max_tokens").or(body.get("max_completion_tokens"));
        assert_eq!(limit, Some(&json!(expected)));
    }
}

#[tokio::test]
async fn a_turn_that_failed_can_be_taken_up_by_another_model() {
    let one = ModelServer::start(Script::always([Step::status(401)])).await;
    let two = ModelServer::start(Script::text("from two")).await;
    let mut bench = two_providers(QUICK, &one, &two).await;
    let (session_id, outcome) = bench.say("hi").await;
    assert_eq!(outcome.status(), "failed");
    bench
        .call::<TurnContinue>(ContinueParams {
            session_id: session_id.clone(),
            model: Some("two:m2".to_owned()),
        })
        .await
        .unwrap();
    assert_eq!(bench.finished().await, "completed");
    assert_eq!(
        bench.story(&session_id).await,
        [
            "user hi",
            "outcome failed",
            "assistant from two",
            "outcome completed"
        ]
    );
    assert_eq!((one.requests().len(), two.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_message_that_nobody_could_answer_leaves_no_session() {
    let bench = Bench::configured("").await;
    bench.keep_keys().await;
    let error = bench.send(None, "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(error.hint.unwrap().contains("mesoclaw setup"));
    let error = bench.say_to("openai:m", "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(error.message.contains("OPENAI_API_KEY"), "{error}");
    assert!(error.hint.unwrap().contains("mesoclaw key set openai"));
    let error = bench.say_to("azure:m", "hi").await.unwrap_err();
    assert!(
        error.message.contains("the address of your own resource"),
        "{error}"
    );
    let sessions = bench.call::<SessionList>(ListParams::default()).await;
    assert_eq!(sessions.unwrap(), []);
}

#[tokio::test]
async fn a_model_without_tools_takes_over_in_the_middle_of_a_turn() {
    let call = Reply::new([Step::tool_call("c1", "echo", &json!({"a": 1}))]);
    let one = ModelServer::start(Script::replies([call, Reply::status(503)])).await;
    let two = ModelServer::start(Script::text("it is 1")).await;
    let config = format!("{QUICK}{FALLBACK}");
    let mut bench = Bench::with(&config, vec![EchoTool::new("echo") as Arc<_>]).await;
    bench.provider("one", &one).await;
    bench
        .call::<ProviderCreate>(CreateParams {
            models: vec![NewModel {
                supports_tools: Some(false),
                ..model("m2")
            }],
            ..endpoint("two", &two)
        })
        .await
        .unwrap();
    let (session_id, outcome) = bench.say("what is a?").await;
    assert_eq!(outcome, TurnOutcome::Completed, "{:?}", two.refusals());
    assert_eq!(
        bench.story(&session_id).await.last().unwrap(),
        "outcome completed"
    );
    let request = &two.requests()[0];
    assert!(request.body.get("tools").is_none());
    let texts = texts_of(request);
    assert!(texts[2].contains("<tool_call>"), "{texts:?}");
    assert!(
        texts[3].starts_with("user: <tool_result name=\"echo\">"),
        "{texts:?}"
    );
}

#[tokio::test]
async fn a_blind_model_is_passed_over_where_there_is_something_to_see() {
    let one = ModelServer::start(Script::always([Step::status(503)])).await;
    let two = ModelServer::start(Script::text("a cat")).await;
    let config = format!("{QUICK}provider_fallbacks = [\"two:blind\", \"two:seeing\"]\n");
    let mut bench = Bench::configured(&config).await;
    bench.provider("one", &one).await;
    bench
        .call::<ProviderCreate>(CreateParams {
            models: vec![NewModel {
                supports_vision: Some(false),
                ..model("blind")
            }],
            ..endpoint("two", &two)
        })
        .await
        .unwrap();
    let image = NewImage {
        data: "R0lGODlhAQABAAAAACw=".to_owned(),
        name: None,
    };
    for (images, expected) in [(vec![image], "seeing"), (Vec::new(), "blind")] {
        bench
            .call::<ChatSend>(SendParams {
                text: "what is it?".to_owned(),
                images,
                ..SendParams::default()
            })
            .await
            .unwrap();
        assert_eq!(bench.outcome().await, TurnOutcome::Completed);
        assert_eq!(two.requests().last().unwrap().body["model"], expected);
    }
}
