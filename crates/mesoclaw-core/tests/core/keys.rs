//! Keys go in, are used at once, and come out nowhere.

use std::path::Path;
use std::time::{Duration, Instant};

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::credential::{
    CredentialDelete, CredentialExists, CredentialList, CredentialMigrate, CredentialSet,
    CredentialStatus, CredentialUnlock, CredentialValue, KeyBackend, KeyParams, MigrateParams,
    SetParams, UnlockParams,
};
use mesoclaw_api::ops::provider::{
    CreateParams, KeySource, ProviderCreate, ProviderGet, ProviderList, ProviderParams,
};
use mesoclaw_api::{CallCtx, ErrorCode, Event, ItemBody, RawCaller, SecretText};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, authorization, endpoint};

const KEY: &str = "key-of-one-123456789";

fn key(name: &str) -> KeyParams {
    KeyParams {
        key: name.to_owned(),
    }
}

fn set(name: &str, value: &str) -> SetParams {
    SetParams {
        key: name.to_owned(),
        value: SecretText::new(value.to_owned()),
    }
}

/// Files below a directory that hold these bytes.
fn files_with(directory: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if std::fs::read(&path)
            .unwrap()
            .windows(bytes.len())
            .any(|window| window == bytes)
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let mut bench = Bench::start().await;
    bench.keep_keys().await;
    bench
        .call::<CredentialSet>(set("api_key:one", KEY))
        .await
        .unwrap();
    let changed = bench
        .event(|event| match event {
            Event::CredentialChanged { key: Some(key) } => Some(key.clone()),
            _ => None,
        })
        .await;
    assert_eq!(changed, "api_key:one");
    bench
        .call::<CredentialSet>(set("channel:chat:token", "token-of-chat"))
        .await
        .unwrap();
    assert_eq!(
        bench.call::<CredentialList>(NoParams {}).await.unwrap(),
        ["api_key:one", "channel:chat:token"]
    );
    assert!(
        bench
            .call::<CredentialValue>(key("api_key:one"))
            .await
            .unwrap()
            .exists
    );
    assert!(
        bench
            .call::<CredentialDelete>(key("api_key:one"))
            .await
            .unwrap()
            .deleted
    );
    assert!(
        !bench
            .call::<CredentialDelete>(key("api_key:one"))
            .await
            .unwrap()
            .deleted
    );
    assert!(
        !bench
            .call::<CredentialExists>(key("api_key:one"))
            .await
            .unwrap()
            .exists
    );
    let wrong = set("no such name", "value");
    let error = bench.call::<CredentialSet>(wrong).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    let home = bench.home.path();
    assert_eq!(files_with(home, KEY.as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn no_answer_and_no_refusal_repeats_a_secret() {
    let bench = Bench::start().await;
    bench.keep_keys().await;
    bench.set_key("one", KEY).await;
    let cx = CallCtx {
        surface: mesoclaw_api::Surface::Cli,
        connection: 1,
    };
    for (method, params) in [
        ("credential.list", json!({})),
        ("credential.status", json!({})),
        ("credential.agreed", json!({})),
        ("credential.exists", json!({"key": "api_key:one"})),
        ("credential.value", json!({"key": "api_key:one"})),
        ("provider.list", json!({})),
        ("config.get", json!({})),
        ("daemon.status", json!({})),
        // What is refused is not repeated either.
        (
            "credential.set",
            json!({"key": "api_key:one", "value": {"text": KEY}}),
        ),
        ("credential.set", json!({"key": KEY, "value": [KEY]})),
        (
            "credential.set",
            json!({"name": "api_key:one", "value": KEY}),
        ),
    ] {
        let answer = bench.core.call_raw(cx.clone(), method, params).await;
        let text = format!("{answer:?}");
        assert!(!text.contains(KEY), "{method}: {text}");
    }
}

#[tokio::test]
async fn where_no_keyring_works_that_is_said_quickly_with_a_way_out() {
    let started = Instant::now();
    let bench = Bench::configured(QUICK).await;
    let status = bench.call::<CredentialStatus>(NoParams {}).await.unwrap();
    assert!(!status.is_chosen);
    if status.is_working {
        // A machine with a keyring of its own: there is nothing to see here.
        assert_eq!(status.backend, KeyBackend::Keyring);
        return;
    }
    let error = bench
        .call::<CredentialSet>(set("api_key:one", KEY))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Credential);
    let hint = error.hint.unwrap();
    assert!(hint.contains("mesoclaw key store file"), "{hint}");
    assert!(!error.message.contains(KEY), "{}", error.message);
    // Providers that take no key, and lists, do without it.
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = bench;
    bench.provider("one", &server).await;
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    bench.call::<ProviderList>(NoParams {}).await.unwrap();
    // Those that want one say why there is none.
    bench
        .call::<ProviderCreate>(CreateParams {
            requires_api_key: Some(true),
            ..endpoint("two", &server)
        })
        .await
        .unwrap();
    let error = bench
        .call::<mesoclaw_api::ops::chat::ChatSend>(mesoclaw_api::ops::chat::SendParams {
            text: "hi".to_owned(),
            model: Some("two:m".to_owned()),
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Credential);
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_new_key_is_used_by_the_next_message_and_a_deleted_one_by_none() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            requires_api_key: Some(true),
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    for value in ["first-key-of-one", "second-key-of-one"] {
        bench.set_key("one", value).await;
        assert_eq!(bench.say("hi").await.1.status(), "completed");
    }
    let requests = server.requests();
    let sent: Vec<_> = requests.iter().filter_map(authorization).collect();
    assert_eq!(
        sent,
        ["Bearer first-key-of-one", "Bearer second-key-of-one"]
    );
    bench
        .call::<CredentialDelete>(key("api_key:one"))
        .await
        .unwrap();
    let error = bench.send(None, "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(error.hint.unwrap().contains("mesoclaw key set one"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_stored_key_goes_before_one_of_the_environment() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.keep_keys().await;
    bench
        .call::<ProviderCreate>(CreateParams {
            api_key_env: Some("ONE_KEY".to_owned()),
            ..endpoint("one", &server)
        })
        .await
        .unwrap();
    let source = async |bench: &Bench| {
        let params = ProviderParams {
            provider_id: "one".to_owned(),
        };
        bench.call::<ProviderGet>(params).await.unwrap().key_source
    };
    assert_eq!(source(&bench).await, None);
    let variable = ("ONE_KEY".to_owned(), " key-of-environment\n".to_owned());
    bench.variables.lock().unwrap().extend([variable]);
    assert_eq!(source(&bench).await, Some(KeySource::Environment));
    bench.say("hi").await;
    bench.set_key("one", "key-of-store").await;
    assert_eq!(source(&bench).await, Some(KeySource::Stored));
    bench.say("hi").await;
    let requests = server.requests();
    let sent: Vec<_> = requests.iter().filter_map(authorization).collect();
    assert_eq!(sent, ["Bearer key-of-environment", "Bearer key-of-store"]);
}

#[tokio::test]
async fn a_key_that_a_provider_repeats_is_shown_and_stored_nowhere() {
    let echo = |code: u16| {
        let text = format!("Incorrect API key provided: {KEY}. (Bearer {KEY})");
        Reply::new([Step::status_with(code, json!({"error": {"message": text}}))])
    };
    let server = ModelServer::start(Script::replies([echo(503), echo(401)])).await;
    let other = ModelServer::start(Script::replies([echo(500)])).await;
    let config = QUICK.replace("max_retries = 0", "max_retries = 1");
    let config = format!("{config}provider_fallbacks = [\"two:m\"]\n");
    let mut bench = Bench::configured(&config).await;
    bench.keep_keys().await;
    bench.provider("one", &server).await;
    bench.provider("two", &other).await;
    bench.set_key("one", KEY).await;
    let sent = bench.send(None, "hi").await.unwrap();
    let (told, outcome) = bench.until_finished().await;
    let items = bench.items(&sent.session_id).await;
    let all = format!("{told:?} {outcome:?} {items:?}");
    assert!(!all.contains(KEY), "{all}");
    // Retried, taken over, failed: each of them repeated what the provider said.
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::TurnRetrying { .. }))
    );
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::TurnModelChanged { .. }))
    );
    assert_eq!(bench.notices(&sent.session_id).await.len(), 1);
    assert!(all.matches("provided: ***.").count() >= 3, "{all}");
    let home = bench.home.path();
    assert_eq!(files_with(home, KEY.as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn a_locked_store_sends_nobody_a_message_without_its_key() {
    let server = ModelServer::start(Script::text("hello")).await;
    let bench = Bench::configured(QUICK).await;
    let passphrase = || SecretText::new("a passphrase of mine".to_owned());
    let migrated = bench
        .call::<CredentialMigrate>(MigrateParams {
            to: KeyBackend::File,
            passphrase: Some(passphrase()),
        })
        .await
        .unwrap();
    assert!(migrated.notice.unwrap().contains("mesoclaw key unlock"));
    bench.provider("one", &server).await;
    bench.set_key("one", KEY).await;
    let mut bench = bench.crash_and_restart(Vec::new()).await;
    let status = bench.call::<CredentialStatus>(NoParams {}).await.unwrap();
    assert!(
        status.is_locked && status.has_passphrase == Some(true),
        "{status:?}"
    );
    let error = bench.send(None, "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Credential);
    assert!(error.hint.unwrap().contains("mesoclaw key unlock"));
    assert!(server.requests().is_empty());
    let unlock = |passphrase| UnlockParams { passphrase };
    let wrong = unlock(SecretText::new("not that one at all".to_owned()));
    let error = bench.call::<CredentialUnlock>(wrong).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Credential);
    assert_eq!(error.message, "the passphrase is wrong");
    bench
        .call::<CredentialUnlock>(unlock(passphrase()))
        .await
        .unwrap();
    assert_eq!(bench.say("hi").await.1.status(), "completed");
    assert_eq!(
        authorization(&server.requests()[0]),
        Some(format!("Bearer {KEY}").as_str())
    );
}

#[tokio::test]
async fn a_key_is_kept_out_of_what_tools_say() {
    let call = Reply::new([Step::tool_call("c1", "echo", &json!({"leak": KEY}))]);
    let server = ModelServer::start(Script::replies([call, Reply::text("done")])).await;
    let tools = vec![EchoTool::new("echo") as std::sync::Arc<_>];
    let mut bench = Bench::with(QUICK, tools).await;
    bench.keep_keys().await;
    bench.provider("one", &server).await;
    bench.set_key("one", KEY).await;
    let (session_id, outcome) = bench.say("hi").await;
    assert_eq!(outcome.status(), "completed");
    let results: Vec<_> = bench
        .items(&session_id)
        .await
        .into_iter()
        .filter_map(|item| match item.body {
            ItemBody::ToolResult { output, .. } => Some(output),
            _ => None,
        })
        .collect();
    assert_eq!(results, ["{\"leak\":\"***\"}"]);
}

#[tokio::test]
async fn a_locked_file_is_not_left_behind_for_another_place() {
    let bench = Bench::configured(QUICK).await;
    let passphrase = || Some(SecretText::new("correct horse battery".to_owned()));
    let to = |to, passphrase| MigrateParams { to, passphrase };
    bench
        .call::<CredentialMigrate>(to(KeyBackend::File, passphrase()))
        .await
        .unwrap();
    bench.set_key("one", "a-key-that-must-not-be-lost").await;
    let bench = bench.crash_and_restart(Vec::new()).await;
    let refused = bench
        .call::<CredentialMigrate>(to(KeyBackend::Keyring, None))
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::Credential);
    assert!(refused.hint.unwrap().contains("mesoclaw key unlock"));
    let status = bench.call::<CredentialStatus>(NoParams {}).await.unwrap();
    assert_eq!((status.backend, status.is_locked), (KeyBackend::File, true));
    bench
        .call::<CredentialUnlock>(UnlockParams {
            passphrase: passphrase().unwrap(),
        })
        .await
        .unwrap();
    let names = bench.call::<CredentialList>(NoParams {}).await.unwrap();
    assert_eq!(names, ["api_key:one"]);
}
