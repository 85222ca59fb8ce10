//! What is known of providers and models, and who wins where several say something.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, ModelAddParams, ModelRemoveParams, NewModel, Price, Provider,
    ProviderAllModels, ProviderCreate, ProviderDefaultGet, ProviderDefaultSet, ProviderDelete,
    ProviderGet, ProviderList, ProviderModelAdd, ProviderModelRemove, ProviderModels,
    ProviderModelsParams, ProviderParams, ProviderUpdate, UpdateParams,
};
use mesoclaw_api::{ApiError, ErrorCode, Event};
use mesoclaw_testkit::model_server::{ModelServer, Script};
use serde_json::{Value, json};

use crate::support::{Bench, QUICK, endpoint, patch};

fn id(id: &str) -> ProviderParams {
    ProviderParams {
        provider_id: id.to_owned(),
    }
}

fn new_model(model_id: &str) -> NewModel {
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

fn update(id: &str, base_url: &str) -> UpdateParams {
    UpdateParams {
        provider_id: id.to_owned(),
        base_url: base_url.to_owned(),
        name: None,
        api_version: None,
    }
}

fn default_model(provider_id: &str, model_id: &str) -> DefaultModel {
    DefaultModel {
        provider_id: provider_id.to_owned(),
        model_id: model_id.to_owned(),
    }
}

fn said(error: &ApiError) -> (ErrorCode, &str) {
    (error.code, error.message.as_str())
}

#[tokio::test]
async fn a_provider_is_added_changed_listed_and_removed() {
    let mut bench = Bench::start().await;
    let added = bench
        .call::<ProviderCreate>(CreateParams {
            id: "mine".to_owned(),
            base_url: " http://127.0.0.1:9/v1/ ".to_owned(),
            models: vec![new_model("a")],
            ..CreateParams::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (
            added.name.as_str(),
            added.base_url.as_str(),
            added.dialect.as_str()
        ),
        ("mine", "http://127.0.0.1:9/v1", "openai_chat")
    );
    assert!(added.is_user_defined && added.is_active && !added.requires_api_key);
    assert_eq!(added.models[0].id, "mine:a");
    bench
        .event(|event| {
            let of_mine = |id: &String| id == "mine";
            match event {
                Event::ProviderChanged { provider_id } if of_mine(provider_id) => Some(()),
                _ => None,
            }
        })
        .await;
    let error = bench
        .call::<ProviderCreate>(CreateParams {
            id: "mine".to_owned(),
            base_url: "http://127.0.0.1:10".to_owned(),
            ..CreateParams::default()
        })
        .await
        .unwrap_err();
    assert_eq!(
        said(&error),
        (ErrorCode::Conflict, "there is a provider `mine` already")
    );
    let changed = bench
        .call::<ProviderUpdate>(UpdateParams {
            name: Some("My own".to_owned()),
            ..update("mine", "http://127.0.0.1:11/v1")
        })
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.base_url.as_str()),
        ("My own", "http://127.0.0.1:11/v1")
    );
    assert_eq!(
        (changed.created_at, changed.models.len()),
        (added.created_at, 1)
    );
}

#[tokio::test]
async fn all_providers_are_listed_by_id_and_a_removed_one_is_gone() {
    let bench = Bench::start().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            id: "mine".to_owned(),
            base_url: "http://127.0.0.1:9/v1".to_owned(),
            models: vec![new_model("a")],
            ..CreateParams::default()
        })
        .await
        .unwrap();
    let listed = bench.call::<ProviderList>(NoParams {}).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|provider| provider.id.as_str()).collect();
    for wanted in ["anthropic", "local", "mine", "openai"] {
        assert!(ids.contains(&wanted), "{wanted}");
    }
    assert!(ids.is_sorted());
    bench.call::<ProviderDelete>(id("mine")).await.unwrap();
    let error = bench.call::<ProviderGet>(id("mine")).await.unwrap_err();
    assert_eq!(
        said(&error),
        (ErrorCode::NotFound, "there is no provider `mine`")
    );
    let all = bench.call::<ProviderAllModels>(NoParams {}).await.unwrap();
    assert!(all.iter().all(|model| model.provider_id != "mine"));
}

/// What adding a provider with this change says, given that it is refused.
async fn refusal(bench: &Bench, change: Value) -> ApiError {
    let mut params = json!({"id": "p", "base_url": "http://127.0.0.1:9/v1"});
    params.as_object_mut().unwrap().extend(patch(change));
    let params = serde_json::from_value(params).unwrap();
    bench.call::<ProviderCreate>(params).await.unwrap_err()
}

#[tokio::test]
async fn what_cannot_be_a_provider_is_refused_with_a_reason() {
    let bench = Bench::start().await;
    for (change, expected) in [
        (json!({"id": "My Server"}), "lower-case letters"),
        (json!({"base_url": "localhost:9"}), "http"),
        (json!({"base_url": ""}), "base URL"),
        (
            json!({"base_url": "http://me:sk-abc@127.0.0.1:9"}),
            "base URL",
        ),
        (
            json!({"base_url": "http://127.0.0.1:9/v1?key=sk-abc"}),
            "base URL",
        ),
        (json!({"dialect": "soap"}), "there is no dialect `soap`"),
        (json!({"dialect": "local"}), "there is no dialect `local`"),
        (
            json!({"auth": "cookie"}),
            "`cookie` is no way to send a key",
        ),
        (json!({"api_key_env": "sk-abc"}), "not the key itself"),
        (json!({"models": [{"model_id": "a b"}]}), "white space"),
    ] {
        let error = refusal(&bench, change.clone()).await;
        assert_eq!(error.code, ErrorCode::Validation, "{change}: {error}");
        assert!(error.message.contains(expected), "{change}: {error}");
        assert!(!error.message.contains("sk-abc"), "{change}: {error}");
    }
    for id in ["hint", "local"] {
        let error = refusal(&bench, json!({"id": id})).await;
        assert_eq!(error.code, ErrorCode::Conflict);
        assert!(error.message.contains("taken by the program"), "{error}");
    }
    let error = bench.call::<ProviderGet>(id("p")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn an_added_provider_wins_over_the_catalogue_and_removing_it_brings_that_back() {
    let bench = Bench::start().await;
    let known = bench.call::<ProviderGet>(id("mistral")).await.unwrap();
    assert!(!known.is_user_defined);
    let mine = bench
        .call::<ProviderUpdate>(update("mistral", "http://127.0.0.1:9/v1"))
        .await
        .unwrap();
    assert_eq!(mine.base_url, "http://127.0.0.1:9/v1");
    assert!(mine.is_user_defined);
    assert_eq!(
        (
            &mine.name,
            &mine.dialect,
            &mine.key_variables,
            mine.models.len()
        ),
        (
            &known.name,
            &known.dialect,
            &known.key_variables,
            known.models.len()
        )
    );
    bench.call::<ProviderDelete>(id("mistral")).await.unwrap();
    assert_eq!(
        bench.call::<ProviderGet>(id("mistral")).await.unwrap(),
        known
    );
    let error = bench
        .call::<ProviderDelete>(id("mistral"))
        .await
        .unwrap_err();
    assert_eq!(
        said(&error),
        (
            ErrorCode::Conflict,
            "provider `mistral` is not one that somebody added"
        )
    );
}

#[tokio::test]
async fn a_provider_of_configuration_wins_over_both_and_cannot_be_changed_behind_it() {
    let server = ModelServer::start(Script::text("from configuration")).await;
    let config = format!("{QUICK}provider_base_url = \"{}\"\n", server.base_url());
    let config = config.replace("\"one\"", "\"mistral\"");
    let mut bench = Bench::configured(&config).await;
    let shown = bench.call::<ProviderGet>(id("mistral")).await.unwrap();
    assert_eq!(shown.base_url, server.base_url());
    assert!(shown.is_default && shown.is_active && !shown.requires_api_key);
    let error = bench
        .call::<ProviderUpdate>(update("mistral", "http://127.0.0.1:9/v1"))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("provider_base_url"), "{error}");
    bench
        .call::<ProviderCreate>(CreateParams {
            id: "mistral".to_owned(),
            base_url: "http://127.0.0.1:9/v1".to_owned(),
            ..CreateParams::default()
        })
        .await
        .unwrap_err();
    let (session_id, _) = bench.say("hello").await;
    assert_eq!(
        bench.story(&session_id).await,
        [
            "user hello",
            "assistant from configuration",
            "outcome completed"
        ]
    );
}

#[tokio::test]
async fn the_type_of_configuration_says_what_is_spoken() {
    for (word, path) in [
        ("openai", "/v1/chat/completions"),
        ("openai_responses", "/v1/responses"),
        ("anthropic", "/v1/messages"),
    ] {
        let server = ModelServer::start(Script::text("yes")).await;
        let config = format!(
            "{QUICK}provider_base_url = \"{}\"\nprovider_type = \"{word}\"\n\
             provider_api_key_env = \"ONE_KEY\"\n",
            server.base_url()
        );
        let mut bench = Bench::configured(&config).await;
        let key = ("ONE_KEY".to_owned(), "key-of-one".to_owned());
        bench.variables.lock().unwrap().extend([key]);
        let (_, outcome) = bench.say("hello").await;
        assert_eq!(outcome.status(), "completed", "{word}: {outcome:?}");
        assert_eq!(server.requests()[0].path, path, "{word}");
    }
}

#[tokio::test]
async fn a_model_a_person_added_wins_over_the_catalogue() {
    let bench = Bench::start().await;
    let known = bench
        .call::<ProviderGet>(id("mistral"))
        .await
        .unwrap()
        .models;
    let of_catalogue = known.first().unwrap().clone();
    let price = Price {
        input: 1_000_000,
        cached_input: None,
        cache_write: None,
        output: 2_000_000,
    };
    let added = bench
        .call::<ProviderModelAdd>(ModelAddParams::new(
            "mistral".to_owned(),
            NewModel {
                display_name: Some("Mine".to_owned()),
                supports_tools: Some(false),
                context_limit: Some(123),
                price: Some(price),
                ..new_model(&of_catalogue.model_id)
            },
        ))
        .await
        .unwrap();
    assert_eq!(
        (
            added.display_name.as_str(),
            added.supports_tools,
            added.context_limit,
            added.price
        ),
        ("Mine", false, Some(123), Some(price))
    );
    assert_eq!(
        added.output_limit, of_catalogue.output_limit,
        "still the catalogue's"
    );
    assert!(added.is_custom);
}

#[tokio::test]
async fn a_model_that_was_added_can_be_removed_and_no_other() {
    let bench = Bench::start().await;
    let models = async |bench: &Bench| {
        let provider = bench.call::<ProviderGet>(id("mistral")).await.unwrap();
        provider.models
    };
    let known = models(&bench).await;
    let model_id = known[0].model_id.clone();
    let new = NewModel {
        display_name: Some("Mine".to_owned()),
        ..new_model(&model_id)
    };
    bench
        .call::<ProviderModelAdd>(ModelAddParams::new("mistral".to_owned(), new))
        .await
        .unwrap();
    let shown = models(&bench).await;
    assert_eq!(
        (shown.len(), shown[0].display_name.as_str()),
        (known.len(), "Mine")
    );
    let remove = ModelRemoveParams {
        provider_id: "mistral".to_owned(),
        model_id,
    };
    bench
        .call::<ProviderModelRemove>(remove.clone())
        .await
        .unwrap();
    assert_eq!(models(&bench).await, known);
    let error = bench.call::<ProviderModelRemove>(remove).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    let nobodys = ModelAddParams::new("nobody".to_owned(), new_model("m"));
    let error = bench.call::<ProviderModelAdd>(nobodys).await.unwrap_err();
    assert_eq!(
        said(&error),
        (ErrorCode::NotFound, "there is no provider `nobody`")
    );
}

#[tokio::test]
async fn the_default_is_chosen_only_where_it_could_answer() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::start().await;
    bench.provider("one", &server).await;
    bench.keep_keys().await;
    for (model, code) in [
        (default_model("nobody", "m"), ErrorCode::NotFound),
        (default_model("one", ""), ErrorCode::Validation),
        (
            default_model("local", "absent"),
            ErrorCode::AgentNotConfigured,
        ),
        (
            default_model("openai", "gpt"),
            ErrorCode::AgentNotConfigured,
        ),
        (default_model("azure", "gpt"), ErrorCode::AgentNotConfigured),
    ] {
        let error = bench.call::<ProviderDefaultSet>(model).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(
            error.hint.is_some() || code == ErrorCode::Validation,
            "{error}"
        );
    }
    bench
        .call::<ProviderDefaultSet>(default_model("one", "m"))
        .await
        .unwrap();
    let default = bench.call::<ProviderDefaultGet>(NoParams {}).await.unwrap();
    assert_eq!(default, Some(default_model("one", "m")));
    assert!(server.requests().is_empty(), "choosing asks nobody");
    let (_, outcome) = bench.say("hi").await;
    assert_eq!(outcome.status(), "completed");
    let error = bench.call::<ProviderDelete>(id("one")).await.unwrap_err();
    assert_eq!(
        said(&error),
        (
            ErrorCode::Conflict,
            "provider `one` holds the default model"
        )
    );
    let config = std::fs::read_to_string(bench.home.path().join("config.toml")).unwrap();
    assert!(config.contains("provider_name = \"one\""), "{config}");
}

#[tokio::test]
async fn the_models_a_server_lists_are_told_with_what_is_known() {
    let server = ModelServer::start(Script {
        models: vec!["a".to_owned(), "b".to_owned()],
        ..Script::default()
    })
    .await;
    let bench = Bench::start().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            models: vec![NewModel {
                supports_vision: Some(true),
                ..new_model("b")
            }],
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    let params = ProviderModelsParams {
        provider_id: "one".to_owned(),
    };
    let models = bench.call::<ProviderModels>(params).await.unwrap();
    let told: Vec<_> = models
        .iter()
        .map(|model| (model.id.as_str(), model.supports_vision, model.is_custom))
        .collect();
    assert_eq!(told, [("one:a", None, false), ("one:b", Some(true), true)]);
}

#[tokio::test]
async fn nothing_asks_the_network_while_idle() {
    let server = ModelServer::start(Script::text("hello")).await;
    let config = format!(
        "{QUICK}provider_base_url = \"{}\"\nprovider_fallbacks = [\"two:m\"]\n",
        server.base_url()
    );
    let bench = Bench::configured(&config).await;
    bench.provider("two", &server).await;
    let bench = bench.crash_and_restart(Vec::new()).await;
    bench.core.start_waiting();
    bench.call::<ProviderList>(NoParams {}).await.unwrap();
    bench.call::<ProviderAllModels>(NoParams {}).await.unwrap();
    bench.call::<ProviderGet>(id("one")).await.unwrap();
    bench.call::<ProviderDefaultGet>(NoParams {}).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (0, 0));
}

#[tokio::test]
async fn without_an_address_the_type_of_configuration_has_no_effect() {
    let config = "provider_name = \"gemini\"\nprovider_model_id = \"m\"\n\
                  provider_type = \"openai\"\nprovider_api_key_env = \"ONE_KEY\"\n";
    let configured = Bench::configured(config).await;
    let plain = Bench::start().await;
    let known = |provider: Provider| (provider.dialect, provider.auth, provider.key_variables);
    let before = plain.call::<ProviderGet>(id("gemini")).await.unwrap();
    let after = configured.call::<ProviderGet>(id("gemini")).await.unwrap();
    assert_eq!(after.dialect, "gemini");
    assert_eq!(known(after), known(before));
}
