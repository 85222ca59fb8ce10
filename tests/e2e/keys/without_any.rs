//! Keys where there is no keyring: nothing is kept before somebody chose the encrypted file.

use std::time::{Duration, Instant};

use mesoclaw_testkit::model_server::{ModelServer, Script};

use super::{Login, keys_of, new_key, well};

/// A person does not wait longer for an error.
const QUICK: Duration = Duration::from_secs(5);

fn start() -> (ModelServer, Login) {
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let login = Login::without_keyring();
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    (server, login)
}

#[test]
fn keys_without_any() {
    let (server, login) = start();
    let key = new_key();
    let begin = Instant::now();
    let refused = login.set_key("openai", &key);
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
    let ways = [
        "mesoclaw key store file --passphrase",
        "mesoclaw key store file",
    ];
    refused.assert_error(6, &ways);
    // A turn says it too, and nothing was kept instead.
    login.ask().assert_error(6, &ways);
    let kept = login.home.data_dir().join("keys/keys.enc");
    assert!(!kept.exists());

    // Loud: also for whoever wants no notes.
    let chosen = login.command(&["--quiet", "key", "store", "file"]);
    let notice = "NOTICE: Keys are in keys.enc, encrypted with a random key that lies beside it";
    assert!(chosen.stderr.contains(notice), "{chosen:?}");
    assert!(chosen.stderr.contains("does NOT protect"), "{chosen:?}");
    assert_eq!(chosen.code, 0, "{chosen:?}");
    let set = well(login.set_key("openai", &key));
    assert!(set.contains("is kept in the encrypted file"), "{set}");
    assert_eq!(well(login.ask()), "Fine.\n");
    login.done(&["daemon", "restart"]);
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server), [Some(key.clone()), Some(key)]);
    let doctor = login.command(&["doctor"]);
    assert!(doctor.stdout.contains("keys.enc: works"), "{doctor:?}");
}

#[test]
fn a_passphrase_is_asked_for_after_each_start() {
    let (server, login) = start();
    let (key, passphrase) = (new_key(), new_key());
    let file = login.file("passphrase", &format!("{passphrase}\n"));
    let file = file.to_str().unwrap();
    let chosen = login.command(&["key", "store", "file", "--passphrase-file", file]);
    assert!(chosen.stderr.contains("NOTICE: "), "{chosen:?}");
    assert!(chosen.stderr.contains("mesoclaw key unlock"), "{chosen:?}");
    well(chosen);
    well(login.set_key("openai", &key));
    assert_eq!(well(login.ask()), "Fine.\n");
    assert!(!login.home.data_dir().join("keys/keys.key").exists());

    login.done(&["daemon", "restart"]);
    login
        .ask()
        .assert_error(6, &["locked", "mesoclaw key unlock"]);
    login
        .set_key("openai", "other")
        .assert_error(6, &["locked", "mesoclaw key unlock"]);
    let store = login.done(&["key", "store"]);
    assert!(store.contains("mesoclaw key unlock"), "{store}");
    let wrong = login.file("wrong", "not the passphrase at all");
    let wrong = [
        "key",
        "unlock",
        "--passphrase-file",
        wrong.to_str().unwrap(),
    ];
    login
        .command(&wrong)
        .assert_error(6, &["the passphrase is wrong"]);
    login.ask().assert_error(6, &["mesoclaw key unlock"]);
    assert_eq!(keys_of(&server), [Some(key.clone())]);

    login.done(&["key", "unlock", "--passphrase-file", file]);
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server), [Some(key.clone()), Some(key)]);
}
