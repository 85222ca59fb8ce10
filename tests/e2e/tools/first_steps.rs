//! The first things somebody tries.

use mesoclaw_testkit::pty::Pty;
use serde_json::json;

use crate::chat::{leave, type_line, wait_for_prompt};
use crate::desk::{Desk, calls, given_in, wait_for_question};

const HAIKU: &str = "An old silent pond\nA frog jumps into the pond\nSplash! Silence again\n";

fn haiku_writer() -> Desk {
    Desk::new(calls([(
        "file_write",
        json!({"path": "poem.txt", "content": HAIKU}),
        "It is in poem.txt.",
    )]))
}

/// Opens a chat, says something and waits for the question it leads to.
fn ask(desk: &Desk, text: &str) -> Pty {
    let pty = desk.chat(&["-s", "demo"]);
    type_line(&pty, text);
    wait_for_question(&pty, 0);
    pty
}

/// Answers, waits for the end of the turn, and leaves.
fn answer(pty: &Pty, choice: &str, end: &str) {
    type_line(pty, choice);
    pty.wait_for_text(end);
    wait_for_prompt(pty);
}

#[test]
fn files_are_listed_in_a_pipe_without_a_question() {
    for (tool, args) in [
        ("file_list", json!({"path": "."})),
        ("shell", json!({"command": "ls"})),
        ("shell", json!({"command": "ls -la | head -n 20"})),
    ] {
        let desk = Desk::new(calls([(tool, args, "There are two.")]));
        desk.write("a.txt", "one");
        desk.write("b.txt", "two");
        let ran = desk.run(&["list the files here"]);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (0, "There are two.\n"),
            "{ran:?}"
        );
        let given = desk.given();
        assert_eq!(given.len(), 1, "{given:?}");
        assert!(
            given[0].contains("a.txt") && given[0].contains("b.txt"),
            "{given:?}"
        );
        assert!(given[0].starts_with("<untrusted id=\""), "{given:?}");
        desk.fixture.assert_no_panic();
    }
}

#[test]
fn a_file_is_written_after_a_yes_and_undone() {
    let desk = haiku_writer();
    let pty = ask(&desk, "write a haiku into poem.txt");
    let screen = pty.screen_text();
    for part in [
        "approval needed: file_write   risk medium",
        "poem.txt",
        "+An old silent pond",
        "1 allow once",
        "5 deny",
    ] {
        assert!(screen.contains(part), "no {part:?} in\n{screen}");
    }
    assert_eq!(desk.read("poem.txt"), None);
    answer(&pty, "1", "meso: It is in poem.txt.");
    assert_eq!(desk.read("poem.txt").as_deref(), Some(HAIKU));
    leave(&pty);

    let ran = desk.run(&["undo"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("poem.txt"), "{ran:?}");
    assert_eq!(desk.read("poem.txt"), None);
    assert_eq!(desk.run(&["undo"]).code, 4);
    desk.fixture.assert_no_panic();
}

#[test]
fn a_file_that_was_there_is_shown_as_a_difference() {
    let desk = haiku_writer();
    desk.write("poem.txt", "An old silent pond\nNothing happens\n");
    let pty = ask(&desk, "write a haiku into poem.txt");
    let screen = pty.screen_text();
    for part in [
        "-Nothing happens",
        "+A frog jumps into the pond",
        " An old silent pond",
    ] {
        assert!(screen.contains(part), "no {part:?} in\n{screen}");
    }
    answer(&pty, "1", "meso: It is in poem.txt.");
    leave(&pty);
}

#[test]
fn a_no_with_a_reason_reaches_the_model() {
    for (choice, reason) in [
        ("5 poems go into poems/", "poems go into poems/"),
        ("", "denied"),
    ] {
        let desk = haiku_writer();
        let pty = ask(&desk, "write a haiku into poem.txt");
        answer(&pty, choice, "meso: It is in poem.txt.");
        let given = desk.given();
        assert!(given[0].contains(reason), "{given:?}");
        assert_eq!(desk.read("poem.txt"), None);
    }
}

#[test]
fn nothing_but_a_choice_lets_something_run() {
    let desk = haiku_writer();
    let pty = ask(&desk, "write a haiku into poem.txt");
    let mut questions = 1;
    for nothing in ["yes", "11", "1 please", "y", "0", "7"] {
        type_line(&pty, nothing);
        questions = wait_for_question(&pty, questions);
        assert_eq!(desk.read("poem.txt"), None, "{nothing}");
    }
    answer(&pty, "5", "meso: It is in poem.txt.");
    assert_eq!(desk.read("poem.txt"), None);
}

#[test]
fn the_tests_of_a_project_are_run_after_a_yes() {
    let desk = Desk::new(calls([(
        "shell",
        json!({"command": "./run-tests.sh"}),
        "Two passed.",
    )]));
    desk.write_program(
        "run-tests.sh",
        "#!/bin/sh\necho one ok\necho two ok\necho noise >&2\n",
    );
    let pty = ask(&desk, "run the tests");
    let screen = pty.screen_text();
    assert!(
        screen.contains("risk high") && screen.contains("run-tests.sh"),
        "{screen}"
    );
    answer(&pty, "1", "meso: Two passed.");
    leave(&pty);
    let requests = desk.fixture.server.requests();
    let given = given_in(requests.last().unwrap());
    assert!(given[0].contains("one ok\ntwo ok"), "{given:?}");
}
