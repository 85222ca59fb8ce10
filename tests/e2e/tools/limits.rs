//! A model that goes round in circles is stopped, with a reason.

use mesoclaw_testkit::model_server::{Reply, Script, Step};
use serde_json::json;

use crate::desk::{Desk, commands};

/// A model that never stops calling: what it calls depends on the number of the call.
fn endless(calls: impl Fn(usize) -> (&'static str, serde_json::Value)) -> Script {
    Script::replies((0..100).map(|n| {
        let (tool, args) = calls(n);
        Reply::new([Step::tool_call(&format!("c{n}"), tool, &args)])
    }))
}

#[test]
fn a_model_that_repeats_itself_is_stopped() {
    for (script, reason) in [
        (
            endless(|_| ("shell", json!({"command": "ls"}))),
            "the same call",
        ),
        (
            endless(|n| {
                (
                    "shell",
                    json!({"command": if n % 2 == 0 { "ls" } else { "pwd" }}),
                )
            }),
            "back and forth",
        ),
        (endless(|_| ("make_coffee", json!({}))), "do not exist"),
        (
            endless(|n| ("file_read", json!({"path": "none", "max_lines": n + 1}))),
            "same error",
        ),
    ] {
        let desk = Desk::with(script, "agent_max_turns = 50\n");
        let ran = desk.run(&["go"]);
        ran.assert_error(8, &[reason]);
        assert!(desk.fixture.server.requests().len() < 12, "{reason}");
        desk.fixture.assert_no_panic();
    }
}

#[test]
fn a_model_that_never_ends_is_stopped() {
    let desk = Desk::with(
        endless(|n| ("shell", json!({"command": format!("echo {n}")}))),
        "agent_max_turns = 7\n",
    );
    let ran = desk.run(&["go"]);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert_eq!(desk.fixture.server.requests().len(), 7);
}

#[test]
fn no_more_calls_begin_than_allowed_in_a_while() {
    let desk = Desk::with(
        endless(|n| ("shell", json!({"command": format!("echo {n}")}))),
        "security_rate_limit_max = 5\nsecurity_rate_limit_window_secs = 3600\nagent_max_turns = 50\n",
    );
    let ran = desk.run(&["go"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    let given = desk.given();
    let done = given
        .iter()
        .filter(|text| text.contains("</untrusted"))
        .count();
    assert_eq!(done, 5, "{given:?}");
}

#[test]
fn arguments_that_are_no_json_are_repaired_or_reported() {
    let broken = |arguments: &str| Step::ToolCallDelta {
        index: 0,
        id: Some("c0".to_owned()),
        name: Some("shell".to_owned()),
        arguments: Some(arguments.to_owned()),
    };
    for arguments in [
        "{\"command\": \"ls",
        "",
        "[1]",
        "null",
        "{\"command\": 5}",
        "{\"x\": 1}",
    ] {
        let desk = Desk::new(Script::replies([
            Reply::new([broken(arguments)]),
            Reply::text("Sorry."),
        ]));
        let ran = desk.run(&["go"]);
        assert_eq!(ran.stdout, "Sorry.\n", "{arguments:?}: {ran:?}");
        desk.fixture.assert_no_panic();
    }
}

#[test]
fn a_command_that_never_ends_is_ended() {
    let desk = Desk::with(
        commands(["yes | tail -n 1"]),
        "tool_shell_timeout_secs = 1\n",
    );
    let mut talk = desk.talk();
    talk.say_and("go", mesoclaw_api::ops::approval::Answer::Approve);
    let result = talk.last_result();
    assert!(!result.success, "{result:?}");
    desk.fixture.assert_no_panic();
}
