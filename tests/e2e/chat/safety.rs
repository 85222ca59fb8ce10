//! What others write never reaches the terminal as an order.

use mesoclaw_testkit::model_server::{Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;
use serde_json::json;

use super::{leave, open, say, type_line};
use crate::fixture::Fixture;
use crate::process::{Stdin, command, mesoclaw, run};

/// Text that a terminal would obey: colours, title, clipboard, C1 forms, bells, text direction.
const HOSTILE: &str = "a\u{1b}[31mb\u{1b}]52;c;cHduZWQ=\u{7}c\u{1b}]0;title\u{1b}\\d\u{9b}2Je\
                       \u{9d}52;c;x\u{9c}f\u{8}\u{7f}g\u{202e}h\u{2066}i\rj\u{1b}Pq\u{1b}[?1049hk";

/// How it looks when every order in it is spelled out.
const SHOWN: &str = "a^[[31mb^[]52;c;cHduZWQ=^Gc^[]0;title^[\\d<U+009B>2Je\
                     <U+009D>52;c;x<U+009C>f^H^?g<U+202E>h<U+2066>ij^[Pq^[[?1049hk";

/// Byte sequences of the hostile text that no line editor writes of itself.
const ORDERS: [&str; 9] = [
    "\u{1b}[31m",
    "\u{1b}]",
    "\u{1b}P",
    "\u{1b}[?1049h",
    "\u{9b}",
    "\u{9d}",
    "\u{202e}",
    "\u{2066}",
    "\u{7}",
];

fn assert_harmless(pty: &Pty) {
    let raw = String::from_utf8(pty.raw()).expect("UTF-8");
    for order in ORDERS {
        assert!(!raw.contains(order), "{order:?} in {raw:?}");
    }
}

#[test]
fn the_answer_is_spelled_out_in_the_chat() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text(HOSTILE.to_owned())]),
        // An order over several chunks.
        Reply::new(HOSTILE.chars().map(|c| Step::Text(c.to_string()))),
    ]));
    let pty = open(&fixture, &[]);
    for _ in 0..2 {
        say(&pty, "go", "1049hk");
    }
    leave(&pty);
    assert_harmless(&pty);
    let raw = String::from_utf8(pty.raw()).unwrap();
    assert_eq!(raw.matches(&format!("meso: {SHOWN}")).count(), 2, "{raw:?}");
}

#[test]
fn the_answer_is_spelled_out_for_one_question() {
    let fixture = Fixture::start(Script::always([Step::Text(HOSTILE.to_owned())]));
    let pty = Pty::spawn(&mesoclaw(&fixture.home, &["go"]), 24, 80);
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
    assert_eq!(
        String::from_utf8(pty.raw()).unwrap(),
        format!("{SHOWN}\r\n")
    );
}

#[test]
fn names_messages_and_errors_are_spelled_out() {
    let fixture = Fixture::start(Script::replies([
        Reply::text("Fine."),
        Reply::new([Step::status_with(
            400,
            json!({"error": {"message": HOSTILE, "type": HOSTILE, "code": HOSTILE}}),
        )]),
    ]));
    // A message of another client, which names its session too.
    run(&fixture.home, &["-s", HOSTILE], Stdin::Text("x")).assert_error(2, &["control characters"]);
    let ran = run(&fixture.home, &[], Stdin::Text(HOSTILE));
    assert_eq!(ran.code, 0, "{ran:?}");
    let id = command(&fixture.home, &["--json", "session", "list"]).json()[0]["id"].clone();
    let id = id.as_str().unwrap();
    let pty = open(&fixture, &["-s", id]);
    pty.wait_for_text("meso: Fine.");
    say(&pty, "/sessions", "MESSAGES");
    type_line(&pty, "go");
    pty.wait_for_text("error: ");
    say(&pty, "/session", "3 messages");
    pty.write("\x04");
    pty.wait_for_exit();
    assert_harmless(&pty);
    // The same on a terminal without a chat.
    for args in [
        &["session", "list"][..],
        &["session", "show", id],
        &["session", "search", "1049hk"],
        &["session", "export", id],
        &["go"],
    ] {
        let pty = Pty::spawn(&mesoclaw(&fixture.home, args), 24, 80);
        pty.wait_for_exit();
        assert_harmless(&pty);
        assert!(!pty.raw().contains(&0x1b), "{args:?}");
    }
}
