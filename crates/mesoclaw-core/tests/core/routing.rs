//! Which model a message goes to.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::ops::chat::{ChatSend, SendParams};
use mesoclaw_api::ops::config::{ConfigUpdate, UpdateParams};
use mesoclaw_api::ops::provider::{ProviderDelete, ProviderParams};
use mesoclaw_api::ops::session::{CreateParams, SessionCreate, SessionSetModel, SetModelParams};
use mesoclaw_testkit::model_server::{ModelServer, Script};
use serde_json::json;

use crate::support::{Bench, QUICK, patch};

/// The models that were asked, in order.
fn asked(server: &ModelServer) -> Vec<String> {
    let requests = server.requests();
    let models = requests
        .iter()
        .map(|request| request.body["model"].as_str().unwrap());
    models.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_purpose_without_a_model_names_the_setting_and_with_one_means_it() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    for (hint, key) in [
        ("hint:fast", "model_fast"),
        ("hint:reasoning", "model_reasoning"),
        ("hint:vision", "model_vision"),
        ("hint:summarize", "model_summarize"),
    ] {
        let error = bench.say_to(hint, "hi").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AgentNotConfigured);
        assert!(
            error.message.contains(hint) && error.message.contains(key),
            "{error}"
        );
        assert_eq!(
            error.hint.unwrap(),
            format!("`mesoclaw config set {key} PROVIDER:MODEL`")
        );
    }
    let error = bench.say_to("hint:cheap", "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    assert!(error.hint.unwrap().contains("hint:fast"));
    bench
        .call::<ConfigUpdate>(UpdateParams {
            patch: patch(json!({"model_fast": "one:small"})),
        })
        .await
        .unwrap();
    bench.say_to("hint:fast", "hi").await.unwrap();
    assert_eq!(bench.finished().await, "completed");
    assert_eq!(asked(&server), ["small"]);
}

#[tokio::test]
async fn the_model_of_a_message_goes_before_the_sessions_and_that_before_the_default() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    let session = bench
        .call::<SessionCreate>(CreateParams::default())
        .await
        .unwrap();
    let set = |model: Option<&str>| SetModelParams {
        session_id: session.id.clone(),
        model: model.map(str::to_owned),
    };
    let message = |model: Option<&str>| SendParams {
        session_id: Some(session.id.clone()),
        text: "hi".to_owned(),
        model: model.map(str::to_owned),
        ..SendParams::default()
    };
    for (of_session, of_message) in [
        (None, None),
        (Some("one:session"), None),
        (Some("one:session"), Some("one:message")),
        (Some("one:session"), Some("bare")),
        (None, None),
    ] {
        let changed = bench
            .call::<SessionSetModel>(set(of_session))
            .await
            .unwrap();
        assert_eq!(changed.model.as_deref(), of_session);
        bench.call::<ChatSend>(message(of_message)).await.unwrap();
        assert_eq!(bench.finished().await, "completed");
    }
    assert_eq!(asked(&server), ["m", "session", "message", "bare", "m"]);
    for (model, code) in [
        ("hint:fast", ErrorCode::AgentNotConfigured),
        ("local:absent", ErrorCode::AgentNotConfigured),
        ("", ErrorCode::Validation),
        ("one:", ErrorCode::Validation),
    ] {
        let error = bench
            .call::<SessionSetModel>(set(Some(model)))
            .await
            .unwrap_err();
        assert_eq!(error.code, code, "`{model}`: {error}");
    }
}

#[tokio::test]
async fn names_with_colons_are_models_of_a_default_provider_on_this_machine() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    for model in ["qwen3:8b", "one:qwen3:8b", "maker/model:free"] {
        bench.say_to(model, "hi").await.unwrap();
        assert_eq!(bench.finished().await, "completed");
    }
    assert_eq!(asked(&server), ["qwen3:8b", "qwen3:8b", "maker/model:free"]);
}

#[tokio::test]
async fn a_session_of_a_provider_that_is_gone_goes_to_no_other_provider() {
    let server = ModelServer::start(Script::text("hello")).await;
    // The default is out in the world: nothing may reach it that was meant for this machine.
    let config = QUICK.replace("\"one\"", "\"mistral\"");
    let mut bench = Bench::configured(&config).await;
    bench.keep_keys().await;
    bench.set_key("mistral", "key-of-mistral").await;
    bench.provider("mine", &server).await;
    let sent = bench.say_to("mine:m", "a secret").await.unwrap();
    bench.finished().await;
    bench
        .call::<SessionSetModel>(SetModelParams {
            session_id: sent.session_id.clone(),
            model: Some("mine:m".to_owned()),
        })
        .await
        .unwrap();
    let params = ProviderParams {
        provider_id: "mine".to_owned(),
    };
    bench.call::<ProviderDelete>(params).await.unwrap();
    let error = bench
        .send(Some(&sent.session_id), "another secret")
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert_eq!(error.message, "there is no provider `mine`");
    let error = bench.say_to("minee:m", "a secret").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.hint.unwrap().contains("mistral:minee:m"));
}
