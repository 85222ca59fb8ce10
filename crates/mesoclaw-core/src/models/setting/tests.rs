//! Tests of what is read of providers.

use mesoclaw_store::{Store, StoreOptions};

use super::*;

fn provider(id: &str) -> ProviderRow {
    ProviderRow {
        id: id.to_owned(),
        name: id.to_owned(),
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        dialect: "openai_chat".to_owned(),
        auth: None,
        api_key_env: None,
        requires_api_key: false,
        api_version: None,
        created_at: Timestamp::now(),
    }
}

fn model(provider_id: &str, model_id: &str) -> ModelRow {
    ModelRow {
        provider_id: provider_id.to_owned(),
        model_id: model_id.to_owned(),
        display_name: model_id.to_owned(),
        context_limit: Some(1024),
        output_limit: None,
        supports_tools: None,
        supports_vision: None,
        price: None,
        created_at: Timestamp::now(),
    }
}

#[tokio::test]
async fn what_is_stored_of_one_is_what_is_stored_of_all() {
    let home = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        path: home.path().join("mesoclaw.db"),
        readers: 1,
    };
    let (store, _) = Store::open(options).unwrap();
    let row = provider("added");
    let models = [
        model("added", "b"),
        model("added", "a"),
        model("known", "c"),
    ];
    let (new, news) = (row.clone(), models.clone());
    store
        .write(move |tx| {
            provider::upsert(tx, &new)?;
            for model in &news {
                model::upsert(tx, model)?;
            }
            key::binding_set(tx, "added", "http://127.0.0.1:1", &Timestamp::now())?;
            key::binding_set(tx, "gone", "", &Timestamp::now())
        })
        .await
        .unwrap();
    let [b, a, c] = models;
    let by_id = |models: Vec<ModelRow>| {
        let models = models.into_iter();
        models
            .map(|model| (model.model_id.clone(), model))
            .collect()
    };
    let expected = [
        Stored {
            row: Some(row),
            key_origin: Some("http://127.0.0.1:1".to_owned()),
            models: by_id(vec![a, b]),
        },
        Stored {
            key_origin: Some(String::new()),
            ..Stored::default()
        },
        Stored {
            models: by_id(vec![c]),
            ..Stored::default()
        },
    ];
    let ids = ["added", "gone", "known"];
    let all = store.read(Stored::all).await.unwrap();
    let of_all = ids.map(str::to_owned).into_iter().zip(expected.clone());
    assert_eq!(all, of_all.collect());
    for (id, expected) in ids.into_iter().zip(expected) {
        let stored = store.read(move |conn| Stored::of(conn, id)).await.unwrap();
        assert_eq!(stored, expected, "{id}");
    }
    let none = store.read(|conn| Stored::of(conn, "none")).await.unwrap();
    assert_eq!(none, Stored::default());
}
