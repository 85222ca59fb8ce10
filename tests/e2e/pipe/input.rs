//! What becomes of the words and of stdin: the decision table, with real processes.

use std::path::{Path, PathBuf};

use mesoclaw_testkit::model_server::Script;
use mesoclaw_testkit::pty::Pty;

use crate::fixture::{Fixture, numbers, program, until};
use crate::process::{Ran, Running, Stdin, mesoclaw, prompt_of, run};

const NOTE: &str =
    "mesoclaw: stdin has nothing to read and is ignored; `-` makes it part of the prompt\n";

/// Runs it and gives what the model was asked, if it was.
fn asked(fixture: &Fixture, args: &[&str], stdin: Stdin<'_>) -> (Ran, Option<String>) {
    let before = fixture.server.requests().len();
    let ran = run(&fixture.home, args, stdin);
    let requests = fixture.server.requests();
    assert!(requests.len() <= before + 1, "one question, one request");
    (ran, requests.get(before).map(prompt_of))
}

/// Words, stdin, what the model is asked, and what stderr says.
type Row<'a> = (&'a [&'a str], Stdin<'a>, &'a str, &'a str);

fn check(rows: &[Row<'_>], fixture: &Fixture) {
    for (args, stdin, prompt, stderr) in rows {
        let (ran, asked) = asked(fixture, args, *stdin);
        let expected = Ran {
            stderr: (*stderr).to_owned(),
            ..Ran::ok("Fine.\n")
        };
        assert_eq!(
            (ran, asked.as_deref()),
            (expected, Some(*prompt)),
            "{args:?} {stdin:?}"
        );
    }
    fixture.assert_no_panic();
}

fn with_notes() -> (Fixture, PathBuf) {
    let fixture = Fixture::start(Script::text("Fine."));
    let file = fixture.home.user_home().join("notes.txt");
    std::fs::write(&file, "from a file\n").unwrap();
    (fixture, file)
}

#[test]
fn words_and_stdin_become_the_prompt() {
    let (fixture, file) = with_notes();
    let file: &Path = &file;
    let block = "sum up\n\n```\nfrom a pipe\n```";
    let rows: [Row<'_>; 13] = [
        // Stdin alone.
        (&[], Stdin::Text("one\ntwo\n"), "one\ntwo", ""),
        (&[], Stdin::File(file), "from a file", ""),
        (&["run"], Stdin::Text("hello"), "hello", ""),
        (&["-"], Stdin::Text("hello\n"), "hello", ""),
        (&["run", "-"], Stdin::Text("hello\n"), "hello", ""),
        (&["-"], Stdin::File(file), "from a file", ""),
        // Words and stdin.
        (&["sum up"], Stdin::Text("from a pipe\n"), block, ""),
        (&["sum", "up"], Stdin::Text("from a pipe\n"), block, ""),
        (&["run", "sum", "up"], Stdin::Text("from a pipe"), block, ""),
        (
            &["sum", "up"],
            Stdin::File(file),
            "sum up\n\n```\nfrom a file\n```",
            "",
        ),
        (
            &["before", "-", "after"],
            Stdin::Text("x\n"),
            "before\n\n```\nx\n```\n\nafter",
            "",
        ),
        (
            &["-", "what is this?"],
            Stdin::File(file),
            "```\nfrom a file\n```\n\nwhat is this?",
            "",
        ),
        // A block that holds fences itself.
        (
            &["q"],
            Stdin::Text("```\ncode\n```\n"),
            "q\n\n````\n```\ncode\n```\n````",
            "",
        ),
    ];
    check(&rows, &fixture);
}

#[test]
fn words_alone_are_the_prompt() {
    let (fixture, _) = with_notes();
    let rows: [Row<'_>; 6] = [
        // A stdin with nothing in it.
        (&["what", "is", "up?"], Stdin::Text(""), "what is up?", ""),
        (&["what is up?"], Stdin::Text("\n"), "what is up?", ""),
        (&["what is up?"], Stdin::Null, "what is up?", NOTE),
        (&["--quiet", "what is up?"], Stdin::Null, "what is up?", ""),
        // Words that look like something else.
        (&["--", "session"], Stdin::Text(""), "session", ""),
        (
            &["run", "naïve 日本語 🦀"],
            Stdin::Text(""),
            "naïve 日本語 🦀",
            "",
        ),
    ];
    check(&rows, &fixture);
}

#[test]
fn nothing_to_ask_is_a_usage_error() {
    let fixture = Fixture::start(Script::text("Fine."));
    let empty = fixture.home.user_home().join("empty");
    std::fs::write(&empty, "").unwrap();
    let rows: [(&[&str], Stdin<'_>, &str); 12] = [
        (&[], Stdin::Null, "there is no prompt"),
        (&[], Stdin::Text(""), "there is no prompt"),
        (&[], Stdin::Text(" \n\n"), "there is no prompt"),
        (&[], Stdin::File(&empty), "there is no prompt"),
        (&["run"], Stdin::Null, "there is no prompt"),
        (&["-"], Stdin::Text(""), "there is no prompt"),
        (&[""], Stdin::Text(""), "there is no prompt"),
        (&[], Stdin::Bytes(b"a\0b"), "stdin is binary"),
        (&["what?"], Stdin::Bytes(b"\x7fELF\0"), "stdin is binary"),
        (&[], Stdin::Bytes(b"ok \xff\xfe"), "stdin is not UTF-8 text"),
        (&["sesion"], Stdin::Null, "did you mean `mesoclaw session`?"),
        (
            &["sesion", "list"],
            Stdin::Null,
            "did you mean `mesoclaw session list`?",
        ),
    ];
    for (args, stdin, part) in rows {
        let (ran, asked) = asked(&fixture, args, stdin);
        ran.assert_error(2, &[part]);
        assert_eq!(
            (ran.stdout.as_str(), asked),
            ("", None),
            "{args:?} {stdin:?}"
        );
    }
}

#[test]
fn stdin_is_limited() {
    let fixture = Fixture::start(Script::text("Fine."));
    let nine_mib = "line of text\n".repeat(9 * 1024 * 1024 / 13);
    let eleven_mib = "x".repeat(11 * 1024 * 1024);
    let rows: [(&[&str], Stdin<'_>, &str); 4] = [
        (
            &["--max-input", "10"],
            Stdin::Text("0123456789x"),
            "stdin holds more than 10 B (10 bytes)",
        ),
        (
            &["--max-input", "1k", "sum up"],
            Stdin::Text(&nine_mib),
            "stdin holds more than 1.0 kB (1024 bytes)",
        ),
        (
            &[],
            Stdin::Text(&nine_mib),
            "a message holds at most 4.2 MB",
        ),
        (
            &[],
            Stdin::Text(&eleven_mib),
            "stdin holds more than 10.5 MB (10485760 bytes)",
        ),
    ];
    for (args, stdin, part) in rows {
        let (ran, asked) = asked(&fixture, args, stdin);
        ran.assert_error(8, &[part, "head -c"]);
        assert_eq!((ran.stdout.as_str(), asked), ("", None), "{args:?}");
    }
    let fitting = run(
        &fixture.home,
        &["--max-input", "10"],
        Stdin::Text("0123456789"),
    );
    assert_eq!(fitting, Ran::ok("Fine.\n"));
}

#[test]
fn three_mebibytes_of_stdin_reach_the_model() {
    let fixture = Fixture::start(Script::text("Fine."));
    let text = numbers(400_000).replace("9 ", "9 é\n");
    assert!(text.len() > 2_500_000);
    let (ran, asked) = asked(&fixture, &["count"], Stdin::Text(&text));
    assert_eq!(ran, Ran::ok("Fine.\n"));
    let asked = asked.expect("a request");
    // Not compared with `assert_eq`: nobody reads a difference of that size.
    assert!(asked == format!("count\n\n```\n{}\n```", text.trim_end()));
}

#[test]
fn a_pipe_that_stays_silent_is_left_alone() {
    let fixture = Fixture::start(Script::text("Fine."));
    let mut running = Running::start(&mut mesoclaw(&fixture.home, &["what is up?"]), Stdin::Open);
    running.wait_for_stdout("Fine.\n");
    // It answered while the other end was open: nothing was waited for.
    running.close_stdin();
    let expected = Ran {
        stderr: NOTE.to_owned(),
        ..Ran::ok("Fine.\n")
    };
    assert_eq!(running.finish(), expected);
}

#[test]
fn a_dash_waits_for_stdin_to_end() {
    let fixture = Fixture::start(Script::text("Fine."));
    for args in [&["-"][..], &["what is", "-"], &[]] {
        let before = fixture.server.requests().len();
        let mut running = Running::start(&mut mesoclaw(&fixture.home, args), Stdin::Open);
        running.write("part one, ");
        assert_eq!(fixture.server.requests().len(), before);
        running.write("part two\n");
        running.close_stdin();
        assert_eq!(running.finish(), Ran::ok("Fine.\n"));
        let asked = prompt_of(&fixture.server.requests()[before]);
        assert!(asked.contains("part one, part two"), "{asked}");
    }
}

#[test]
fn words_on_a_terminal_are_one_question() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = Pty::spawn(&mesoclaw(&fixture.home, &["what", "is", "up?"]), 24, 80);
    let status = pty.wait_for_exit();
    assert_eq!(status.exit_code(), 0);
    assert_eq!(pty.raw(), b"Fine.\r\n");
    assert_eq!(prompt_of(&fixture.server.requests()[0]), "what is up?");
}

#[test]
fn terminals_and_redirections_are_told_apart() {
    let fixture = Fixture::start(Script::text("Fine."));
    let program = program().display().to_string();
    // Each in a shell on a terminal, so that only what is redirected is not one.
    let rows = [
        // Stdin is the terminal: nobody who redirected the output is asked for input.
        (format!("{program} > out"), 2, ""),
        (format!("{program} run"), 2, ""),
        (format!("{program} run > out"), 2, ""),
        (format!("{program} 'what is up?' > out"), 0, "Fine.\n"),
        // Stdout is the terminal.
        (format!("echo hello | {program}"), 0, ""),
        (format!("{program} < question"), 0, ""),
        (format!("{program} sum up < question > out"), 0, "Fine.\n"),
    ];
    let out = fixture.home.user_home().join("out");
    std::fs::write(fixture.home.user_home().join("question"), "hello\n").unwrap();
    for (line, code, written) in rows {
        std::fs::write(&out, "").unwrap();
        let mut shell = fixture.home.command("sh");
        shell.args(["-c", &line]);
        let pty = Pty::spawn(&shell, 24, 80);
        assert_eq!(pty.wait_for_exit().exit_code(), code, "{line}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), written, "{line}");
        let screen = pty.screen_text();
        let is_answered = code == 0 && written.is_empty();
        assert_eq!(screen.contains("Fine."), is_answered, "{line}: {screen}");
        let is_refused = screen.contains("there is no prompt");
        assert_eq!(is_refused, code == 2, "{line}: {screen}");
    }
}

#[test]
fn the_daemon_is_started_and_lets_go_of_the_pipes() {
    let fixture = Fixture::start(Script::text("Fine."));
    let Fixture {
        daemon,
        server,
        home,
    } = fixture;
    drop(daemon);
    let ran = run(&home, &[], Stdin::Text("hello"));
    assert_eq!(ran, Ran::ok("Fine.\n"));
    assert_eq!(server.requests().len(), 1);
    until("daemon that goes on", || {
        mesoclaw_ipc::lock::holder(&home.lock_file())
    });
}
