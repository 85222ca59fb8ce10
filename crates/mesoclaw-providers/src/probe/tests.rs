//! Tries with the scripted provider.

use mesoclaw_api::Secret;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step, WireKind};
use serde_json::json;

use super::*;
use crate::test_support;

fn endpoint(base_url: String) -> Endpoint {
    Endpoint {
        api_key: None,
        ..test_support::endpoint(Dialect::OpenAiChat, base_url)
    }
}

#[tokio::test]
async fn a_try_asks_for_few_tokens_and_explains_itself() {
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
             test.; `test` wants an API key: `mesoclaw key set test`"
                .to_owned(),
        ),
        (
            Step::status(429),
            Some(ModelErrorKind::RateLimited),
            "`test` answered with status 429 (rate_limit_exceeded): Rate limit reached for \
             requests.; wait a while, or check the limits of the account"
                .to_owned(),
        ),
        (
            Step::Finish("stop".to_owned()),
            Some(ModelErrorKind::BrokenStream),
            "the answer of `test` broke off: the answer is empty".to_owned(),
        ),
    ] {
        let server = ModelServer::start(Script::always([
            step,
            Step::Usage {
                prompt_tokens: 3,
                completion_tokens: 0,
                cached_tokens: 0,
            },
        ]))
        .await;
        let probe = probe(&endpoint(server.base_url()), "m").await.unwrap();
        let kind = probe.outcome.err().map(|error| error.kind);
        assert_eq!((kind, probe.message), (expected, message));
        assert_eq!(
            server.requests()[0].body,
            json!({
                "model": "m",
                "messages": [{"role": "user", "content": "Say hello."}],
                "max_tokens": 16,
                "stream": true,
                "stream_options": {"include_usage": true},
            })
        );
    }
}

#[tokio::test]
async fn a_model_that_thinks_gets_the_tokens_to_do_it() {
    let refused =
        "Could not finish the message because max_tokens or model output limit was reached.";
    let refusal = json!({"error": {"message": refused, "type": "invalid_request_error",
        "param": null, "code": null}});
    let server = ModelServer::start(Script::replies([
        Reply::new([Step::status_with(400, refusal)]),
        Reply::text("Hello."),
    ]))
    .await;
    let probe = probe(&endpoint(server.base_url()), "gpt-5").await.unwrap();
    assert_eq!(probe.outcome, Ok(()));
    let requests = server.wait_for_requests(2).await;
    let limits: Vec<_> = requests
        .iter()
        .map(|request| request.body["max_completion_tokens"].as_u64())
        .collect();
    assert_eq!(limits, [Some(16), Some(1024)]);
}

#[tokio::test]
async fn every_dialect_is_tried_with_a_real_request() {
    for (kind, dialect) in [
        (WireKind::OpenAiChat, Dialect::OpenAiChat),
        (WireKind::OpenAiResponses, Dialect::OpenAiResponses),
        (WireKind::Anthropic, Dialect::Anthropic),
        (WireKind::Gemini, Dialect::Gemini),
        (WireKind::Cohere, Dialect::Cohere),
        (WireKind::Ollama, Dialect::Ollama),
        (WireKind::Azure, Dialect::Azure),
    ] {
        let server = ModelServer::start(Script {
            models: vec!["m".to_owned()],
            context_tokens: Some(4096),
            ..Script::text("Hello.")
        })
        .await;
        let endpoint = Endpoint {
            dialect,
            auth: dialect.auth(),
            api_key: Some(Secret::new("sk-test".to_owned())),
            ..endpoint(server.base_url_for(kind))
        };
        let probe = probe(&endpoint, "m").await.unwrap();
        assert_eq!(probe.outcome, Ok(()), "{dialect:?}");
        assert!(probe.usage.is_some(), "{dialect:?}");
        let is_ollama = dialect == Dialect::Ollama;
        assert_eq!(
            probe.context_limit,
            is_ollama.then_some(4096),
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn an_unknown_model_and_a_wrong_address_are_told_apart() {
    let told = |body: &str| {
        let headers = reqwest::header::HeaderMap::new();
        let endpoint = endpoint("http://h/v1".to_owned());
        error::of_status(&endpoint, "m", 404, &headers, body.as_bytes()).hint
    };
    for (body, hint) in [
        (
            r#"{"error": {"code": "model_not_found"}}"#,
            "check the name: `test` does not have the model `m`",
        ),
        (
            "404 page not found",
            "nothing is served there: check that the base URL http://h/v1 is right",
        ),
        (
            r#"{"error": "not found"}"#,
            "check that `test` has the model `m` and that the base URL http://h/v1 is right",
        ),
    ] {
        assert_eq!(told(body).as_deref(), Some(hint), "{body}");
    }
    let server = ModelServer::start(Script::always([Step::status(404)])).await;
    let probe = probe(&endpoint(server.base_url()), "m").await.unwrap();
    let end = "; check the name: `test` does not have the model `m`";
    assert!(probe.message.ends_with(end), "{}", probe.message);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_explained() {
    // `.invalid` never resolves (RFC 2606); without a resolver the answer is the same.
    let nowhere = endpoint("http://nowhere.invalid/v1".to_owned());
    let result = probe(&nowhere, "m").await.unwrap();
    let begin = "the name in `nowhere.invalid:80` could not be resolved: ";
    assert!(result.message.starts_with(begin), "{}", result.message);
}

#[tokio::test]
async fn the_cause_of_a_failure_is_named() {
    let hour = 3_600_000;
    for (steps, kind, begin) in [
        (
            vec![Step::status(403)],
            ModelErrorKind::Auth,
            "`test` answered with status 403",
        ),
        (
            vec![Step::status(500)],
            ModelErrorKind::Server,
            "`test` answered with status 500",
        ),
        (
            vec![Step::Delay(hour)],
            ModelErrorKind::Timeout,
            "`test` said nothing for 0.2 s (first-token time-out)",
        ),
    ] {
        let server = ModelServer::start(Script::always(steps)).await;
        let endpoint = Endpoint {
            first_token_timeout: Duration::from_millis(200),
            ..endpoint(server.base_url())
        };
        let probe = probe(&endpoint, "m").await.unwrap();
        assert_eq!(probe.outcome.map_err(|error| error.kind), Err(kind));
        assert!(probe.message.starts_with(begin), "{}", probe.message);
    }
    let server = ModelServer::start(Script::default()).await;
    let (base_url, addr) = (server.base_url(), server.addr());
    let tls = endpoint(base_url.replace("http:", "https:"));
    let told = probe(&tls, "m").await.unwrap().message;
    assert!(
        told.starts_with(&format!("TLS with `{addr}` failed: ")),
        "{told}"
    );
    drop(server);
    let told = probe(&endpoint(base_url), "m").await.unwrap().message;
    let begin = format!("nothing listens at `{addr}`: the connection was refused; check that ");
    assert!(told.starts_with(&begin), "{told}");
}
