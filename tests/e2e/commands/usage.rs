//! `usage`: by day, session, model and job; the line below an answer; budgets.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script, Step};
use mesoclaw_testkit::pty::Pty;
use serde_json::json;

use crate::process::{Stdin, command, mesoclaw, run};

fn server() -> ModelServer {
    ModelServer::start_blocking(Script::always([
        Step::Text("Fine.".to_owned()),
        Step::Usage {
            prompt_tokens: 1000,
            completion_tokens: 100,
            cached_tokens: 200,
        },
    ]))
}

/// A home whose default model costs 2 and 10 dollars for a million tokens.
fn priced(server: &ModelServer, more: &str) -> TestHome {
    let home = TestHome::new();
    home.write_config(&format!(
        "provider_name = \"test\"\nprovider_base_url = \"{}\"\n\
         provider_model_id = \"test-model\"\n{more}",
        server.base_url()
    ));
    let words = "provider model-add test test-model --price-input 2 --price-output 10";
    let words: Vec<&str> = words.split(' ').collect();
    command(&home, &words).assert_ok();
    home
}

/// Waits until a line can be typed in a chat.
fn wait_for_prompt(pty: &Pty) {
    pty.wait_for("prompt", |screen| {
        screen.contents().trim_end().ends_with("\n>")
    });
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn usage_is_grouped_and_priced() {
    let server = server();
    let home = priced(&server, "");
    for session in ["one", "one", "two"] {
        let ran = run(&home, &["-s", session], Stdin::Text("hello"));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    // What runs on this machine costs nothing.
    let ran = run(&home, &["--model", "test:free"], Stdin::Text("hello"));
    assert_eq!(ran.code, 0, "{ran:?}");

    let ran = command(&home, &["usage"]);
    let text = ran.assert_ok();
    let lines: Vec<Vec<&str>> = text.lines().map(words).collect();
    assert_eq!(
        lines[0],
        [
            "MODEL", "CALLS", "IN", "CACHED", "OUT", "THINKING", "COST", "FIRST", "WHOLE"
        ]
    );
    assert_eq!(
        lines[1][..7],
        ["test:test-model", "3", "3000", "600", "300", "0", "$0.0090"]
    );
    assert_eq!(
        lines[2][..7],
        ["test:free", "1", "1000", "200", "100", "0", "$0.00"]
    );
    assert_eq!(
        lines[3][..7],
        ["total", "4", "4000", "800", "400", "0", "$0.0090"]
    );
    assert!(text.contains("no budget is set"), "{text}");

    let ran = command(&home, &["usage", "--by", "session"]);
    let text = ran.assert_ok();
    assert!(text.starts_with("SESSION"), "{text}");
    let one = text.lines().find(|line| line.starts_with("one")).unwrap();
    assert_eq!(
        words(one)[1..7],
        ["2", "2000", "400", "200", "0", "$0.0060"]
    );
    let ran = command(&home, &["usage", "--by", "day", "--days", "1"]);
    let text = ran.assert_ok();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("DAY"), "{text}");
    let jobs = command(&home, &["--json", "usage", "--by", "job"]).json();
    assert_eq!(jobs["groups"], json!([]));
    let one = command(&home, &["--json", "usage", "--session", "one"]).json();
    assert_eq!(
        (&one["total"]["model_calls"], &one["total"]["cost_microusd"]),
        (&json!(2), &json!(6000))
    );
    command(&home, &["usage", "--by", "hour"]).assert_error(2, &["hour"]);
    command(&home, &["usage", "--days", "0"]).assert_error(2, &["days"]);
}

#[test]
fn what_a_turn_cost_stands_below_its_answer() {
    let server = server();
    let home = priced(&server, "");
    let answer = run(&home, &["--json"], Stdin::Text("hello")).json();
    assert_eq!(answer["cost"], json!({"microusd": 3000, "is_least": false}));
    let pty = Pty::spawn(&mesoclaw(&home, &["chat"]), 40, 120);
    let say = |line: &str, expected: &str| {
        wait_for_prompt(&pty);
        pty.write(line);
        pty.write("\r");
        pty.wait_for_text(expected);
    };
    say("hello", "(1000 tokens in, 100 out, $0.0030)");
    say(
        "/usage",
        "session: in 1000 (200 cached), out 100 tokens, 1 model calls, $0.0030",
    );
    pty.wait_for_text("2200 tokens, $0.0060; no budget is set");
    say("/model test:free", "(model test:free from here on)");
    wait_for_prompt(&pty);
    pty.write("\x04");
    pty.wait_for_exit();
    // It belongs to the session, not to the chat that ended.
    let list = command(&home, &["--json", "session", "list"]).json();
    assert_eq!(list[0]["model"], "test:free");
}

#[test]
fn the_model_of_a_session_is_chosen() {
    let server = server();
    let home = priced(&server, "");
    run(&home, &["-s", "one"], Stdin::Text("hello")).assert_ok();
    let model = |args: &[&str]| {
        let mut words = vec!["session", "model", "one"];
        words.extend(args);
        command(&home, &words).assert_ok().to_owned()
    };
    assert_eq!(model(&[]), "the default model\n");
    assert_eq!(model(&["test:other"]), "test:other answers in one\n");
    assert_eq!(model(&[]), "test:other\n");
    run(&home, &["-s", "one"], Stdin::Text("hello")).assert_ok();
    assert_eq!(model(&["--unset"]), "the default model answers in one\n");
    run(&home, &["-s", "one"], Stdin::Text("hello")).assert_ok();
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.body["model"].clone())
        .collect();
    assert_eq!(asked, ["test-model", "other", "test-model"]);
}

#[test]
fn a_budget_warns_and_ends_with_its_code() {
    let server = server();
    let home = priced(&server, "budget_daily_tokens = 2000\n");
    for _ in 0..2 {
        let ran = run(&home, &[], Stdin::Text("hello"));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = run(&home, &[], Stdin::Text("hello"));
    ran.assert_error(8, &["budget", "mesoclaw usage", "budget_daily_tokens"]);
    assert_eq!(ran.stdout, "");
    assert_eq!(server.requests().len(), 2);
    let ran = command(&home, &["usage"]);
    let text = ran.assert_ok();
    assert!(
        text.contains("2200 of 2000 tokens (110 %); nothing more is asked today"),
        "{text}"
    );
}
