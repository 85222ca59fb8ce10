//! `key ...`: secrets go in every way there is, and never come out.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script};
use mesoclaw_testkit::pty::Pty;
use serde_json::json;

use crate::process::{Ran, Running, Stdin, command, mesoclaw, run};

/// The secret of these tests.
const SECRET: &str = "sk-very-secret-0123456789";

/// A home whose keys are in a file: tests have no keyring.
fn home() -> TestHome {
    let home = TestHome::new();
    let ran = command(&home, &["key", "store", "file"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // What it does not protect against is said aloud.
    assert!(ran.stderr.contains("NOTICE"), "{ran:?}");
    assert!(ran.stdout.contains("the encrypted file"), "{ran:?}");
    home
}

/// A home with the provider `p` that wants [`SECRET`].
fn home_with_provider() -> (TestHome, ModelServer) {
    let server = ModelServer::start_blocking(Script {
        api_key: Some(SECRET.to_owned()),
        ..Script::text("Fine.")
    });
    let home = home();
    let url = server.base_url();
    let auth = "bearer";
    command(
        &home,
        &["provider", "add", "p", "--base-url", &url, "--auth", auth],
    )
    .assert_ok();
    (home, server)
}

fn names(home: &TestHome) -> Vec<String> {
    let list = command(home, &["--json", "key", "list"]).json();
    let keys = list["keys"].as_array().unwrap().iter();
    keys.map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn assert_hidden(ran: &Ran) {
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn a_key_comes_from_stdin_a_file_a_variable_or_the_line() {
    let (home, _server) = home_with_provider();
    let file = home.user_home().join("key.txt");
    std::fs::write(&file, format!("{SECRET}\r\n")).unwrap();
    let file = file.to_str().unwrap();
    let set = |args: &[&str], stdin: Stdin<'_>, has_warning: bool| {
        let mut words = vec!["key", "set", "p"];
        words.extend(args);
        let mut set = mesoclaw(&home, &words);
        set.env("KEY_OF_P", SECRET);
        let ran = Running::start(&mut set, stdin).finish();
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stdout
                .starts_with("api_key:p is kept in the encrypted file"),
            "{ran:?}"
        );
        assert!(
            ran.stdout.ends_with("try it: mesoclaw key test p\n"),
            "{ran:?}"
        );
        assert_eq!(
            ran.stderr.contains("stands on the command line"),
            has_warning,
            "{ran:?}"
        );
        assert_hidden(&ran);
        let ran = command(&home, &["key", "test", "p", "--model", "test-model"]);
        assert!(ran.assert_ok().contains("answered"), "{ran:?}");
        assert_eq!(
            command(&home, &["key", "remove", "p"]),
            Ran::ok("deleted api_key:p\n")
        );
        let ran = command(&home, &["key", "test", "p", "--model", "test-model"]);
        assert_eq!(ran.code, 6, "{ran:?}");
    };
    let line = format!("{SECRET}\n");
    set(&[], Stdin::Text(&line), false);
    set(&["--stdin"], Stdin::Text(&line), false);
    set(&["--file", file], Stdin::Null, false);
    set(&["--env", "KEY_OF_P"], Stdin::Null, false);
    set(&[SECRET], Stdin::Null, true);
}

#[test]
fn a_key_is_typed_unseen() {
    let (home, _server) = home_with_provider();
    let pty = Pty::spawn(&mesoclaw(&home, &["key", "set", "p"]), 24, 120);
    pty.wait_for_text("key (not shown): ");
    pty.write(SECRET);
    pty.write("\r");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(!raw.contains(SECRET) && !raw.contains("sk-"), "{raw}");
    assert!(raw.contains("api_key:p is kept in"), "{raw}");
    let ran = command(&home, &["key", "test", "p", "--model", "test-model"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn the_terminal_is_as_before_after_ctrl_c() {
    let home = home();
    // A shell shows whether the terminal echoes again.
    let mut shell = home.command("sh");
    let program = crate::fixture::program().display();
    shell.args([
        "-c",
        &format!("trap : INT; {program} key set p; echo code $?; stty -a; cat"),
    ]);
    let pty = Pty::spawn(&shell, 40, 120);
    pty.wait_for_text("key (not shown): ");
    pty.write("sk-half\x03");
    pty.wait_for_text("code 130");
    pty.wait_for("echo on", |screen| {
        let text = screen.contents();
        text.contains(" echo ") && text.contains("isig") && !text.contains("-echo ")
    });
    pty.write("visible\r");
    pty.wait_for_text("visible");
    assert!(!String::from_utf8_lossy(&pty.raw()).contains("sk-half"));
    pty.write("\x04");
    pty.wait_for_exit();
    assert_eq!(names(&home), Vec::<String>::new());
}

#[test]
fn what_is_no_key_is_refused_and_nothing_is_kept() {
    let home = home();
    let rows: [(&[&str], Stdin<'_>, &str); 6] = [
        (&["key", "set", "p"], Stdin::Null, "the key is empty"),
        (&["key", "set", "p"], Stdin::Text("\n"), "the key is empty"),
        (
            &["key", "set", "p"],
            Stdin::Bytes(b"sk-very\xff\xfe"),
            "no UTF-8 text",
        ),
        (
            &["key", "set", "p"],
            Stdin::Text("sk-very-secret\nsecond"),
            "several lines",
        ),
        (
            &["key", "set", "p", "--env", "NOT_THERE"],
            Stdin::Null,
            "NOT_THERE is not set",
        ),
        (
            &["key", "set", "p", "sk-very-secret-1", "sk-very-secret-2"],
            Stdin::Null,
            "***",
        ),
    ];
    for (args, stdin, part) in rows {
        let ran = run(&home, args, stdin);
        ran.assert_error(2, &[part]);
        assert!(!ran.stderr.contains("sk-very"), "{ran:?}");
    }
    command(&home, &["key", "set", "p", "--file", "missing"]).assert_error(1, &["missing"]);
    // A slip of the finger is not sent to a model.
    let ran = command(&home, &["kye", "set", "p", "sk-very-secret"]);
    ran.assert_error(2, &["did you mean `mesoclaw key set`?"]);
    assert!(!ran.stderr.contains("sk-very"), "{ran:?}");
    assert_eq!(names(&home), Vec::<String>::new());
    command(&home, &["key", "remove", "p"]).assert_error(4, &["api_key:p", "key list"]);
}

#[test]
fn names_are_listed_and_values_never() {
    let home = home();
    let set = |args: &[&str]| {
        let ran = run(&home, args, Stdin::Text(SECRET));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };
    let ran = set(&["key", "set", "nobody"]);
    assert!(
        ran.stderr.contains("no provider `nobody` is known yet"),
        "{ran:?}"
    );
    set(&["key", "set-channel", "telegram", "token"]);
    let ran = set(&["--json", "key", "set-raw", "my.secret"]);
    assert_eq!(ran.json(), json!({"key": "my.secret", "backend": "file"}));
    assert_eq!(
        names(&home),
        ["api_key:nobody", "channel:telegram:token", "my.secret"]
    );
    command(&home, &["key", "allow", "SOME_API_KEY"]).assert_ok();
    for args in [
        &["key", "list"][..],
        &["--json", "key", "list"],
        &["key", "store"],
        &["--json", "key", "store"],
        &["config", "show"],
    ] {
        let ran = command(&home, args);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_hidden(&ran);
    }
    let ran = command(&home, &["key", "list"]);
    let text = ran.assert_ok();
    assert!(text.contains("api_key:nobody"), "{text}");
    assert!(text.contains("SOME_API_KEY of your shell"), "{text}");
    for args in [
        &["key", "remove", "nobody"][..],
        &["key", "remove-channel", "telegram", "token"],
        &["key", "remove-raw", "my.secret"],
        &["key", "disallow", "SOME_API_KEY"],
    ] {
        command(&home, args).assert_ok();
    }
    let list = command(&home, &["--json", "key", "list"]).json();
    assert_eq!(
        list,
        json!({"backend": "file", "keys": [], "allowed_variables": []})
    );
}

#[test]
fn a_file_with_a_passphrase_is_closed_after_a_restart() {
    let home = TestHome::new();
    let file = home.user_home().join("passphrase");
    std::fs::write(&file, "correct horse\n").unwrap();
    let file = file.to_str().unwrap();
    let pty = Pty::spawn(
        &mesoclaw(&home, &["key", "store", "file", "--passphrase"]),
        30,
        160,
    );
    pty.wait_for_text("new passphrase (not shown): ");
    pty.write("correct horse\r");
    pty.wait_for_text("the same again: ");
    pty.write("correct horse\r");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert!(!String::from_utf8_lossy(&pty.raw()).contains("correct horse"));
    run(&home, &["key", "set-raw", "x"], Stdin::Text(SECRET)).assert_ok();
    let restart = command(&home, &["daemon", "restart"]);
    assert_eq!(restart.code, 0, "{restart:?}");
    let status = command(&home, &["--json", "key", "store"]).json();
    assert_eq!(
        (&status["is_locked"], &status["has_passphrase"]),
        (&json!(true), &json!(true))
    );
    let ran = run(&home, &["key", "set-raw", "y"], Stdin::Text(SECRET));
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("key unlock"), "{ran:?}");
    let mut wrong = mesoclaw(&home, &["key", "unlock", "--passphrase-env", "WRONG"]);
    wrong.env("WRONG", "battery staple");
    let ran = Running::start(&mut wrong, Stdin::Null).finish();
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("battery"), "{ran:?}");
    command(&home, &["key", "unlock", "--passphrase-file", file]).assert_ok();
    assert_eq!(names(&home), ["x"]);
    command(&home, &["key", "unlock"]).assert_error(2, &["--passphrase-file"]);
    command(&home, &["key", "store", "--passphrase"]).assert_error(2, &["key store file"]);
}

#[test]
fn the_protection_of_the_file_is_changed() {
    let home = TestHome::new();
    let [old, new] = ["old", "new"].map(|name| {
        let path = home.user_home().join(name);
        std::fs::write(&path, format!("{name} horse battery\n")).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let file = ["key", "store", "file", "--passphrase-file", &old];
    assert_eq!(command(&home, &file).code, 0);
    run(&home, &["key", "set-raw", "x"], Stdin::Text(SECRET)).assert_ok();
    let wrong = [
        "key",
        "passphrase",
        "--passphrase-file",
        &old,
        "--current-file",
        &new,
    ];
    assert_ne!(command(&home, &wrong).code, 0);
    let change = [
        "key",
        "passphrase",
        "--passphrase-file",
        &new,
        "--current-file",
        &old,
    ];
    command(&home, &change).assert_ok();
    assert_eq!(command(&home, &["daemon", "restart"]).code, 0);
    let unlock = |path: &str| command(&home, &["key", "unlock", "--passphrase-file", path]);
    assert_ne!(unlock(&old).code, 0);
    unlock(&new).assert_ok();
    let none = ["key", "passphrase", "--none", "--current-file", &new];
    assert!(command(&home, &none).stdout.contains("keys.key"));
    assert_eq!(command(&home, &["daemon", "restart"]).code, 0);
    assert_eq!(names(&home), ["x"]);
}

#[test]
fn passphrases_that_differ_change_nothing() {
    let home = TestHome::new();
    let migrate = ["key", "migrate", "--to", "file", "--passphrase"];
    let pty = Pty::spawn(&mesoclaw(&home, &migrate), 30, 160);
    pty.wait_for_text("new passphrase (not shown): ");
    pty.write("one\r");
    pty.wait_for_text("the same again: ");
    pty.write("two\r");
    assert_eq!(pty.wait_for_exit().exit_code(), 2);
    assert!(pty.screen_text().contains("the two passphrases differ"));
    let status = command(&home, &["--json", "key", "store"]).json();
    assert_eq!(status["is_chosen"], false);
}

/// A home whose default model wants the key that is in a variable of the shell.
fn home_with_openai() -> (TestHome, ModelServer) {
    let server = ModelServer::start_blocking(Script {
        api_key: Some(SECRET.to_owned()),
        ..Script::text("Fine.")
    });
    let home = home();
    let url = server.base_url();
    let add = ["provider", "add", "openai", "--base-url", &url];
    let add: Vec<&str> = add
        .into_iter()
        .chain(["--dialect", "openai_chat"])
        .collect();
    let ran = command(&home, &add);
    assert_eq!(ran.code, 0, "{ran:?}");
    // A server of this machine needs no key unless somebody says so.
    home.write_config("provider_name = \"openai\"\nprovider_model_id = \"m\"\n");
    command(&home, &["daemon", "restart"]);
    (home, server)
}

fn with_variable(home: &TestHome, args: &[&str]) -> std::process::Command {
    let mut command = mesoclaw(home, args);
    command.env("OPENAI_API_KEY", SECRET);
    command
}

#[test]
fn a_variable_of_the_shell_is_used_after_a_yes() {
    let (home, server) = home_with_openai();
    let ask = |answer: &str| {
        let pty = Pty::spawn(&with_variable(&home, &["run", "hello"]), 30, 160);
        pty.wait_for_text("OPENAI_API_KEY is set in this shell. Use it for openai");
        assert!(
            pty.screen_text()
                .contains(server.base_url().trim_end_matches("/v1"))
        );
        pty.wait_for_text("[o]nce, [a]lways, [n]o:");
        pty.write(answer);
        pty.write("\r");
        let code = pty.wait_for_exit().exit_code();
        let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
        assert!(!raw.contains(SECRET), "{raw}");
        (code, raw)
    };
    let (code, text) = ask("n");
    assert_ne!(code, 0, "{text}");
    let (code, text) = ask("o");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("Fine."), "{text}");
    // Once is once.
    let (code, text) = ask("a");
    assert_eq!(code, 0, "{text}");
    let pty = Pty::spawn(&with_variable(&home, &["run", "hello"]), 30, 160);
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert!(!pty.screen_text().contains("is set in this shell"));
    // A shell without the variable has no key.
    assert_ne!(run(&home, &[], Stdin::Text("hello")).code, 0);
}

#[test]
fn a_pipe_never_asks_and_says_what_would_help() {
    let (home, server) = home_with_openai();
    command(&home, &["provider", "remove", "openai"]).assert_ok();
    let url = server.base_url();
    let add = ["provider", "add", "openai", "--base-url", &url];
    let more = [
        "--dialect",
        "openai_chat",
        "--api-key-env",
        "OPENAI_API_KEY",
    ];
    let add: Vec<&str> = add.into_iter().chain(more).collect();
    command(&home, &add).assert_ok();
    let pipe = || {
        let mut pipe = with_variable(&home, &[]);
        Running::start(&mut pipe, Stdin::Text("hello")).finish()
    };
    let ran = pipe();
    ran.assert_error(6, &["`mesoclaw key allow OPENAI_API_KEY`"]);
    assert_eq!(ran.stdout, "");
    command(&home, &["key", "allow", "OPENAI_API_KEY"]).assert_ok();
    // The catalogue knows another host for it: that is a question of its own.
    pipe().assert_error(5, &["mesoclaw key confirm openai"]);
    command(&home, &["key", "confirm", "openai"]).assert_ok();
    assert_eq!(pipe(), Ran::ok("Fine.\n"));
    command(&home, &["key", "disallow", "OPENAI_API_KEY"]).assert_ok();
    pipe().assert_error(6, &["key allow"]);
}

#[test]
fn a_variable_that_was_allowed_needs_no_key_store() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some(SECRET.to_owned()),
        ..Script::text("Fine.")
    });
    let home = TestHome::new();
    let url = server.base_url();
    let add = ["provider", "add", "p", "--base-url", &url];
    let more = ["--api-key-env", "GROQ_API_KEY"];
    let add: Vec<&str> = add.into_iter().chain(more).collect();
    command(&home, &add).assert_ok();
    let pipe = || {
        let mut pipe = mesoclaw(&home, &["--model", "p:test-model"]);
        pipe.env("GROQ_API_KEY", SECRET);
        Running::start(&mut pipe, Stdin::Text("hello")).finish()
    };
    let ran = pipe();
    ran.assert_error(6, &["`mesoclaw key allow GROQ_API_KEY`"]);
    assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    command(&home, &["key", "allow", "GROQ_API_KEY"]).assert_ok();
    assert_eq!(pipe(), Ran::ok("Fine.\n"));
}

#[test]
fn the_key_store_is_part_of_doctor() {
    let home = home();
    let report = command(&home, &["--json", "doctor"]).json();
    let checks = report["checks"].as_array().unwrap();
    let found: Vec<_> = checks
        .iter()
        .filter(|check| check["name"] == "key store")
        .collect();
    assert_eq!(found.len(), 1, "{report}");
    assert_eq!(found[0]["status"], "ok");
    assert!(
        found[0]["detail"]
            .as_str()
            .unwrap()
            .starts_with("the encrypted file"),
        "{report}"
    );
}
