//! The line chat on a real terminal device.

mod commands;
mod keys;
mod news;
mod safety;
mod terms;

use mesoclaw_testkit::pty::Pty;

use crate::fixture::Fixture;
use crate::process::mesoclaw;

/// Opens a chat and waits for its first prompt.
fn open(fixture: &Fixture, args: &[&str]) -> Pty {
    let mut words = vec!["chat"];
    words.extend(args);
    let pty = Pty::spawn(&mesoclaw(&fixture.home, &words), 50, 100);
    pty.wait_for_text("? help, /detach leaves it running");
    wait_for_prompt(&pty);
    pty
}

/// Waits until a line can be typed.
pub fn wait_for_prompt(pty: &Pty) {
    pty.wait_for("prompt", |screen| {
        let text = screen.contents();
        text.lines().rev().find(|line| !line.trim().is_empty()) == Some(">")
            || text.trim_end().ends_with("\n>")
    });
}

/// Types a line.
pub fn type_line(pty: &Pty, line: &str) {
    pty.write(line);
    pty.write("\r");
}

/// Types a line, waits for what must follow once more, and for the next prompt.
fn say(pty: &Pty, line: &str, expected: &str) {
    let count = || {
        String::from_utf8_lossy(&pty.raw())
            .matches(expected)
            .count()
    };
    let before = count();
    type_line(pty, line);
    crate::fixture::until(&format!("{expected:?} after {line:?}"), || {
        (count() > before).then_some(())
    });
    wait_for_prompt(pty);
}

/// The screen as lines without blanks at their ends.
fn lines(pty: &Pty) -> Vec<String> {
    let text = pty.screen_text();
    text.trim_end()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Leaves with Ctrl-D; the last message or command that failed decides the code.
fn leave_with(pty: &Pty, code: u32) {
    pty.write("\x04");
    assert_eq!(pty.wait_for_exit().exit_code(), code);
}

/// Leaves with Ctrl-D after everything went well.
pub fn leave(pty: &Pty) {
    leave_with(pty, 0);
}
