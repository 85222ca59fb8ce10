//! Tries with the scripted provider.

use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use super::*;

fn endpoint(base_url: String) -> Endpoint {
    Endpoint {
        provider_id: "test".to_owned(),
        base_url,
        api_key: None,
        connect_timeout: Duration::from_secs(10),
        first_token_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn models_are_listed_in_order() {
    let server = ModelServer::start(Script {
        models: vec!["b".to_owned(), "a".to_owned()],
        ..Script::default()
    })
    .await;
    let listed = list_models(&endpoint(server.base_url())).await;
    assert_eq!(listed, Ok(vec!["a".to_owned(), "b".to_owned()]));
}

#[tokio::test]
async fn a_list_that_is_not_there_is_an_error() {
    let hour = 3_600_000;
    for (steps, expected) in [
        (vec![Step::status(401)], ModelErrorKind::Auth),
        (vec![Step::status(500)], ModelErrorKind::Server),
        (
            vec![Step::status_with(200, json!({"x": 1}))],
            ModelErrorKind::BrokenStream,
        ),
        (vec![Step::Delay(hour)], ModelErrorKind::Timeout),
    ] {
        let server = ModelServer::start(Script {
            models_reply: Some(Reply::new(steps.clone())),
            ..Script::default()
        })
        .await;
        let endpoint = Endpoint {
            first_token_timeout: Duration::from_millis(200),
            ..endpoint(server.base_url())
        };
        let error = list_models(&endpoint).await.unwrap_err();
        assert_eq!(error.kind, expected, "{steps:?}");
    }
}

#[tokio::test]
async fn a_try_asks_for_one_token_and_explains_itself() {
    for (step, expected, message) in [
        (
            Step::Text("H".to_owned()),
            None,
            "`test` answered with `m`".to_owned(),
        ),
        (
            Step::status(401),
            Some(ModelErrorKind::Auth),
            "`test` answered with status 401 (invalid_api_key): Incorrect API key provided: \
             test.; `test` wants an API key: set one and try again"
                .to_owned(),
        ),
        (
            Step::status(429),
            Some(ModelErrorKind::RateLimited),
            "`test` answered with status 429 (rate_limit_exceeded): Rate limit reached for \
             requests.; wait a while, or check the limits of the account"
                .to_owned(),
        ),
    ] {
        let server = ModelServer::start(Script::always([step])).await;
        let probe = probe(&endpoint(server.base_url()), "m").await.unwrap();
        let kind = probe.outcome.err().map(|error| error.kind);
        assert_eq!((kind, probe.message), (expected, message));
        assert_eq!(
            server.requests()[0].body,
            json!({
                "model": "m",
                "messages": [{"role": "user", "content": "Say hello."}],
                "max_tokens": 1,
                "stream": true,
                "stream_options": {"include_usage": true},
            })
        );
    }
}

#[tokio::test]
async fn an_unknown_model_and_a_wrong_address_are_explained() {
    let server = ModelServer::start(Script::always([Step::status(404)])).await;
    let base_url = server.base_url();
    let result = probe(&endpoint(base_url.clone()), "m").await.unwrap();
    let hint =
        format!("check that `test` has the model `m` and that the base URL {base_url} is right");
    assert!(result.message.ends_with(&hint), "{}", result.message);

    // `.invalid` never resolves (RFC 2606); without a resolver the answer is the same.
    let nowhere = endpoint("http://nowhere.invalid/v1".to_owned());
    let result = probe(&nowhere, "m").await.unwrap();
    let begin = "the name in `nowhere.invalid:80` could not be resolved: ";
    assert!(result.message.starts_with(begin), "{}", result.message);
}
