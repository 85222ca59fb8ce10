//! `provider.test`: a real request, and its failure in words people understand.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::ops::provider::{
    CreateParams, ProviderCreate, ProviderTest, TestParams, TestResult,
};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, ServerKind, Step};
use serde_json::json;

use crate::support::{Bench, QUICK, authorization, endpoint};

async fn test(bench: &Bench, model_id: Option<&str>) -> TestResult {
    let params = TestParams {
        provider_id: "one".to_owned(),
        model_id: model_id.map(str::to_owned),
    };
    bench.call::<ProviderTest>(params).await.unwrap()
}

fn status(code: u16) -> Script {
    Script::always([Step::status(code)])
}

/// What goes wrong at a server, the code of it, and words of the sentence people read.
fn failures() -> Vec<(Script, ErrorCode, [&'static str; 2])> {
    vec![
        (
            status(401),
            ErrorCode::AgentAuth,
            ["401", "check the API key of `one`"],
        ),
        (
            status(403),
            ErrorCode::AgentAuth,
            ["403", "what it is allowed to use"],
        ),
        (
            status(404),
            ErrorCode::AgentModelNotFound,
            ["404", "does not have the model `test-model`"],
        ),
        (
            status(429),
            ErrorCode::AgentRateLimit,
            ["429", "limits of the account"],
        ),
        (status(500), ErrorCode::Agent, ["500", "`one`"]),
        (
            Script {
                models: vec!["other".to_owned()],
                has_only_listed_models: true,
                ..Script::default()
            },
            ErrorCode::AgentModelNotFound,
            ["404", "does not have the model `test-model`"],
        ),
        (
            Script::always([Step::Delay(20_000)]),
            ErrorCode::AgentTimeout,
            ["said nothing for 1 s", "first-token"],
        ),
        (
            Script::always([Step::Text("Hel".to_owned()), Step::Stall(20_000)]),
            ErrorCode::AgentTimeout,
            ["said nothing more for 1 s", "idle"],
        ),
        (
            Script::always([Step::Cut]),
            ErrorCode::AgentConnection,
            ["one", ""],
        ),
        (
            Script::always([Step::Usage {
                prompt_tokens: 3,
                completion_tokens: 0,
                cached_tokens: 0,
            }]),
            ErrorCode::AgentConnection,
            ["the answer is empty", "`one`"],
        ),
    ]
}

#[tokio::test]
async fn every_failure_says_what_is_wrong_and_what_to_do() {
    for (script, code, words) in failures() {
        let server = ModelServer::start(script.clone()).await;
        let bench = Bench::configured(QUICK).await;
        bench.keep_keys().await;
        bench.provider("one", &server).await;
        bench.set_key("one", "key-of-one-123").await;
        let result = test(&bench, Some("test-model")).await;
        assert!(!result.success, "{script:?}: {result:?}");
        assert_eq!(result.error_code, Some(code), "{result:?}");
        for word in words {
            assert!(result.message.contains(word), "{word}: {result:?}");
        }
        assert!(!result.message.contains("key-of-one-123"), "{result:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_refuse_the_connection() {
    let gone = ModelServer::start(Script::default()).await;
    let params = endpoint("one", &gone);
    let addr = gone.addr().to_string();
    drop(gone);
    let bench = Bench::configured(QUICK).await;
    bench.call::<ProviderCreate>(params).await.unwrap();
    let result = test(&bench, Some("m")).await;
    assert_eq!(result.error_code, Some(ErrorCode::AgentConnection));
    assert!(
        result
            .message
            .starts_with(&format!("nothing listens at `{addr}`")),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_good_test_is_one_small_request_with_the_key() {
    let server = ModelServer::start(Script {
        api_key: Some("key-of-one-123".to_owned()),
        ..Script::text("Hello.")
    })
    .await;
    let bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &server).await;
    bench.set_key("one", "key-of-one-123").await;
    let result = test(&bench, Some("test-model")).await;
    assert!(result.success, "{result:?}");
    assert_eq!(result.model_id.as_deref(), Some("test-model"));
    assert_eq!(result.message, "`one` answered with `test-model`");
    let requests = server.requests();
    let asked: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(authorization(asked[0]), Some("Bearer key-of-one-123"));
}

#[tokio::test]
async fn a_server_that_answers_for_any_name_is_not_said_to_have_the_model() {
    for server_kind in [ServerKind::LlamaCpp, ServerKind::LmStudio, ServerKind::Vllm] {
        let server = ModelServer::start(Script {
            models: vec!["smol".to_owned(), "tiny".to_owned()],
            server: server_kind,
            ..Script::text("Hello.")
        })
        .await;
        let bench = Bench::configured(QUICK).await;
        bench.provider("one", &server).await;
        let result = test(&bench, Some("gpt-4o")).await;
        assert_eq!(
            result.error_code,
            Some(ErrorCode::AgentModelNotFound),
            "{result:?}"
        );
        assert!(!result.success);
        for word in ["gpt-4o", "smol", "tiny"] {
            assert!(result.message.contains(word), "{result:?}");
        }
        let result = test(&bench, Some("smol")).await;
        assert!(result.success, "{result:?}");
    }
}

#[tokio::test]
async fn a_server_without_a_list_of_models_is_tested_by_its_answer_alone() {
    let server = ModelServer::start(Script {
        models_reply: Some(Reply::status(404)),
        ..Script::text("Hello.")
    })
    .await;
    let bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    assert!(test(&bench, Some("anything")).await.success);
}

#[tokio::test]
async fn without_a_name_the_default_the_first_known_or_the_first_listed_model_is_tried() {
    let server = ModelServer::start(Script {
        models: vec!["listed".to_owned(), "m".to_owned()],
        ..Script::text("Hello.")
    })
    .await;
    let bench = Bench::start().await;
    bench.provider("one", &server).await;
    assert_eq!(test(&bench, None).await.model_id.as_deref(), Some("listed"));
    let bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    assert_eq!(test(&bench, None).await.model_id.as_deref(), Some("m"));
}

#[tokio::test]
async fn a_missing_key_is_said_before_anything_is_sent() {
    let server = ModelServer::start(Script::text("Hello.")).await;
    let bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            api_key_env: Some("ONE_KEY".to_owned()),
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    let result = test(&bench, Some("m")).await;
    assert_eq!(result.error_code, Some(ErrorCode::AgentNotConfigured));
    for word in [
        "`one` wants a key",
        "the daemon does not have ONE_KEY",
        "mesoclaw key set one",
        "set ONE_KEY in the environment of the daemon",
        "mesoclaw daemon restart",
    ] {
        assert!(result.message.contains(word), "{word}: {result:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_words_of_a_provider_are_shown_without_the_key_in_them() {
    let server = ModelServer::start(Script::always([Step::status_with(
        401,
        json!({"error": {"message": "Incorrect API key provided: key-of-one-123."}}),
    )]))
    .await;
    let bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &server).await;
    bench.set_key("one", "key-of-one-123").await;
    let result = test(&bench, Some("m")).await;
    assert!(
        result.message.contains("Incorrect API key provided: ***."),
        "{result:?}"
    );
}
