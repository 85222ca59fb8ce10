//! `setup`: what was found is shown, and nothing of it is used without a yes.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script};
use mesoclaw_testkit::pty::Pty;

use crate::process::{Ran, Stdin, command, mesoclaw, run};

const SECRET: &str = "sk-very-secret-0123456789";

/// The number in front of a choice.
fn number_of(pty: &Pty, choice: &str) -> String {
    pty.wait_for_text("choice [1]:");
    let text = pty.screen_text();
    let (before, _) = text.split_once(&format!(" {choice}")).expect("a choice");
    let number = before.rsplit(char::is_whitespace).next().unwrap();
    number.to_owned()
}

fn type_line(pty: &Pty, line: &str) {
    pty.write(line);
    pty.write("\r");
}

fn answer(pty: &Pty, rows: &[(&str, &str)]) {
    for (question, answer) in rows {
        pty.wait_for_text(question);
        type_line(pty, answer);
    }
}

fn user_defined(home: &TestHome) -> usize {
    let list = command(home, &["--json", "provider", "list"]).json();
    let providers = list.as_array().unwrap().iter();
    providers
        .filter(|provider| provider["is_user_defined"] == true)
        .count()
}

#[test]
fn an_address_with_a_key_is_set_up_where_no_keyring_is() {
    let server = ModelServer::start_blocking(Script {
        models: vec!["small".to_owned(), "large".to_owned()],
        api_key: Some(SECRET.to_owned()),
        ..Script::text("Fine.")
    });
    let home = TestHome::new();
    let pty = Pty::spawn(&mesoclaw(&home, &["setup"]), 60, 160);
    let number = number_of(&pty, "another provider");
    type_line(&pty, &number);
    let url = server.base_url();
    answer(
        &pty,
        &[
            ("address, with /v1 where it has that:", &url),
            ("short name for it [server]:", ""),
            ("key (not shown; empty: none):", SECRET),
            ("model (empty: choose from its list):", ""),
            ("where shall keys be kept [3]:", "2"),
            ("model, by number or name; `-` goes back [large]:", "2"),
        ],
    );
    pty.wait_for_text("Done: answers come from server:small.");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(raw.contains("NOTICE") && !raw.contains(SECRET), "{raw}");
    assert_eq!(run(&home, &[], Stdin::Text("hello")), Ran::ok("Fine.\n"));
}

#[test]
fn what_comes_to_nothing_leaves_nothing() {
    let server = ModelServer::start_blocking(Script::replies([Reply::status(401)]));
    let home = TestHome::new();
    command(&home, &["-q", "key", "store", "file"]);
    let url = server.base_url();
    let rows = [
        ("address, with /v1 where it has that:", url.as_str()),
        ("short name for it [server]:", ""),
        ("key (not shown; empty: none):", SECRET),
        ("model (empty: choose from its list):", "m"),
    ];
    // The test fails.
    let pty = Pty::spawn(&mesoclaw(&home, &["setup"]), 60, 160);
    let number = number_of(&pty, "another provider");
    type_line(&pty, &number);
    answer(&pty, &rows);
    pty.wait_for_text("That did not work: the default model stays as it was.");
    pty.wait_for("the question again", |screen| {
        screen.contents().matches("choice [1]:").count() == 2
    });
    assert_eq!(user_defined(&home), 0);
    // Ctrl-C in the middle.
    type_line(&pty, &number);
    pty.wait_for("the address again", |screen| {
        screen.contents().matches("/v1 where it has that").count() == 2
    });
    type_line(&pty, &url);
    pty.wait_for("the name again", |screen| {
        screen.contents().matches("short name").count() == 2
    });
    pty.write("\x03");
    assert_eq!(pty.wait_for_exit().exit_code(), 130);
    assert_eq!(user_defined(&home), 0);
    let list = command(&home, &["--json", "key", "list"]).json();
    assert_eq!(list["keys"], serde_json::json!([]));
}

#[test]
fn a_variable_of_the_shell_is_offered_and_allowed() {
    let server = ModelServer::start_blocking(Script {
        api_key: Some(SECRET.to_owned()),
        ..Script::text("Fine.")
    });
    let home = TestHome::new();
    let url = server.base_url();
    let add = [
        "provider",
        "add",
        "groq",
        "--base-url",
        &url,
        "--api-key-env",
        "GROQ_API_KEY",
    ];
    command(&home, &add).assert_ok();
    let with_variable = |args: &[&str]| {
        let mut command = mesoclaw(&home, args);
        command.env("GROQ_API_KEY", SECRET);
        command
    };
    let pty = Pty::spawn(&with_variable(&["setup"]), 60, 160);
    let number = number_of(&pty, "groq, with the key in GROQ_API_KEY of this shell");
    type_line(&pty, &number);
    answer(
        &pty,
        &[
            ("what shall be done with the key [3]:", "2"),
            ("model, by number or name", "test-model"),
        ],
    );
    pty.wait_for_text("Done: answers come from groq:test-model.");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert!(!String::from_utf8_lossy(&pty.raw()).contains(SECRET));
    // Allowed for good: nobody is asked any more.
    let mut pipe = with_variable(&[]);
    let ran = crate::process::Running::start(&mut pipe, Stdin::Text("hello")).finish();
    assert_eq!(ran, Ran::ok("Fine.\n"));
}
