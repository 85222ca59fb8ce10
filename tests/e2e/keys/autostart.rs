//! What a daemon that a client starts does not get from the shell of that client: the keys in it
//! are used after consent and for that client, not by everybody from then on.

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::model_server::{ModelServer, Script};

use super::search::Search;
use super::{Login, keys_of, new_key, well};
use crate::process::{Running, Stdin};

/// A run of the program in a shell that has this key.
fn in_shell(login: &Login, key: &str, args: &[&str], stdin: Stdin<'_>) -> crate::process::Ran {
    let mut command = login.mesoclaw(args);
    command.env("OPENAI_API_KEY", key);
    login.finish(Running::start(&mut command, stdin))
}

fn key_source(login: &Login) -> serde_json::Value {
    let shown = login.command(&["--json", "provider", "show", "openai"]);
    shown.json()["key_source"].take()
}

#[test]
fn a_started_daemon_has_no_key_of_the_shell() {
    let key = new_key();
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let login = Login::without_keyring();
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["key", "store", "file"]);
    for start in [
        &["provider", "list"][..],
        &["daemon", "start"],
        &["daemon", "restart"],
    ] {
        login.done(&["daemon", "stop"]);
        well(in_shell(&login, &key, start, Stdin::Null));
        // In the shell of somebody else there is none.
        assert_eq!(key_source(&login), serde_json::Value::Null, "{start:?}");
        assert_eq!(login.ask().code, 6, "{start:?}");
        assert_eq!(Search::new(&key).in_processes(), [""; 0], "{start:?}");
    }
    assert_eq!(keys_of(&server), [None; 0]);

    // Nor in the shell that has it, until somebody says so.
    let ask = || in_shell(&login, &key, &[], Stdin::Text("hello"));
    ask().assert_error(6, &["mesoclaw key allow OPENAI_API_KEY"]);
    assert_eq!(keys_of(&server), [None; 0]);
    login.done(&["key", "allow", "OPENAI_API_KEY"]);
    assert_eq!(well(ask()), "Fine.\n");
    assert_eq!(login.ask().code, 6);
    assert_eq!(keys_of(&server), [Some(key)]);
}

#[test]
fn a_daemon_that_is_run_by_hand_has_its_own() {
    let key = new_key();
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let login = Login::without_keyring();
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["daemon", "stop"]);
    let mut command = login.mesoclaw(&["daemon", "run"]);
    command.env("OPENAI_API_KEY", &key);
    let _daemon = DaemonProcess::start_command(command, &login.home);
    assert_eq!(key_source(&login), "environment");
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server), [Some(key)]);
}
