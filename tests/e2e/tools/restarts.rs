//! A daemon that dies while a question waits: the question is still there, its answer takes the turn
//! up again, the call runs once. And what is approved must still be what was looked at.

use std::fs;

use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::approval::{Answer, Approval};

use crate::desk::{Desk, Talk, commands, make_executable};

/// A command that leaves a line each time it runs.
const COUNTED: &str = "echo ran >> log.txt";

/// Asks for a call, kills the daemon while the question waits, and starts it again.
fn killed_while_asking(desk: &mut Desk) -> (Talk, Approval) {
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    desk.fixture.daemon.kill9();
    desk.fixture.daemon.restart();
    let waiting = desk.json(&["approval", "list"]);
    assert_eq!(waiting.as_array().unwrap().len(), 1, "{waiting}");
    assert_eq!(waiting[0]["id"], approval.id.as_str());
    (desk.talk_of(talk.session_id), approval)
}

#[test]
fn a_question_survives_a_kill_and_its_call_runs_once() {
    let mut desk = Desk::new(commands([COUNTED]));
    let (mut talk, approval) = killed_while_asking(&mut desk);
    let ran = desk.run(&["approval", "allow", approval.id.as_str()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    let result = talk.last_result();
    assert!(result.ran && result.success, "{result:?}");
    assert_eq!(desk.read("log.txt").as_deref(), Some("ran\n"));
    // Neither the same answer again nor another restart runs it again.
    assert_ne!(
        desk.run(&["approval", "allow", approval.id.as_str()]).code,
        0
    );
    desk.fixture.daemon.kill9();
    desk.fixture.daemon.restart();
    let mut talk = desk.talk_of(talk.session_id);
    assert_eq!(talk.last_result().tool, "shell");
    assert_eq!(desk.read("log.txt").as_deref(), Some("ran\n"));
    assert_eq!(desk.run(&["audit", "verify"]).code, 0);
}

#[test]
fn a_question_that_is_denied_after_a_kill_runs_nothing() {
    let mut desk = Desk::new(commands([COUNTED]));
    let (mut talk, approval) = killed_while_asking(&mut desk);
    let args = [
        "approval",
        "deny",
        approval.id.as_str(),
        "--reason",
        "not that",
    ];
    assert_eq!(desk.run(&args).code, 0);
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert_eq!(desk.read("log.txt"), None);
    assert!(talk.last_result().output.contains("not that"));
}

#[test]
fn a_program_that_changed_after_the_kill_does_not_run() {
    let mut desk = Desk::new(commands(["./tool.sh"]));
    desk.write_program("tool.sh", "#!/bin/sh\necho good >> log.txt\n");
    let (mut talk, approval) = killed_while_asking(&mut desk);
    desk.write_program("tool.sh", "#!/bin/sh\necho evil >> log.txt\n");
    assert_eq!(
        desk.run(&["approval", "allow", approval.id.as_str()]).code,
        0
    );
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert_changed(&mut talk);
    assert_eq!(desk.read("log.txt"), None);
}

fn assert_changed(talk: &mut Talk) {
    let result = talk.last_result();
    assert!(!result.success, "{result:?}");
    assert!(result.output.contains("changed"), "{result:?}");
}

#[test]
fn a_program_that_was_swapped_for_another_does_not_run() {
    let desk = Desk::new(commands(["./tool.sh"]));
    desk.write_program("tool.sh", "#!/bin/sh\necho good >> log.txt\n");
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    // Same length, same place, other content.
    let swapped = desk.work().join("swapped");
    fs::write(&swapped, "#!/bin/sh\necho evil >> log.txt\n").unwrap();
    make_executable(&swapped);
    fs::rename(&swapped, desk.work().join("tool.sh")).unwrap();
    talk.answer(&approval, Answer::Approve).unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert_changed(&mut talk);
    assert_eq!(desk.read("log.txt"), None);
}

#[test]
fn a_directory_that_became_a_link_is_not_written_through() {
    let desk = Desk::new(crate::desk::calls([(
        "file_write",
        serde_json::json!({"path": "sub/a.txt", "content": "x"}),
        "Done.",
    )]));
    fs::create_dir(desk.work().join("sub")).unwrap();
    let outside = desk.home().join("outside");
    fs::create_dir(&outside).unwrap();
    let mut talk = desk.talk();
    talk.say("go");
    let approval = talk.asked();
    fs::remove_dir(desk.work().join("sub")).unwrap();
    std::os::unix::fs::symlink(&outside, desk.work().join("sub")).unwrap();
    talk.answer(&approval, Answer::Approve).unwrap();
    assert_eq!(talk.finished(), TurnOutcome::Completed);
    assert!(!talk.last_result().success);
    assert!(!outside.join("a.txt").exists());
}
