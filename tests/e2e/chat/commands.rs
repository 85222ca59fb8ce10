//! The slash commands.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;

use super::{leave, leave_with, lines, open, say, type_line, wait_for_prompt};
use crate::fixture::Fixture;
use crate::process::{Stdin, command, mesoclaw, prompt_of, run};

#[test]
fn help_lists_the_commands() {
    let fixture = Fixture::start(Script::text("Fine."));
    for word in ["/help", "?"] {
        let pty = open(&fixture, &[]);
        say(&pty, word, "Ctrl-C stops an answer, Ctrl-D leaves.");
        let text = pty.screen_text();
        for name in [
            "/new",
            "/session",
            "/sessions",
            "/switch",
            "/model",
            "/queue",
            "/continue",
            "/cancel",
            "/usage",
            "/export",
            "/detach",
            "/quit",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "{name} in {text}");
        }
        leave(&pty);
    }
    assert_eq!(fixture.server.requests(), []);
}

#[test]
fn what_is_no_command_is_said_so_or_sent() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    say(&pty, "/nope", "there is no command /nope; /help lists them");
    say(&pty, "/switch", "usage: /switch NAME");
    say(&pty, "/continue", "there is no session yet");
    assert_eq!(fixture.server.requests(), []);
    say(&pty, "//etc is full", "meso: Fine.");
    assert_eq!(prompt_of(&fixture.server.requests()[0]), "/etc is full");
    leave(&pty);
}

#[test]
fn sessions_are_made_listed_and_switched() {
    let fixture = Fixture::start(Script::always([Step::Echo]));
    let pty = open(&fixture, &[]);
    say(
        &pty,
        "/session",
        "(a new session: the first message makes it)",
    );
    // The first session of a person who starts empty needs no name.
    say(&pty, "first of all", "meso: first of all");
    say(&pty, "/new plan", "(session plan)");
    say(&pty, "second thing", "meso: second thing");
    say(&pty, "/session", "2 messages, idle");
    say(&pty, "/sessions", "first of all");
    let text = pty.screen_text();
    assert!(text.contains("MESSAGES") && text.contains("plan"), "{text}");
    say(&pty, "/switch nope", "there is no session `nope`");
    say(&pty, "/switch first of all", "(session first of all)");
    // What was said there is shown again.
    pty.wait_for("end of the session", |screen| {
        screen.contents().matches("> first of all\n").count() == 2
    });
    say(&pty, "third thing", "meso: third thing");
    say(&pty, "/new", "(session new)");
    say(&pty, "fourth thing", "meso: fourth thing");
    leave(&pty);
    let list = command(&fixture.home, &["--json", "session", "list"]).json();
    let mut titles: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["title"].as_str().unwrap())
        .collect();
    titles.sort_unstable();
    assert_eq!(titles, ["first of all", "fourth thing", "plan"]);
    let lengths: Vec<usize> = fixture
        .server
        .requests()
        .iter()
        .map(|request| crate::process::said_in(request).len())
        .collect();
    assert_eq!(lengths, [1, 1, 3, 1]);
}

#[test]
fn the_model_is_shown_and_chosen() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &[]);
    say(&pty, "/model", "test:test-model (default)");
    say(&pty, "/model test:other", "(model test:other from here on)");
    say(&pty, "hello", "meso: Fine.");
    leave(&pty);
    assert_eq!(fixture.server.requests()[0].body["model"], "other");
}

#[test]
fn usage_is_counted() {
    let fixture = Fixture::start(Script::always([
        Step::Text("Fine.".to_owned()),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 3,
            cached_tokens: 20,
        },
    ]));
    let pty = open(&fixture, &[]);
    say(&pty, "hello", "meso: Fine.");
    say(
        &pty,
        "/usage",
        "in 30 (20 cached), out 3 tokens, 1 model calls",
    );
    leave(&pty);
}

#[test]
fn a_session_is_exported() {
    let fixture = Fixture::start(Script::text("Fine."));
    let pty = open(&fixture, &["-s", "demo"]);
    say(&pty, "hello", "meso: Fine.");
    say(&pty, "/export demo.md", "(written to demo.md)");
    leave(&pty);
    let text = std::fs::read_to_string(fixture.home.user_home().join("demo.md")).unwrap();
    assert!(text.starts_with("# demo\n\nSession "), "{text}");
    assert!(
        text.ends_with("\n## You\n\nhello\n\n## test:test-model\n\nFine.\n"),
        "{text}"
    );
}

#[test]
fn detach_says_how_to_come_back() {
    for (word, says) in [("/detach", true), ("/quit", false)] {
        let mut fixture = Fixture::start(Script::text("Fine."));
        let pty = open(&fixture, &["-s", "demo"]);
        say(&pty, "hello", "meso: Fine.");
        type_line(&pty, word);
        assert_eq!(pty.wait_for_exit().exit_code(), 0);
        let is_said = pty
            .screen_text()
            .contains("to come back: mesoclaw chat -s ");
        assert_eq!(is_said, says, "{word}");
        assert!(fixture.daemon.is_running());
        // The way back shows the end of the conversation.
        let pty = open(&fixture, &["-c"]);
        // After the name of the session and its workspace.
        assert_eq!(lines(&pty)[2..], ["> hello", "meso: Fine.", ">"], "{word}");
        leave(&pty);
    }
}

#[test]
fn waiting_messages_are_listed_changed_and_taken_back() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("slow ".to_owned()), Step::Stall(60_000)]),
        Reply::text("Fine."),
    ]));
    run(
        &fixture.home,
        &["session", "queue", "demo", "x"],
        Stdin::Null,
    )
    .assert_error(4, &["there is no session `demo`"]);
    let pty = open(&fixture, &["-s", "demo"]);
    let queue = |text: &str| {
        let ran = command(&fixture.home, &["session", "queue", "demo", text]);
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    queue("long one");
    fixture.server.wait_for_content_blocking(0);
    queue("secnod");
    pty.wait_for_text("(queued 1: secnod)");
    queue("third");
    pty.wait_for_text("(queued 2: third)");
    wait_for_prompt(&pty);
    say(&pty, "/queue", "2  third");
    say(&pty, "/queue edit 1 second", "(changed)");
    say(&pty, "/queue drop 2", "(taken back)");
    say(&pty, "/queue drop 7", "there is no waiting message `7`");
    say(&pty, "/cancel", "(stopped)");
    pty.wait_for_text("meso: Fine.");
    wait_for_prompt(&pty);
    say(&pty, "/queue", "no message waits");
    say(&pty, "/cancel", "(nothing runs)");
    leave_with(&pty, 4);
    assert!(prompt_of(&fixture.server.requests()[1]).ends_with("second"));
    assert_eq!(fixture.server.requests().len(), 2);
}

#[test]
fn somebody_without_a_model_is_asked_and_may_say_no() {
    let home = TestHome::new();
    let pty = Pty::spawn(&mesoclaw(&home, &[]), 40, 100);
    pty.wait_for_text("choice [1]:");
    type_line(&pty, "99");
    pty.wait_for_text("a number from 1 to ");
    pty.wait_for("the question again", |screen| {
        screen.contents().matches("choice [1]:").count() == 2
    });
    let text = pty.screen_text();
    assert!(text.contains("a model that runs inside mesoclaw"), "{text}");
    assert!(text.contains("another provider"), "{text}");
    let (before, _) = text.split_once(" not now").expect("a way out");
    let number = before.rsplit(char::is_whitespace).next().unwrap();
    type_line(&pty, number);
    pty.wait_for_text("no model is set up: mesoclaw setup");
    wait_for_prompt(&pty);
    say(&pty, "hello", "mesoclaw setup --local");
    leave_with(&pty, 6);
}

#[test]
fn a_provider_is_set_up_by_questions() {
    let fixture = Fixture::start(Script {
        models: vec!["small".to_owned(), "large".to_owned()],
        ..Script::text("Fine.")
    });
    let home = TestHome::new();
    let pty = Pty::spawn(&mesoclaw(&home, &[]), 40, 100);
    pty.wait_for_text("choice [1]:");
    let text = pty.screen_text();
    let (before, _) = text.split_once(" another provider").expect("a choice");
    type_line(&pty, before.rsplit(char::is_whitespace).next().unwrap());
    for (question, answer) in [
        (
            "address, with /v1 where it has that:",
            fixture.server.base_url().as_str(),
        ),
        ("short name for it [server]:", ""),
        ("key (not shown; empty: none):", ""),
        ("model (empty: choose from its list):", "large"),
    ] {
        pty.wait_for_text(question);
        type_line(&pty, answer);
    }
    pty.wait_for_text("Done: answers come from server:large.");
    wait_for_prompt(&pty);
    say(&pty, "hello", "meso: Fine.");
    leave(&pty);
    let requests = fixture.server.requests();
    let last = requests.last().unwrap();
    assert_eq!(
        (prompt_of(last).as_str(), &last.body["model"]),
        ("hello", &"large".into())
    );
    // It is not asked again.
    let pty = Pty::spawn(&mesoclaw(&home, &[]), 40, 100);
    pty.wait_for_text("mesoclaw: new session (server:large)");
}
