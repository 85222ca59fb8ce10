//! A life of a key in the keyring of the system, with the program as a person uses it.

use serde_json::json;

use super::{Login, keys_of, new_key, openai, well};

const KEYRING: &str = "the keyring of the system";

/// What `doctor` says of the key store.
fn doctor(login: &Login) -> String {
    let text = login.command(&["--json", "doctor"]);
    let checks = text.json();
    let checks = checks["checks"].as_array().or_else(|| checks.as_array());
    let check = checks
        .expect("checks")
        .iter()
        .find(|check| check["name"] == "key store");
    let check = check.unwrap_or_else(|| panic!("{text:?}"));
    assert_eq!(check["status"], "ok", "{check}");
    check["detail"].as_str().unwrap().to_owned()
}

#[test]
fn keys_with_a_secret_service() {
    let (first, second) = (new_key(), new_key());
    let server = openai("Fine.");
    let login = Login::with_keyring();
    login.use_as_openai(&server);

    // Nothing there yet.
    login
        .ask()
        .assert_error(6, &["openai", "mesoclaw key set openai"]);
    let kept = well(login.set_key("openai", &format!("{first}\n")));
    assert!(
        kept.starts_with(&format!("api_key:openai is kept in {KEYRING}\n")),
        "{kept}"
    );
    let list = login.command(&["--json", "key", "list"]).json();
    assert_eq!(
        (&list["backend"], &list["keys"]),
        (&json!("keyring"), &json!(["api_key:openai"]))
    );
    assert!(login.done(&["key", "list"]).contains(KEYRING));
    assert!(doctor(&login).contains("keyring"));

    // Whoever keeps a key knows where its provider is.
    assert_eq!(well(login.ask()), "Fine.\n");
    login.done(&["key", "test", "openai", "--model", "gpt-test"]);

    // Another key counts from the next request on, and after a start of the daemon.
    well(login.set_key("openai", &second));
    assert_eq!(well(login.ask()), "Fine.\n");
    login.done(&["daemon", "restart"]);
    assert_eq!(well(login.ask()), "Fine.\n");
    let sent = [&first, &first, &second, &second].map(|key| Some(key.clone()));
    assert_eq!(keys_of(&server), sent);

    // To the file and back.
    let moved = login.command(&["key", "migrate", "--to", "file"]);
    assert!(moved.stderr.contains("NOTICE: "), "{moved:?}");
    assert!(well(moved).contains("moved: api_key:openai"));
    assert!(login.home.data_dir().join("keys/keys.enc").is_file());
    assert!(doctor(&login).contains("file"));
    assert_eq!(well(login.ask()), "Fine.\n");
    let moved = login.done(&["key", "migrate", "--to", "keyring"]);
    assert!(moved.contains("moved: api_key:openai"), "{moved}");
    assert!(doctor(&login).contains("keyring"));
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server)[4..], sent[2..]);

    assert_eq!(
        login.done(&["key", "remove", "openai"]),
        "deleted api_key:openai\n"
    );
    login
        .command(&["key", "remove", "openai"])
        .assert_error(4, &["api_key:openai"]);
    login.ask().assert_error(6, &["mesoclaw key set openai"]);
    assert_eq!(keys_of(&server).len(), 6);
}
