//! Small programs on a terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

#[test]
fn a_program_draws_on_the_screen_and_ends() {
    let pty = Pty::spawn(&shell("test -t 1 && printf 'a\\033[2;3Hb'; exit 3"), 4, 10);
    let status = pty.wait_for_exit();
    assert_eq!(pty.screen_text(), "a\n  b");
    assert_eq!(pty.raw(), b"a\x1b[2;3Hb");
    assert_eq!((pty.n_bytes(), status.exit_code()), (8, 3));
    assert_eq!(pty.with_screen(vt100::Screen::cursor_position), (1, 3));
}

#[test]
fn typed_keys_arrive_and_are_echoed() {
    let pty = Pty::spawn(&shell("exec cat"), 24, 80);
    pty.write("grüße\r");
    pty.wait_for("echo and answer", |screen| {
        screen.contents() == "grüße\ngrüße"
    });
    pty.write("\x04");
    assert_eq!(pty.wait_for_exit().exit_code(), 0);
}

#[test]
fn ctrl_c_is_a_signal() {
    let pty = Pty::spawn(&shell("echo ready; exec cat"), 24, 80);
    pty.wait_for_text("ready");
    pty.write("\x03");
    assert!(pty.wait_for_exit().signal().is_some());
}

#[test]
fn a_new_size_is_told_to_the_program() {
    let script = "trap 'stty size' WINCH; stty size; while :; do read line; done";
    let pty = Pty::spawn(&shell(script), 24, 80);
    pty.wait_for_text("24 80");
    pty.resize(10, 40);
    pty.wait_for_text("10 40");
    assert_eq!(pty.with_screen(vt100::Screen::size), (cells(10), cells(40)));
}

#[test]
fn the_environment_is_the_commands_own() {
    let mut command = shell("env");
    command.env("A", "1").env("TERM", "dumb");
    let pty = Pty::spawn(&command, 50, 200);
    pty.wait_for_exit();
    let text = pty.screen_text();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines.contains(&"A=1") && lines.contains(&"TERM=dumb"),
        "{text}"
    );
    assert!(!text.contains("CARGO_MANIFEST_DIR"), "{text}");
}

#[test]
fn a_wait_that_fails_shows_the_screen() {
    let pty = Pty::spawn(&shell("echo hello"), 3, 10);
    let failure = catch_unwind(AssertUnwindSafe(|| pty.wait_for_text("bye"))).unwrap_err();
    assert_eq!(
        failure.downcast_ref::<String>().map(String::as_str),
        Some(
            "no \"bye\" before the program ended; the screen is\n\
             +----------\n|hello\n|\n|\n+----------\ncursor in row 1, column 0"
        )
    );
}

#[test]
fn a_million_bytes_are_counted() {
    let pty = Pty::spawn(&shell("head -c 1000000 /dev/zero | tr '\\0' x"), 24, 80);
    pty.wait_for_bytes(1_000_000);
    pty.wait_for_exit();
    assert_eq!(pty.n_bytes(), 1_000_000);
}
