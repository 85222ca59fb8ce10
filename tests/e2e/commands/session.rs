//! `session list|show|rename|fork|delete|export|search|queue`, and `usage`.

use mesoclaw_testkit::model_server::{Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::process::{Ran, Stdin, command, mesoclaw, run, said_in};

/// A daemon with the session `demo` of two turns.
fn with_demo() -> Fixture {
    let fixture = Fixture::start(Script::replies([
        Reply::text("Hello, Ada."),
        Reply::text("The capital is Oslo."),
        Reply::text("Fine."),
    ]));
    for text in ["I am Ada", "Capital of Norway?"] {
        let ran = run(&fixture.home, &["-s", "demo"], Stdin::Text(text));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    fixture
}

fn sessions(fixture: &Fixture) -> Vec<Value> {
    let list = command(&fixture.home, &["--json", "session", "list"]).json();
    list.as_array().unwrap().clone()
}

fn titles(fixture: &Fixture) -> Vec<String> {
    let mut titles: Vec<String> = sessions(fixture)
        .iter()
        .map(|session| session["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

#[test]
fn sessions_are_listed() {
    let fixture = with_demo();
    run(&fixture.home, &[], Stdin::Text("Plan a trip to Bergen"));
    assert_eq!(titles(&fixture), ["Plan a trip to Bergen", "demo"]);
    // The latest first.
    let list = sessions(&fixture);
    assert_eq!(list[0]["title"], "Plan a trip to Bergen");
    assert_eq!(
        (&list[1]["message_count"], &list[1]["state"]),
        (&json!(4), &json!("idle"))
    );
    let table = command(&fixture.home, &["session", "list"]);
    let lines: Vec<&str> = table.assert_ok().lines().collect();
    assert!(
        lines[0].starts_with("ID ") && lines[0].ends_with("NAME"),
        "{table:?}"
    );
    assert!(lines[2].ends_with("4         idle   demo"), "{table:?}");
    let one = command(&fixture.home, &["session", "list", "-n", "1"]);
    assert_eq!(one.assert_ok().lines().count(), 2);
}

/// A conversation as it is shown: after where it works. The programs of these tests are started in
/// the home directory.
fn with_workspace(fixture: &Fixture, conversation: &str) -> String {
    let home = fixture.home.user_home().canonicalize().unwrap();
    format!(
        "(workspace: {} is too broad (it is the home directory): every access asks)\n{conversation}",
        home.display()
    )
}

#[test]
fn a_session_is_shown() {
    let fixture = with_demo();
    let expected = with_workspace(
        &fixture,
        "you: I am Ada\nmeso: Hello, Ada.\nyou: Capital of Norway?\n\
         meso: The capital is Oslo.\n",
    );
    let expected = expected.as_str();
    assert_eq!(
        command(&fixture.home, &["session", "show", "demo"]),
        Ran::ok(expected)
    );
    let id = sessions(&fixture)[0]["id"].as_str().unwrap().to_owned();
    // The whole id, and the beginning of it that the list shows.
    for name in [id.as_str(), &id[..8]] {
        assert_eq!(
            command(&fixture.home, &["session", "show", name]),
            Ran::ok(expected)
        );
    }
    let shown = command(&fixture.home, &["--json", "session", "show", "demo"]).json();
    assert_eq!(shown["session"]["title"], "demo");
    let kinds: Vec<&str> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["body"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "user",
            "assistant",
            "outcome",
            "user",
            "assistant",
            "outcome"
        ]
    );
}

#[test]
fn a_session_is_renamed() {
    let fixture = with_demo();
    let ran = command(&fixture.home, &["session", "rename", "demo", "Norway"]);
    assert_eq!(ran, Ran::ok("renamed to Norway\n"));
    assert_eq!(titles(&fixture), ["Norway"]);
    command(&fixture.home, &["session", "show", "demo"])
        .assert_error(4, &["there is no session `demo`", "session list"]);
}

#[test]
fn a_session_is_forked() {
    let fixture = with_demo();
    let shown = command(&fixture.home, &["--json", "session", "show", "demo"]).json();
    let until = shown["items"][2]["id"].as_str().unwrap();
    let ran = command(
        &fixture.home,
        &[
            "session", "fork", "demo", "--title", "other", "--until", until,
        ],
    );
    assert!(ran.assert_ok().trim_end().ends_with("  other"), "{ran:?}");
    assert_eq!(
        command(&fixture.home, &["session", "show", "other"]),
        Ran::ok(with_workspace(
            &fixture,
            "you: I am Ada\nmeso: Hello, Ada.\n"
        ))
    );
    run(
        &fixture.home,
        &["-s", "other"],
        Stdin::Text("And of Sweden?"),
    );
    assert_eq!(said_in(&fixture.server.requests()[2]).len(), 3);
    // The original is as it was.
    let original = command(&fixture.home, &["--json", "session", "show", "demo"]).json();
    assert_eq!(original["items"], shown["items"]);
    command(
        &fixture.home,
        &["session", "fork", "demo", "--until", "nope"],
    )
    .assert_error(4, &["is not in this session"]);
}

#[test]
fn a_session_is_deleted_only_on_purpose() {
    let fixture = with_demo();
    command(&fixture.home, &["session", "delete", "demo"])
        .assert_error(2, &["mesoclaw session delete --yes demo"]);
    assert_eq!(titles(&fixture), ["demo"]);
    // On a terminal it asks; the default is no.
    for (answer, code) in [("", 1), ("n", 1), ("y", 0)] {
        let pty = Pty::spawn(
            &mesoclaw(&fixture.home, &["session", "delete", "demo"]),
            24,
            80,
        );
        pty.wait_for_text("delete session demo and everything in it? [y/N]");
        pty.write(&format!("{answer}\r"));
        assert_eq!(pty.wait_for_exit().exit_code(), code, "{answer:?}");
    }
    assert_eq!(titles(&fixture), Vec::<String>::new());
    let fixture = with_demo();
    let ran = command(&fixture.home, &["session", "delete", "--yes", "demo"]);
    assert_eq!(ran, Ran::ok("deleted demo\n"));
    command(&fixture.home, &["session", "delete", "--yes", "demo"])
        .assert_error(4, &["there is no session `demo`"]);
    let found = command(&fixture.home, &["--json", "session", "search", "Oslo"]).json();
    assert_eq!(found, json!([]));
}

#[test]
fn a_session_is_exported_in_three_forms() {
    let fixture = with_demo();
    let export = |args: &[&str]| {
        let mut words = vec!["session", "export", "demo"];
        words.extend(args);
        command(&fixture.home, &words)
    };
    let markdown = export(&[]);
    assert!(
        markdown.assert_ok().starts_with("# demo\n\nSession "),
        "{markdown:?}"
    );
    assert!(
        markdown.stdout.ends_with(
            "## You\n\nCapital of Norway?\n\n## test:test-model\n\nThe capital is Oslo.\n"
        ),
        "{markdown:?}"
    );
    assert_eq!(export(&["-f", "md"]), markdown);
    let whole = export(&["--format", "json"]).json();
    let items = whole["items"].as_array().unwrap();
    assert_eq!(
        (&whole["session"]["title"], items.len()),
        (&json!("demo"), 6)
    );
    let lines = export(&["-f", "jsonl"]);
    let lines: Vec<Value> = lines
        .assert_ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(&lines, items);
    let ran = export(&["-o", "demo.md"]);
    assert_eq!(ran, Ran::ok("written to demo.md\n"));
    let file = fixture.home.user_home().join("demo.md");
    assert_eq!(std::fs::read_to_string(file).unwrap(), markdown.stdout);
    export(&["-o", "."]).assert_error(2, &["is a directory"]);
    export(&["-f", "pdf"]).assert_error(2, &["possible values: md, json, jsonl"]);
}

#[test]
fn contents_are_searched() {
    let fixture = with_demo();
    run(
        &fixture.home,
        &["-s", "other"],
        Stdin::Text("Oslo in winter?"),
    );
    let search = |args: &[&str]| -> Vec<String> {
        let mut words = vec!["--json", "session", "search"];
        words.extend(args);
        let hits = command(&fixture.home, &words).json();
        let mut titles: Vec<String> = hits
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["title"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    };
    assert_eq!(search(&["Oslo"]), ["demo", "other"]);
    assert_eq!(search(&["oslo", "winter"]), ["other"]);
    // Words anywhere, not one phrase; the last may be a beginning.
    assert_eq!(search(&["Norway", "cap"]), ["demo"]);
    assert_eq!(search(&["Oslo", "-s", "demo"]), ["demo"]);
    assert_eq!(search(&["Oslo", "-n", "1"]).len(), 1);
    assert_eq!(search(&["Stockholm"]), Vec::<String>::new());
    for odd in ["\"", "a AND", "(", "NEAR/2", "*", "-x"] {
        let ran = command(&fixture.home, &["session", "search", "--", odd]);
        assert!([0, 2].contains(&ran.code), "{odd:?}: {ran:?}");
    }
    let ran = command(&fixture.home, &["session", "search", "Stockholm"]);
    assert_eq!(ran, Ran::ok("nothing was found\n"));
    let ran = command(&fixture.home, &["session", "search", "winter"]);
    assert!(ran.assert_ok().contains("user: "), "{ran:?}");
}

#[test]
fn messages_wait_are_changed_and_taken_back() {
    let fixture = Fixture::start(Script::replies([
        Reply::text("Fine."),
        Reply::new([Step::Text("slow ".to_owned()), Step::Stall(60_000)]),
    ]));
    let queue = |args: &[&str]| {
        let mut words = vec!["session", "queue", "demo"];
        words.extend(args);
        command(&fixture.home, &words)
    };
    queue(&[]).assert_error(4, &["there is no session `demo`"]);
    run(&fixture.home, &["-s", "demo"], Stdin::Text("hello"));
    assert_eq!(queue(&[]), Ran::ok("no message waits\n"));
    let ran = queue(&["long one"]);
    assert_eq!(ran, Ran::ok("nothing ran; it is being answered\n"));
    fixture.server.wait_for_content_blocking(1);
    assert!(queue(&["secnod"]).assert_ok().starts_with("waits as "));
    assert!(queue(&["third"]).assert_ok().starts_with("waits as "));
    assert_eq!(queue(&[]), Ran::ok("1  secnod\n2  third\n"));
    assert_eq!(queue(&["--edit", "1", "second"]), Ran::ok("changed\n"));
    assert_eq!(queue(&["--drop", "2"]), Ran::ok("taken back\n"));
    assert_eq!(queue(&[]), Ran::ok("1  second\n"));
    queue(&["--drop", "9"]).assert_error(4, &["there is no waiting message `9`"]);
    queue(&["--edit", "1"]).assert_error(2, &["TEXT"]);
}

#[test]
fn usage_is_counted_by_model_and_session() {
    let fixture = Fixture::start(Script::always([
        Step::Text("Fine.".to_owned()),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 3,
            cached_tokens: 20,
        },
    ]));
    run(&fixture.home, &["-s", "demo"], Stdin::Text("one"));
    run(
        &fixture.home,
        &["--model", "test:other"],
        Stdin::Text("two"),
    );
    let usage = command(&fixture.home, &["--json", "usage"]).json();
    for (field, expected) in [
        ("input_tokens", 60),
        ("cached_tokens", 40),
        ("output_tokens", 6),
        ("model_calls", 2),
    ] {
        assert_eq!(usage["total"][field], expected, "{field}");
    }
    assert_eq!(usage["groups"].as_array().map(Vec::len), Some(2));
    let usage = command(&fixture.home, &["--json", "usage", "-s", "demo"]).json();
    assert_eq!(usage["total"]["model_calls"], 1);
    command(&fixture.home, &["usage", "-s", "nope"])
        .assert_error(4, &["there is no session `nope`"]);
}
