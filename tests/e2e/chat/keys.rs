//! Typing: lines, their history, Ctrl-C and Ctrl-D.

use std::os::unix::fs::PermissionsExt;

use mesoclaw_testkit::model_server::{Ending, Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;
use rustix::process::{Pid, Signal, kill_process};

use super::{leave, lines, open, say, type_line, wait_for_prompt};
use crate::fixture::{Fixture, numbers};
use crate::process::{command, mesoclaw, prompt_of, said_in};

#[test]
fn a_conversation_is_said_once_and_remembered() {
    let mut fixture = Fixture::start(Script::replies([
        Reply::text("Hello, Ada."),
        Reply::text("Ada, I think."),
    ]));
    let pty = open(&fixture, &[]);
    say(&pty, "My name is Ada.", "meso: Hello, Ada.");
    say(&pty, "Who am I?", "meso: Ada, I think.");
    let mut shown = lines(&pty);
    let place = shown.remove(1);
    assert!(place.starts_with("workspace: /"), "{place}");
    assert_eq!(
        shown,
        [
            "mesoclaw: new session (test:test-model). ? help, /detach leaves it running",
            "> My name is Ada.",
            "meso: Hello, Ada.",
            "> Who am I?",
            "meso: Ada, I think.",
            ">",
        ]
    );
    leave(&pty);
    assert!(fixture.daemon.is_running());
    let second = said_in(&fixture.server.requests()[1]);
    let texts: Vec<&str> = second.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["My name is Ada.", "Hello, Ada.", "Who am I?"]);
    fixture.assert_no_panic();
}

#[test]
fn the_program_alone_on_a_terminal_is_a_chat() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = Pty::spawn(&mesoclaw(&fixture.home, &["-s", "demo"]), 24, 80);
    pty.wait_for_text("mesoclaw: session demo (test:test-model)");
    wait_for_prompt(&pty);
    say(&pty, "hello", "meso: Fine.");
    leave(&pty);
}

#[test]
fn text_appears_while_the_model_speaks() {
    let fixture = Fixture::start(Script::always([
        Step::Text("The first ".to_owned()),
        Step::Stall(60_000),
    ]));
    let pty = open(&fixture, &[]);
    type_line(&pty, "go");
    pty.wait_for_text("meso: The first");
    assert_eq!(fixture.server.requests()[0].ending, None, "it still speaks");
}

#[test]
fn ctrl_c_stops_the_answer_and_the_chat_goes_on() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("Half ".to_owned()), Step::Stall(60_000)]),
        Reply::new([Step::Delay(60_000)]),
        Reply::text("Fine."),
    ]));
    let pty = open(&fixture, &[]);
    type_line(&pty, "one");
    pty.wait_for_text("meso: Half");
    pty.write("\x03");
    pty.wait_for_text("(stopped; /continue goes on)");
    wait_for_prompt(&pty);
    assert_eq!(
        fixture.server.wait_for_ending_blocking(0),
        Ending::ClientGone
    );

    // Before the first word.
    type_line(&pty, "two");
    fixture.server.wait_for_requests_blocking(2);
    pty.write("\x03");
    assert_eq!(
        fixture.server.wait_for_ending_blocking(1),
        Ending::ClientGone
    );
    wait_for_prompt(&pty);
    say(&pty, "three", "meso: Fine.");
    leave(&pty);
    fixture.assert_no_panic();
}

#[test]
fn ctrl_c_at_the_prompt_clears_and_then_leaves() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    pty.write("half a line");
    pty.wait_for_text("> half a line");
    pty.write("\x03");
    pty.wait_for_text("(Ctrl-C again leaves; what runs goes on)");
    wait_for_prompt(&pty);
    // A line in between begins the count anew.
    say(&pty, "hello", "meso: Fine.");
    pty.write("\x03");
    pty.wait_for("the advice again", |screen| {
        screen.contents().matches("(Ctrl-C again").count() == 2
    });
    wait_for_prompt(&pty);
    pty.write("\x03");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert_eq!(prompt_of(&fixture.server.requests()[0]), "hello");
    let status = command(&fixture.home, &["daemon", "status"]);
    assert_eq!(status.code, 0);
}

#[test]
fn a_backslash_continues_the_line() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    type_line(&pty, "one\\");
    pty.wait_for_text("\n.");
    say(&pty, "two", "meso: Fine.");
    assert_eq!(prompt_of(&fixture.server.requests()[0]), "one\ntwo");
    leave(&pty);
}

#[test]
fn pasted_lines_are_one_message() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    pty.write("\x1b[200~one\ntwo\nthree\x1b[201~");
    pty.wait_for_text("three");
    pty.write("\r");
    pty.wait_for_text("meso: Fine.");
    wait_for_prompt(&pty);
    leave(&pty);
    let requests = fixture.server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(prompt_of(&requests[0]), "one\ntwo\nthree");
}

#[test]
fn lines_typed_ahead_are_answered_one_after_another() {
    let fixture = Fixture::start(Script::always([Step::Echo]));
    let pty = open(&fixture, &[]);
    pty.write("one\rtwo\rthree\r");
    pty.wait_for_text("meso: three");
    wait_for_prompt(&pty);
    leave(&pty);
    let asked: Vec<String> = fixture.server.requests().iter().map(prompt_of).collect();
    assert_eq!(asked, ["one", "two", "three"]);
}

#[test]
fn a_line_longer_than_the_screen_is_whole() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    let line = numbers(120);
    say(&pty, line.trim_end(), "meso: Fine.");
    assert_eq!(prompt_of(&fixture.server.requests()[0]), line.trim_end());
    leave(&pty);
}

#[test]
fn a_long_answer_is_shown_to_its_end() {
    let fixture = Fixture::start(Script::always([Step::tokens(2_000)]));
    let pty = open(&fixture, &[]);
    say(&pty, "go", "1999");
    let raw = String::from_utf8(pty.raw()).unwrap();
    let whole = numbers(2_000);
    assert!(raw.contains(whole.trim_end()), "unwrapped, in one piece");
    leave(&pty);
}

#[test]
fn history_is_private_and_recalled() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    say(&pty, "remember this line", "meso: Fine.");
    leave(&pty);
    let file = fixture.home.data_dir().join("history");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let pty = open(&fixture, &[]);
    pty.write("\x1b[A");
    pty.wait_for_text("> remember this line");
    pty.write("\r");
    pty.wait_for_text("meso: Fine.");
    wait_for_prompt(&pty);
    leave(&pty);
    assert_eq!(
        prompt_of(&fixture.server.requests()[1]),
        "remember this line"
    );
}

#[test]
fn a_terminal_that_goes_away_ends_the_chat() {
    let fixture = Fixture::start(Script::always([
        Step::Text("Half ".to_owned()),
        Step::Stall(60_000),
    ]));
    for is_speaking in [false, true] {
        let pty = open(&fixture, &[]);
        if is_speaking {
            type_line(&pty, "go");
            pty.wait_for_text("meso: Half");
        }
        let pid = Pid::from_raw(i32::try_from(pty.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
        pty.wait_for_exit();
    }
    // Closing the terminal detaches: what runs goes on.
    let status = command(&fixture.home, &["--json", "daemon", "status"]).json();
    assert_eq!(status["running_turns"], 1);
}
