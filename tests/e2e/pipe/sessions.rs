//! `-s NAME`, `-c` and `--model`: which conversation a question belongs to, and who answers it.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{Reply, Script};

use crate::fixture::Fixture;
use crate::process::{Ran, Stdin, command, run, said_in};

fn ask(fixture: &Fixture, args: &[&str], stdin: &str) -> Ran {
    run(&fixture.home, args, Stdin::Text(stdin))
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(role, text)| ((*role).to_owned(), (*text).to_owned()))
        .collect()
}

fn three_answers() -> Script {
    Script::replies([
        Reply::text("Hello, Bob."),
        Reply::text("Bob."),
        Reply::text("Still Bob."),
    ])
}

#[test]
fn the_second_question_of_a_session_carries_the_first_turn() {
    let fixture = Fixture::start(three_answers());
    assert_eq!(
        ask(&fixture, &["-s", "demo"], "My name is Bob."),
        Ran::ok("Hello, Bob.\n")
    );
    assert_eq!(
        ask(&fixture, &["-s", "demo"], "What is my name?"),
        Ran::ok("Bob.\n")
    );
    assert_eq!(ask(&fixture, &["-c"], "And now?"), Ran::ok("Still Bob.\n"));
    let requests = fixture.server.requests();
    let turns = [
        ("user", "My name is Bob."),
        ("assistant", "Hello, Bob."),
        ("user", "What is my name?"),
        ("assistant", "Bob."),
        ("user", "And now?"),
    ];
    assert_eq!(requests.len(), 3);
    assert_eq!(said_in(&requests[0]), pairs(&turns[..1]));
    assert_eq!(said_in(&requests[1]), pairs(&turns[..3]));
    assert_eq!(said_in(&requests[2]), pairs(&turns));
    let sessions = command(&fixture.home, &["--json", "session", "list"]).json();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
    assert_eq!(sessions[0]["title"], "demo");
}

#[test]
fn questions_without_a_session_know_nothing_of_each_other() {
    let fixture = Fixture::start(three_answers());
    let first = ask(&fixture, &["--json"], "My name is Bob.").json();
    let second = ask(&fixture, &["--json"], "What is my name?").json();
    assert_ne!(first["session_id"], second["session_id"]);
    let requests = fixture.server.requests();
    assert_eq!(
        said_in(&requests[1]),
        pairs(&[("user", "What is my name?")])
    );
    // A session is found by its id as well.
    let id = first["session_id"].as_str().unwrap();
    let third = ask(&fixture, &["--json", "-s", id], "And now?").json();
    assert_eq!(third["session_id"], id);
    assert_eq!(
        said_in(&fixture.server.requests()[2]),
        pairs(&[
            ("user", "My name is Bob."),
            ("assistant", "Hello, Bob."),
            ("user", "And now?")
        ])
    );
}

#[test]
fn sessions_survive_the_daemon() {
    let mut fixture = Fixture::start(three_answers());
    ask(&fixture, &["-s", "demo"], "My name is Bob.");
    fixture.daemon.terminate();
    assert_eq!(
        ask(&fixture, &["-s", "demo"], "What is my name?"),
        Ran::ok("Bob.\n")
    );
    assert_eq!(said_in(&fixture.server.requests()[1]).len(), 3);
}

#[test]
fn continuing_needs_a_session() {
    let fixture = Fixture::start(three_answers());
    ask(&fixture, &["-c"], "q").assert_error(4, &["there is no session to continue", "-c"]);
    ask(&fixture, &["-c", "-s", "demo"], "q").assert_error(2, &["cannot be used with"]);
    assert_eq!(fixture.server.requests(), []);
}

#[test]
fn a_model_of_one_question_is_nobody_elses() {
    let fixture = Fixture::start(three_answers());
    let models = |fixture: &Fixture| -> Vec<String> {
        let requests = fixture.server.requests();
        requests
            .iter()
            .map(|request| request.body["model"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ask(&fixture, &["--model", "test:other"], "q").code, 0);
    assert_eq!(ask(&fixture, &[], "q").code, 0);
    assert_eq!(models(&fixture), ["other", "test-model"]);
    // Names of models hold colons too: what names no provider is a model of the default one.
    assert_eq!(ask(&fixture, &["--model", "qwen3:8b"], "q").code, 0);
    assert_eq!(models(&fixture), ["other", "test-model", "qwen3:8b"]);
}

#[test]
fn a_provider_that_does_not_exist_is_not_found() {
    let home = TestHome::new();
    let ran = run(&home, &["--model", "nope:other"], Stdin::Text("q"));
    ran.assert_error(
        4,
        &["there is no provider `nope`", "mesoclaw provider list"],
    );
}
