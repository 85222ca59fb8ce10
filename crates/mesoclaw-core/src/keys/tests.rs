//! Tests of keys whose binding changed after what is known of their provider was read.

use mesoclaw_api::BootId;
use mesoclaw_config::Config;
use mesoclaw_keys::{Backend, KeyStoreOptions};
use mesoclaw_store::StoreOptions;
use mesoclaw_store::repo::provider::ProviderRow;
use tempfile::TempDir;

use super::*;
use crate::models::setting::Stored;

const OLD: &str = "https://old.example.com";
const NEW: &str = "https://new.example.com";

/// Nothing is stored, and the environment has the key.
fn keys(home: &TempDir) -> Keys {
    let options = StoreOptions {
        path: home.path().join("mesoclaw.db"),
        readers: 1,
    };
    Keys::new(KeyParts {
        store: KeyStore::open(KeyStoreOptions {
            backend: Some(Backend::File),
            ..KeyStoreOptions::new(home.path().join("keys"))
        }),
        redactor: Redactor::new(),
        environment: Box::new(|_| Some(Secret::new("key-of-one-123456789".to_owned()))),
        database: Store::open(options).unwrap().0,
        bus: Bus::new(BootId::random()),
    })
}

/// A provider as somebody read it.
fn at(origin: &str, key_origin: Option<&str>) -> ProviderSetting {
    let row = ProviderRow {
        id: "one".to_owned(),
        name: "one".to_owned(),
        base_url: format!("{origin}/v1"),
        dialect: "openai_chat".to_owned(),
        auth: None,
        api_key_env: Some("ONE_KEY".to_owned()),
        requires_api_key: true,
        api_version: None,
        created_at: Timestamp::now(),
    };
    let stored = Stored {
        row: Some(row),
        key_origin: key_origin.map(str::to_owned),
        ..Stored::default()
    };
    ProviderSetting::find("one", stored, &Config::default()).unwrap()
}

async fn code_of(keys: &Keys, provider: &ProviderSetting) -> Option<ErrorCode> {
    let found = keys.of_provider(provider, 0).await;
    found.err().map(|error| error.code)
}

#[tokio::test]
async fn of_two_first_uses_the_later_one_finds_the_key_bound() {
    let home = TempDir::new().unwrap();
    let keys = keys(&home);
    assert_eq!(code_of(&keys, &at(NEW, None)).await, None);
    for read_before in [at(OLD, None), at(OLD, Some(NOWHERE_YET))] {
        let code = code_of(&keys, &read_before).await;
        assert_eq!(code, Some(ErrorCode::PolicyDenied));
        keys.bind_first(&read_before).await.unwrap();
        assert_eq!(keys.binding("one").await.unwrap().as_deref(), Some(NEW));
    }
}

#[tokio::test]
async fn a_key_the_store_was_asked_for_goes_where_it_belongs_by_then() {
    let home = TempDir::new().unwrap();
    let keys = keys(&home);
    keys.bind(&at(NEW, None)).await.unwrap();
    for (read_before, expected) in [
        (at(OLD, Some(OLD)), Some(ErrorCode::PolicyDenied)),
        (at(NEW, Some(OLD)), None),
    ] {
        keys.forget_known();
        assert_eq!(code_of(&keys, &read_before).await, expected);
    }
}

#[tokio::test]
async fn a_key_that_is_in_memory_is_checked_without_the_database() {
    let home = TempDir::new().unwrap();
    let keys = keys(&home);
    let provider = at(NEW, Some(NEW));
    assert_eq!(code_of(&keys, &provider).await, None);
    keys.parts.database.close().await;
    assert_eq!(code_of(&keys, &provider).await, None);
    let elsewhere = at(OLD, Some(NEW));
    let code = code_of(&keys, &elsewhere).await;
    assert_eq!(code, Some(ErrorCode::PolicyDenied));
}
