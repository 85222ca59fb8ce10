//! What others do in the session, and what becomes of the chat when the daemon goes.

use mesoclaw_testkit::model_server::{Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;

use super::{leave, lines, open, say, type_line, wait_for_prompt};
use crate::fixture::{Fixture, until};
use crate::process::{Ran, Stdin, command, mesoclaw, run, said_in};

#[test]
fn messages_of_another_client_are_shown() {
    let fixture = Fixture::start(Script::replies([
        Reply::text("Fine."),
        Reply::text("Fine as well."),
    ]));
    let pty = open(&fixture, &["-s", "demo"]);
    say(&pty, "from here", "meso: Fine.");
    pty.write("half a li");
    pty.wait_for_text("> half a li");
    let ran = run(
        &fixture.home,
        &["-s", "demo"],
        Stdin::Text("from elsewhere"),
    );
    assert_eq!(ran, Ran::ok("Fine as well.\n"));
    pty.wait_for_text("meso: Fine as well.");
    // What is being typed is left alone.
    pty.wait_for("the line again", |screen| {
        screen.contents().trim_end().ends_with("> half a li")
    });
    assert_eq!(
        lines(&pty)[2..],
        [
            "> from here",
            "meso: Fine.",
            "> from elsewhere",
            "meso: Fine as well.",
            "> half a li",
        ]
    );
}

#[test]
fn other_sessions_are_not_shown() {
    let fixture = Fixture::start(Script::always([Step::Echo]));
    let pty = open(&fixture, &["-s", "demo"]);
    say(&pty, "from here", "meso: from here");
    run(
        &fixture.home,
        &["-s", "other"],
        Stdin::Text("from elsewhere"),
    );
    run(&fixture.home, &["-s", "demo"], Stdin::Text("the last"));
    pty.wait_for_text("meso: the last");
    assert!(
        !pty.screen_text().contains("elsewhere"),
        "{}",
        pty.screen_text()
    );
    leave(&pty);
}

#[test]
fn a_turn_that_runs_is_taken_up() {
    let fixture = Fixture::start(Script::always([
        Step::Text("Half ".to_owned()),
        Step::Stall(60_000),
    ]));
    let pty = open(&fixture, &["-s", "demo"]);
    type_line(&pty, "go");
    pty.wait_for_text("meso: Half");
    // What a client that comes later sees is what is stored, within a quarter of a second.
    until("stored text", || {
        let shown = command(&fixture.home, &["session", "show", "demo"]);
        shown.stdout.contains("meso: Half").then_some(())
    });
    let second = Pty::spawn(&mesoclaw(&fixture.home, &["chat", "-s", "demo"]), 24, 80);
    second.wait_for_text("(a turn runs in this session)");
    second.wait_for_text("meso: Half");
    // Either of the two may stop it; both learn of it.
    second.write("\x03");
    second.wait_for_text("(stopped; /continue goes on)");
    pty.wait_for_text("(stopped; /continue goes on)");
}

#[test]
fn an_interrupted_answer_is_said_so_and_continued() {
    let mut fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("Half ".to_owned()), Step::Stall(60_000)]),
        Reply::text("the rest."),
    ]));
    let pty = open(&fixture, &["-s", "demo"]);
    type_line(&pty, "go");
    pty.wait_for_text("meso: Half");
    fixture.daemon.kill9();
    pty.wait_for_text("lost the connection to the daemon; connecting again");
    pty.wait_for_text("interrupted: the daemon ended in the middle of this answer");
    wait_for_prompt(&pty);
    // Whoever comes later is told too.
    let second = open(&fixture, &["-s", "demo"]);
    second.wait_for_text("interrupted: the daemon ended in the middle of this answer");
    leave(&second);
    say(&pty, "/continue", "the rest.");
    assert_eq!(said_in(&fixture.server.requests()[1])[0].1, "go");
    pty.write("\x04");
    pty.wait_for_exit();
    let list = command(&fixture.home, &["--json", "session", "list"]).json();
    assert_eq!(list[0]["state"], "idle");
}

#[test]
fn a_daemon_that_comes_back_is_found_again() {
    let mut fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &["-s", "demo"]);
    say(&pty, "one", "meso: Fine.");
    fixture.daemon.kill9();
    pty.wait_for_text("(lost the connection to the daemon; connecting again)");
    fixture.daemon.restart();
    pty.wait_for_text("(connected again)");
    wait_for_prompt(&pty);
    type_line(&pty, "two");
    pty.wait_for("a second answer", |screen| {
        screen.contents().matches("meso: Fine.").count() == 2
    });
    assert_eq!(said_in(&fixture.server.requests()[1]).len(), 3);
}

#[test]
fn a_message_starts_the_daemon_again() {
    let mut fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &["-s", "demo"]);
    fixture.daemon.terminate();
    pty.wait_for_text("(lost the connection to the daemon; connecting again)");
    wait_for_prompt(&pty);
    say(&pty, "hello", "meso: Fine.");
    leave(&pty);
}

#[test]
fn an_error_is_told_and_the_chat_goes_on() {
    let fixture = Fixture::start(Script::replies([Reply::status(401), Reply::text("Fine.")]));
    let pty = open(&fixture, &[]);
    say(&pty, "one", "error: ");
    assert!(pty.screen_text().contains("401"), "{}", pty.screen_text());
    say(&pty, "two", "meso: Fine.");
    leave(&pty);
}

#[test]
fn a_deleted_session_is_left() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &["-s", "demo"]);
    say(&pty, "one", "meso: Fine.");
    command(&fixture.home, &["session", "delete", "--yes", "demo"]);
    pty.wait_for_text("(this session was deleted; the next message begins a new one)");
    wait_for_prompt(&pty);
    type_line(&pty, "two");
    pty.wait_for("a second answer", |screen| {
        screen.contents().matches("meso: Fine.").count() == 2
    });
    wait_for_prompt(&pty);
    leave(&pty);
    assert_eq!(said_in(&fixture.server.requests()[1]).len(), 1);
}
