//! A key goes to the host it is meant for and to no other, until a person says so.

use mesoclaw_api::ops::credential::{BindParams, CredentialBind};
use mesoclaw_api::ops::provider::{
    CreateParams, ProviderCreate, ProviderDelete, ProviderModels, ProviderModelsParams,
    ProviderParams, ProviderTest, ProviderUpdate, TestParams, UpdateParams,
};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_testkit::model_server::{ModelServer, Script};

use crate::support::{Bench, QUICK, authorization, endpoint};

const KEY: &str = "key-of-one-123456789";

async fn servers() -> (ModelServer, ModelServer) {
    (
        ModelServer::start(Script::text("old")).await,
        ModelServer::start(Script::text("new")).await,
    )
}

async fn move_to(bench: &Bench, id: &str, server: &ModelServer) {
    bench
        .call::<ProviderUpdate>(UpdateParams {
            provider_id: id.to_owned(),
            base_url: server.base_url(),
            name: None,
            api_version: None,
        })
        .await
        .unwrap();
}

fn assert_held_back(error: &ApiError, provider_id: &str) {
    assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");
    let hint = error.hint.as_deref().unwrap();
    assert!(
        hint.contains(&format!("mesoclaw key confirm {provider_id}")),
        "{hint}"
    );
}

#[tokio::test]
async fn a_stored_key_stays_away_from_a_new_address_until_that_is_confirmed() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &old).await;
    bench.set_key("one", KEY).await;
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    move_to(&bench, "one", &new).await;
    let error = bench.send(None, "hi").await.unwrap_err();
    assert_held_back(&error, "one");
    assert!(error.message.contains(&new.addr().to_string()), "{error}");
    assert!(error.message.contains(&old.addr().to_string()), "{error}");
    // No other operation carries it there either.
    let params = ProviderModelsParams {
        provider_id: "one".to_owned(),
    };
    let error = bench.call::<ProviderModels>(params).await.unwrap_err();
    assert_held_back(&error, "one");
    let tested = bench
        .call::<ProviderTest>(TestParams {
            provider_id: "one".to_owned(),
            model_id: Some("m".to_owned()),
        })
        .await
        .unwrap();
    assert_eq!(tested.error_code, Some(ErrorCode::PolicyDenied));
    assert!(new.requests().is_empty());
    assert_eq!(new.connections(), 0);

    let params = BindParams {
        provider_id: "one".to_owned(),
        origin: Some(format!("http://{}", new.addr())),
    };
    let bound = bench.call::<CredentialBind>(params).await.unwrap();
    assert_eq!(bound.origin, format!("http://{}", new.addr()));
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    assert_eq!(
        authorization(&new.requests()[0]),
        Some(format!("Bearer {KEY}").as_str())
    );
    // Back again is another change of mind.
    move_to(&bench, "one", &old).await;
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    assert_eq!(old.requests().len(), 1);
}

#[tokio::test]
async fn a_new_key_goes_where_the_one_before_went() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &old).await;
    bench.set_key("one", KEY).await;
    move_to(&bench, "one", &new).await;
    bench.set_key("one", "another-key-of-one").await;
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    let provider_id = "one".to_owned();
    bench
        .call::<CredentialBind>(BindParams {
            provider_id,
            origin: None,
        })
        .await
        .unwrap();
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    assert_eq!(new.requests().len(), 1);
    assert_eq!(
        authorization(&new.requests()[0]),
        Some("Bearer another-key-of-one")
    );
}

#[tokio::test]
async fn the_first_use_of_an_unknown_provider_says_where_its_key_belongs() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    let key = ("ONE_KEY".to_owned(), KEY.to_owned());
    bench.variables.lock().unwrap().extend([key]);
    bench
        .call::<ProviderCreate>(CreateParams {
            api_key_env: Some("ONE_KEY".to_owned()),
            ..endpoint("one", &old)
        })
        .await
        .unwrap();
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    move_to(&bench, "one", &new).await;
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    // Removing the provider and adding it anew is no way around.
    let params = ProviderParams {
        provider_id: "one".to_owned(),
    };
    let bench = bench.crash_and_restart(Vec::new()).await;
    bench
        .call::<mesoclaw_api::ops::provider::ProviderDefaultSet>(
            mesoclaw_api::ops::provider::DefaultModel {
                provider_id: "local".to_owned(),
                model_id: "m".to_owned(),
            },
        )
        .await
        .unwrap();
    bench.call::<ProviderDelete>(params).await.unwrap();
    bench
        .call::<ProviderCreate>(CreateParams {
            api_key_env: Some("ONE_KEY".to_owned()),
            ..endpoint("one", &new)
        })
        .await
        .unwrap();
    let error = bench.say_to("one:m", "hi").await.unwrap_err();
    assert_held_back(&error, "one");
    assert!(new.requests().is_empty());
}

#[tokio::test]
async fn the_environments_key_of_a_known_provider_goes_to_its_own_address_only() {
    let (_, new) = servers().await;
    let bench = Bench::start().await;
    bench.keep_keys().await;
    for id in ["openai", "anthropic", "gemini"] {
        move_to(&bench, id, &new).await;
    }
    let variables = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"];
    let keys = variables.map(|name| (name.to_owned(), KEY.to_owned()));
    bench.variables.lock().unwrap().extend(keys);
    for id in ["openai", "anthropic", "gemini"] {
        let error = bench.say_to(&format!("{id}:m"), "hi").await.unwrap_err();
        assert_held_back(&error, id);
    }
    assert!(new.requests().is_empty());
}

#[tokio::test]
async fn an_address_of_configuration_takes_no_key_along_either() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &old).await;
    bench.set_key("one", KEY).await;
    let config = format!("{QUICK}provider_base_url = \"{}\"\n", new.base_url());
    std::fs::write(bench.home.path().join("config.toml"), config).unwrap();
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    assert!(new.requests().is_empty());
    // Without a key there is nothing to hold back.
    let free = ModelServer::start(Script::text("free")).await;
    bench.provider("two", &free).await;
    assert!(bench.say_to("two:m", "hi").await.is_ok());
    assert_eq!(bench.outcome().await.status(), "completed");
    assert_eq!(authorization(&free.requests()[0]), None);
}

#[tokio::test]
async fn a_key_may_be_set_before_its_provider_is_added() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.set_key("one", KEY).await;
    bench.provider("one", &old).await;
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    assert_eq!(
        authorization(&old.requests()[0]),
        Some(format!("Bearer {KEY}").as_str())
    );
    move_to(&bench, "one", &new).await;
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    assert!(new.requests().is_empty());
}

#[tokio::test]
async fn who_agreed_to_one_host_did_not_agree_to_the_one_the_address_has_now() {
    let (old, new) = servers().await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench.provider("one", &old).await;
    bench.set_key("one", KEY).await;
    let third = ModelServer::start(Script::text("third")).await;
    // A person is shown the second address and thinks; meanwhile it becomes the third.
    move_to(&bench, "one", &new).await;
    move_to(&bench, "one", &third).await;
    let bind = |origin: String| BindParams {
        provider_id: "one".to_owned(),
        origin: Some(origin),
    };
    let shown = bind(format!("http://{}", new.addr()));
    let error = bench.call::<CredentialBind>(shown).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(
        error.message,
        format!(
            "the address changed meanwhile: it is now at http://{}",
            third.addr()
        )
    );
    assert_held_back(&bench.send(None, "hi").await.unwrap_err(), "one");
    assert!(new.requests().is_empty() && third.requests().is_empty());
    // A whole address names its host as well.
    let shown = bind(third.base_url());
    let bound = bench.call::<CredentialBind>(shown).await.unwrap();
    assert_eq!(bound.origin, format!("http://{}", third.addr()));
    assert_eq!(bench.say("hi").await.1.status(), "completed");
}
