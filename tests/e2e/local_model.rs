//! The embedded engine with the real model, as a person uses it.

use std::time::{Duration, Instant};

use mesoclaw_testkit::home::TestHome;
use serde_json::{Value, json};

use crate::fixture::until;
use crate::process::{Ran, Running, Stdin, command, mesoclaw, run};
use crate::weights::{MODEL, home_with_model};

fn ask(home: &TestHome, args: &[&str], text: &str) -> Ran {
    let ran = run(home, args, Stdin::Text(text));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

fn loaded(home: &TestHome) -> Value {
    command(home, &["--json", "daemon", "status"]).json()["model_loaded"].clone()
}

#[test]
fn a_real_model_answers_remembers_and_is_unloaded() {
    let home = home_with_model();
    assert_eq!(loaded(&home), Value::Null);
    let prompt = "Say hello to Ada in one short sentence.";
    let ran = ask(&home, &[], prompt);
    assert!(
        ran.stdout.trim().len() > 1 && ran.stdout.ends_with('\n'),
        "{ran:?}"
    );
    assert_eq!(loaded(&home), MODEL);

    let first = ask(
        &home,
        &["--json", "-s", "demo"],
        "My name is Ada. Answer in a few words.",
    )
    .json();
    let second = ask(&home, &["--json", "-s", "demo"], "What is my name?").json();
    assert_eq!(first["model"], format!("local:{MODEL}"));
    assert_eq!(first["session_id"], second["session_id"]);
    let usage = |report: &Value, name: &str| report["usage"][name].as_u64().expect("a number");
    assert!(usage(&second, "input_tokens") > usage(&first, "input_tokens"));
    // The second turn begins with all of the first; only what is new is read.
    assert!(
        usage(&second, "cached_tokens") >= usage(&first, "input_tokens") - 1,
        "{first} {second}"
    );
    assert!(usage(&first, "output_tokens") > 0 && usage(&second, "output_tokens") > 0);

    // After a second without work the memory is given back.
    let ran = command(&home, &["config", "set", "local_idle_unload_secs", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ask(&home, &[], "Say yes.");
    until("unloaded model", || {
        (loaded(&home) == Value::Null).then_some(())
    });
    // And it comes back when it is needed.
    ask(&home, &[], "Say no.");
}

#[test]
fn a_long_answer_is_stopped_at_once() {
    let home = home_with_model();
    ask(&home, &[], "Say yes.");
    let prompt = "Write a very long story about a ship. Count every wave from 1 to 10000.";
    let begin = Instant::now();
    let ran = run(&home, &["--timeout", "1"], Stdin::Text(prompt));
    let took = begin.elapsed();
    if ran.code == 124 {
        ran.assert_error(124, &["there was no complete answer within 1 s"]);
        // Generous: the machine may be busy. What counts is that it is not the whole answer.
        assert!(took < Duration::from_secs(10), "{took:?}");
    } else {
        // A model of this size may be done within a second; then there was nothing to stop.
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    until("idle daemon", || {
        let status = command(&home, &["--json", "daemon", "status"]).json();
        (status["running_turns"] == 0).then_some(())
    });
    ask(&home, &[], "Say yes.");
}

#[test]
fn an_interrupted_answer_stops_the_engine() {
    let home = home_with_model();
    let running = Running::start(
        &mut mesoclaw(&home, &["--stream-json"]),
        Stdin::Text("Write a long story about a ship."),
    );
    running.wait_for_stdout("\"type\":\"text\"");
    running.signal(rustix::process::Signal::INT);
    let ran = running.finish();
    assert_eq!(ran.code, 130, "{ran:?}");
    let status = command(&home, &["--json", "daemon", "status"]).json();
    assert_eq!(status["running_turns"], 0);
}

#[test]
fn a_model_that_is_installed_is_set_up_without_a_network() {
    let home = home_with_model();
    assert_eq!(
        command(&home, &["config", "unset", "provider_name"]).code,
        0
    );
    assert_eq!(
        command(&home, &["config", "unset", "provider_model_id"]).code,
        0
    );
    assert_eq!(command(&home, &["provider", "default"]).code, 6);
    command(&home, &["daemon", "stop"]);
    for note in [
        format!("the default model is local:{MODEL}"),
        format!("local:{MODEL} is set up already"),
    ] {
        let mut setup = mesoclaw(&home, &["setup", "--local"]);
        // Nothing that could fetch anything is found, and no proxy answers.
        setup
            .env("PATH", "")
            .env("https_proxy", "http://127.0.0.1:9")
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        let ran = Running::start(&mut setup, Stdin::Null).finish();
        ran.assert_error(0, &[&note]);
        assert_eq!(ran.stdout, "", "it prints nothing where an answer would be");
    }
    let default = command(&home, &["--json", "provider", "default"]).json();
    assert_eq!(default, json!({"provider_id": "local", "model_id": MODEL}));
    ask(&home, &[], "Say yes.");
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let home = TestHome::new();
    let ran = command(&home, &["provider", "default", "local", MODEL]);
    let ran = if ran.code == 0 {
        run(&home, &[], Stdin::Text("hello"))
    } else {
        ran
    };
    assert_ne!(ran.code, 0);
    assert!(
        ran.stderr.contains(&format!("mesoclaw model pull {MODEL}")),
        "{ran:?}"
    );
}
