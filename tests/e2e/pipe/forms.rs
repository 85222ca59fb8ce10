//! The forms of the answer: text as it comes, one object, lines of events.

use mesoclaw_testkit::model_server::{Ending, Reply, Script, Step};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fixture::{Fixture, numbers};
use crate::process::{Ran, Running, Stdin, mesoclaw, run};

fn text(text: &str) -> Step {
    Step::Text(text.to_owned())
}

#[test]
fn text_is_on_stdout_before_the_model_is_done() {
    let fixture = Fixture::start(Script::always([text("The first "), Step::Stall(60_000)]));
    let running = Running::start(&mut mesoclaw(&fixture.home, &["q"]), Stdin::Text(""));
    running.wait_for_stdout("The first ");
    assert_eq!(fixture.server.requests()[0].ending, None, "it still speaks");
    assert_eq!(running.stdout(), "The first ");
    running.signal(Signal::INT);
    assert_eq!(running.finish().code, 130);
    assert_eq!(
        fixture.server.wait_for_ending_blocking(0),
        Ending::ClientGone
    );
}

#[test]
fn with_line_only_whole_lines_are_passed_on() {
    let fixture = Fixture::start(Script::always([
        text("one\nt"),
        text("wo\nthr"),
        Step::Stall(60_000),
    ]));
    let running = Running::start(
        &mut mesoclaw(&fixture.home, &["--line", "q"]),
        Stdin::Text(""),
    );
    running.wait_for_stdout("two\n");
    assert_eq!(running.stdout(), "one\ntwo\n");
    running.signal(Signal::TERM);
    let ran = running.finish();
    assert_eq!((ran.code, ran.stdout.as_str()), (143, "one\ntwo\nthr\n"));
}

#[test]
fn stdout_is_the_answer_and_one_line_end() {
    let answers = [
        ("Hello, Ada.", "Hello, Ada.\n"),
        ("Two\n\nlines\n", "Two\n\nlines\n"),
        ("  indented", "  indented\n"),
        // A pipe gets what the model wrote; only a terminal is protected.
        (
            "\u{1b}[31mred\u{1b}[0m\ttab",
            "\u{1b}[31mred\u{1b}[0m\ttab\n",
        ),
        (
            "naïve 日本語 👩\u{200d}🚀 e\u{301} \u{202e}x",
            "naïve 日本語 👩\u{200d}🚀 e\u{301} \u{202e}x\n",
        ),
    ];
    // Each answer once as a whole and once a character at a time.
    let replies = answers.iter().flat_map(|(answer, _)| {
        let chars = answer.chars().map(|c| text(&c.to_string()));
        [Reply::new([text(answer)]), Reply::new(chars)]
    });
    let fixture = Fixture::start(Script::replies(replies));
    for (answer, expected) in answers {
        for _ in 0..2 {
            let ran = run(&fixture.home, &["q"], Stdin::Text(""));
            assert_eq!(ran, Ran::ok(expected), "{answer:?}");
        }
    }
}

#[test]
fn a_long_answer_is_complete() {
    let fixture = Fixture::start(Script::always([Step::tokens(40_000)]));
    let whole = numbers(40_000);
    assert!(whole.len() > 200_000);
    let ran = run(&fixture.home, &["q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout == format!("{whole}\n"),
        "{} bytes",
        ran.stdout.len()
    );
}

#[test]
fn json_is_one_object() {
    let fixture = Fixture::start(Script::always([
        text("Hello, "),
        text("Ada."),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 3,
            cached_tokens: 20,
        },
    ]));
    let ran = run(&fixture.home, &["--json", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout.lines().count(), 1);
    let mut object = ran.json();
    for id in ["session_id", "turn_id"] {
        let value = object[id].take();
        assert!(value.as_str().is_some_and(|id| !id.is_empty()), "{value}");
    }
    assert_eq!(
        object,
        json!({
            "response": "Hello, Ada.",
            "session_id": null,
            "turn_id": null,
            "model": "test:test-model",
            "usage": {
                "input_tokens": 30,
                "cached_tokens": 20,
                "cache_write_tokens": 0,
                "output_tokens": 3,
                "reasoning_tokens": 0,
                "model_calls": 1,
            },
            "outcome": "completed",
        })
    );
}

#[test]
fn json_says_what_went_wrong() {
    let fixture = Fixture::start(Script::always([text("Half an ans"), Step::Cut]));
    let ran = run(&fixture.home, &["--json", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (7, ""));
    let object = ran.json();
    assert_eq!(object["response"], "Half an ans");
    assert_eq!(object["outcome"], "failed");
    assert_eq!(object["error"]["error_code"], "MESO_AGENT_CONNECTION");

    // Errors before anything was asked are JSON too.
    let ran = run(&fixture.home, &["--json"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(ran.error()["error_code"], "MESO_INVALID_PARAMS");
    let ran = run(
        &fixture.home,
        &["--json", "--no-such-flag"],
        Stdin::Text(""),
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(ran.error()["error_code"], "MESO_INVALID_PARAMS");
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn stream_json_is_a_line_an_event() {
    let fixture = Fixture::start(Script::always([
        Step::Reasoning("Who is it?".to_owned()),
        text("Hello, "),
        text("Ada.\n"),
        Step::Usage {
            prompt_tokens: 30,
            completion_tokens: 3,
            cached_tokens: 0,
        },
    ]));
    let ran = run(&fixture.home, &["--stream-json", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let lines = lines(&ran);
    let first = &lines[0];
    assert_eq!(
        (&first["type"], &first["version"], &first["model"]),
        (&json!("start"), &json!(1), &json!("test:test-model"))
    );
    assert!(first["session_id"].is_string() && first["turn_id"].is_string());
    let joined = |kind: &str| -> String {
        let of_kind = lines.iter().filter(|line| line["type"] == kind);
        of_kind.map(|line| line["text"].as_str().unwrap()).collect()
    };
    assert_eq!(joined("reasoning"), "Who is it?");
    assert_eq!(joined("text"), "Hello, Ada.\n");
    let mut kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["type"].as_str().expect("a type"))
        .collect();
    kinds.dedup();
    assert_eq!(kinds, ["start", "reasoning", "text", "usage", "end"]);
    assert_eq!(
        lines[lines.len() - 2..],
        [
            json!({"type": "usage", "input_tokens": 30, "cached_tokens": 0, "output_tokens": 3,
                   "model_calls": 1}),
            json!({"type": "end", "outcome": "completed", "exit_code": 0}),
        ]
    );
}

#[test]
fn stream_json_comes_as_it_happens_and_ends_with_the_error() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([text("The first "), Step::Stall(60_000)]),
        Reply::status(400),
    ]));
    let running = Running::start(
        &mut mesoclaw(&fixture.home, &["--stream-json", "q"]),
        Stdin::Text(""),
    );
    running.wait_for_stdout("The first ");
    assert_eq!(fixture.server.requests()[0].ending, None, "it still speaks");
    running.signal(Signal::INT);
    let ran = running.finish();
    assert_eq!(ran.code, 130);
    let end = json!({"type": "end", "outcome": "cancelled", "exit_code": 130});
    assert_eq!(lines(&ran).last(), Some(&end));

    let ran = run(&fixture.home, &["--stream-json", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (7, ""));
    let lines = lines(&ran);
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    assert_eq!(kinds, ["start", "usage", "error", "end"]);
    assert_eq!(lines[2]["error_code"], "MESO_AGENT_ERROR");
    assert!(
        lines[2]["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(
        lines[3],
        json!({"type": "end", "outcome": "failed", "exit_code": 7})
    );
}
