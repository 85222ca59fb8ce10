//! Terminals: from one that can do nothing to a VT100, and no terminal at all.

use mesoclaw_testkit::model_server::{Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;

use super::{leave, leave_with, say, wait_for_prompt};
use crate::fixture::{Fixture, program};
use crate::process::{Ran, Stdin, mesoclaw, prompt_of, run};

/// Settings with which nothing but text may appear, as words of `env`.
const PLAIN: [&[&str]; 4] = [
    &["TERM=dumb"],
    &["-u", "TERM"],
    &["TERM="],
    &["TERM=xterm", "ACCESSIBLE=1"],
];

#[test]
fn a_plain_terminal_gets_text_and_nothing_else() {
    for settings in PLAIN {
        let fixture = Fixture::start(Script::replies([
            Reply::text("Hello, \u{1b}[31mAda\u{9b}0m."),
            Reply::new([Step::Text("Half ".to_owned()), Step::Stall(60_000)]),
        ]));
        let mut command = fixture.home.command("env");
        command.args(settings).arg(program()).arg("chat");
        let pty = Pty::spawn(&command, 24, 80);
        wait_for_prompt(&pty);
        say(&pty, "hello", "meso: Hello, ");
        say(&pty, "/session", "2 messages");
        pty.write("go\r");
        pty.wait_for_text("meso: Half");
        pty.write("\x03");
        pty.wait_for_text("(stopped; /continue goes on)");
        wait_for_prompt(&pty);
        leave_with(&pty, 130);
        let raw = String::from_utf8(pty.raw()).unwrap();
        let orders: Vec<char> = raw
            .chars()
            .filter(|c| c.is_control() && !matches!(c, '\r' | '\n'))
            .collect();
        assert_eq!(orders, Vec::<char>::new(), "{settings:?}: {raw:?}");
        let here = fixture.home.user_home().canonicalize().unwrap();
        let expected = format!(
            "mesoclaw: new session (test:test-model). ? help, /detach leaves it running\r\n\
             workspace: {}\r\n\
             > hello\r\nmeso: Hello, ^[[31mAda<U+009B>0m.\r\n> /session\r\n",
            here.display()
        );
        assert!(raw.starts_with(&expected), "{settings:?}: {raw:?}");
        // A line that was wiped by writing over it would show here.
        assert!(
            !raw.replace("\r\n", "").contains('\r'),
            "{settings:?}: {raw:?}"
        );
    }
}

#[test]
fn a_vt100_gets_an_answer() {
    let fixture = Fixture::start(Script::text("Grüße, 日本語."));
    for term in ["vt100", "linux", "xterm-256color"] {
        let mut command = mesoclaw(&fixture.home, &["chat"]);
        command.env("TERM", term);
        let pty = Pty::spawn(&command, 24, 80);
        wait_for_prompt(&pty);
        say(&pty, "naïve 日本語", "meso: Grüße, 日本語.");
        leave(&pty);
        let requests = fixture.server.requests();
        assert_eq!(
            prompt_of(requests.last().unwrap()),
            "naïve 日本語",
            "{term}"
        );
    }
}

#[test]
fn a_chat_without_a_terminal_reads_lines() {
    let fixture = Fixture::start(Script::replies([Reply::text("One."), Reply::text("Two.")]));
    let ran = run(
        &fixture.home,
        &["chat"],
        Stdin::Text("first\n\nsecond\n/model\n/quit\nthird\n"),
    );
    assert_eq!(
        ran,
        Ran::ok("meso: One.\nmeso: Two.\ntest:test-model (default)\n")
    );
    assert_eq!(fixture.server.requests().len(), 2);
    // The last answer decides the code.
    let fixture = Fixture::start(Script::always([Step::status(401)]));
    let ran = run(&fixture.home, &["chat"], Stdin::Text("first\n"));
    assert_eq!(ran.code, 6, "{ran:?}");
}
