//! Where nobody can be asked, nothing is asked: the call is denied, the answer is printed, and the
//! exit code says so.

use mesoclaw_api::ops::approval::Answer;
use serde_json::json;

use crate::desk::{Desk, commands};

#[test]
fn a_pipe_denies_what_would_ask() {
    let desk = Desk::new(commands(["rm -r build"]));
    desk.write("build/a", "x");
    let ran = desk.run(&["clean up"]);
    assert_eq!(ran.stdout, "Done.\n", "{ran:?}");
    ran.assert_error(
        5,
        &[
            "a tool call was denied",
            "rm -r build",
            "mesoclaw policy test",
        ],
    );
    assert_eq!(desk.read("build/a").as_deref(), Some("x"));
    assert_eq!(desk.json(&["approval", "list"]), json!([]));
    let given = desk.given();
    assert!(given[0].contains("(rule "), "the rule is named: {given:?}");
}

#[test]
fn a_pipe_tells_programs_what_was_denied() {
    let desk = Desk::new(commands(["rm -r build"]));
    desk.write("build/a", "x");
    let ran = desk.run(&["--json", "clean up"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert_eq!(ran.json()["response"], "Done.", "{ran:?}");
    let ran = desk.run(&["--stream-json", "clean up"]);
    assert!(ran.code == 0 || ran.code == 5, "{ran:?}");
}

#[test]
fn what_is_forbidden_is_forbidden_for_a_person_too() {
    let desk = Desk::with(
        commands(["sudo id", "rm -rf ~", "rm -rf /"]),
        "security_autonomy_level = \"autonomous\"\n",
    );
    desk.write("a", "x");
    let mut talk = desk.talk();
    for _ in 0..3 {
        talk.say_unasked("go");
        let result = talk.last_result();
        assert!(!result.ran && !result.success, "{result:?}");
        assert!(result.output.contains("rule "), "{result:?}");
    }
    assert_eq!(desk.read("a").as_deref(), Some("x"));
}

#[test]
fn levels_decide_what_asks() {
    // What asks at each level: looking, changing the workspace, deleting, looking outside.
    let lines = ["ls", "touch new", "rm -r old", "cat ../outside.txt"];
    for (level, asks) in [
        ("strict", [false, true, true, true]),
        ("supervised", [false, true, true, true]),
        ("autonomous", [false, false, true, false]),
        // Words of another system, with their meaning here.
        ("readonly", [false, true, true, true]),
        ("full", [false, false, true, false]),
    ] {
        let config = format!("security_autonomy_level = \"{level}\"\n");
        let desk = Desk::with(commands(lines), &config);
        desk.write("old/a", "x");
        crate::desk::put(&desk.home().join("outside.txt"), "outside");
        let mut talk = desk.talk();
        for (line, must_ask) in lines.into_iter().zip(asks) {
            let (asked, _) = talk.say_and("go", Answer::Deny);
            assert_eq!(!asked.is_empty(), must_ask, "{level}: {line}");
        }
    }
}

#[test]
fn a_broad_directory_is_no_workspace() {
    let desk = Desk::new(commands(["ls"]));
    let home = desk.home().to_owned();
    let mut talk = desk.talk_in(&home);
    let (asked, _) = talk.say_and("go", Answer::Deny);
    assert_eq!(asked.len(), 1, "{:?}", talk.results());
}
