//! Tests of the renderer.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::{TurnOutcome, Usage};
use serde_json::Value;

use super::*;

fn finished(outcome: TurnOutcome) -> Show {
    Show::Finished {
        outcome,
        usage: Usage {
            input_tokens: 3,
            cached_tokens: 1,
            output_tokens: 2,
            model_calls: 1,
            ..Usage::default()
        },
    }
}

fn call() -> Show {
    Show::ToolCall {
        call_id: "c1".into(),
        tool: "shell".to_owned(),
        args: json!({"command": "df -h\x1b[2J"}),
    }
}

fn result() -> Show {
    Show::ToolResult {
        call_id: "c1".into(),
        tool: "shell".to_owned(),
        output: "full".to_owned(),
        success: true,
        duration_ms: Some(120),
        diff: None,
        outside: None,
    }
}

fn approval() -> Show {
    Show::Approval(Box::new(crate::request::sample()))
}

fn rendered(style: Style, for_terminal: bool, shows: &[Show]) -> (String, Vec<String>) {
    let mut renderer = Renderer::new(style, for_terminal);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    for show in shows {
        renderer.show(show, &mut out, &mut notes);
    }
    renderer.close(&mut out);
    (String::from_utf8(out).unwrap(), notes)
}

fn text(text: &str) -> Show {
    Show::Text(text.to_owned())
}

#[test]
fn answer_ends_with_one_line_end() {
    let check = |style, pieces: &[&str], expected: &str| {
        let mut shows: Vec<Show> = pieces.iter().map(|piece| text(piece)).collect();
        shows.push(finished(TurnOutcome::Completed));
        let (out, notes) = rendered(style, false, &shows);
        assert_eq!((out.as_str(), notes.len()), (expected, 0), "{pieces:?}");
    };
    for style in [Style::Text, Style::Lines] {
        check(style, &["Hel", "lo"], "Hello\n");
        check(style, &["Hello\n"], "Hello\n");
        check(style, &["a\n\n"], "a\n\n");
        check(style, &[], "");
        check(style, &["a\nb", "\nc"], "a\nb\nc\n");
    }
}

#[test]
fn lines_are_held_until_they_are_whole() {
    let mut renderer = Renderer::new(Style::Lines, false);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    renderer.show(&text("a\nb"), &mut out, &mut notes);
    assert_eq!(out, b"a\n");
    renderer.show(&text("c\n"), &mut out, &mut notes);
    assert_eq!(out, b"a\nbc\n");
}

#[test]
fn text_is_changed_for_a_terminal_only() {
    let shows = [text("\x1b[31mred\r\n")];
    assert_eq!(rendered(Style::Text, true, &shows).0, "^[[31mred\n");
    assert_eq!(rendered(Style::Text, false, &shows).0, "\x1b[31mred\r\n");
}

#[test]
fn only_the_answer_goes_to_stdout() {
    let shows = [
        Show::Model("p:m".to_owned()),
        Show::User("q".to_owned()),
        Show::Reasoning("hm".to_owned()),
        text("Let me see."),
        call(),
        result(),
        Show::NewPart,
        text("Full."),
        Show::Notice("slow".to_owned()),
        finished(TurnOutcome::Completed),
    ];
    let (out, notes) = rendered(Style::Text, false, &shows);
    assert_eq!(out, "Let me see.\nFull.\n");
    assert_eq!(
        notes,
        ["tool shell: df -h^[[2J", "tool shell ok 0.1s", "slow"]
    );
}

#[test]
fn json_keeps_the_answer_as_it_was_written() {
    let mut renderer = Renderer::new(Style::Json, true);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    for show in [
        Show::Model("p:m".to_owned()),
        text("a\x1b"),
        Show::NewPart,
        text("b"),
    ] {
        renderer.show(&show, &mut out, &mut notes);
    }
    assert_eq!(
        (renderer.answer(), renderer.model(), out.as_slice()),
        ("a\x1b\nb", Some("p:m"), b"".as_slice())
    );
}

#[test]
fn stream_lines_have_their_shapes() {
    let mut renderer = Renderer::new(Style::JsonLines, true);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    renderer.start(Some("s".into()), Some("t".into()));
    for show in [
        Show::User("q".to_owned()),
        Show::Model("p:m".to_owned()),
        Show::Reasoning("hm".to_owned()),
        text("a\nb"),
        call(),
        approval(),
        Show::Decided {
            approval_id: "a".into(),
            decision: ApprovalDecision::Denied,
            by: None,
        },
        result(),
        Show::NewPart,
        Show::Notice("n".to_owned()),
        finished(TurnOutcome::Completed),
    ] {
        renderer.show(&show, &mut out, &mut notes);
    }
    let error = ApiError::new(mesoclaw_api::ErrorCode::Timeout, "late");
    renderer.end_lines("timeout", Some(&error), 124, &mut out);
    let lines: Vec<Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [
        json!({"type": "start", "version": 1, "session_id": "s", "turn_id": "t", "model": "p:m"}),
        json!({"type": "reasoning", "text": "hm"}),
        json!({"type": "text", "text": "a\nb"}),
        json!({"type": "tool_call", "call_id": "c1", "tool": "shell", "args": {"command": "df -h\x1b[2J"}}),
        json!({"type": "approval", "approval_id": "a", "call_id": "c1", "tool": "shell",
            "args": {"command": "rm x"}, "risk": "high", "reason": "it deletes", "rule": "delete",
            "decision": null}),
        json!({"type": "approval", "approval_id": "a", "decision": "denied", "by": null}),
        json!({"type": "tool_result", "call_id": "c1", "tool": "shell", "output": "full",
            "success": true, "duration_ms": 120, "diff": null, "outside": null}),
        json!({"type": "text", "text": "\n"}),
        json!({"type": "notice", "text": "n"}),
        json!({"type": "usage", "input_tokens": 3, "cached_tokens": 1, "output_tokens": 2,
            "model_calls": 1}),
        json!({"type": "error", "error_code": "MESO_TIMEOUT", "message": "late", "hint": null}),
        json!({"type": "end", "outcome": "timeout", "exit_code": 124}),
    ];
    assert_eq!(lines, expected);
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn chat_reads_like_a_transcript() {
    let shows = [
        text("Let me"),
        text(" see."),
        call(),
        result(),
        Show::NewPart,
        text("Full.\n"),
        finished(TurnOutcome::Cancelled),
    ];
    assert_eq!(
        rendered(Style::Chat, true, &shows).0,
        "meso: Let me see.\n\
         [tool 1] shell: df -h^[[2J ... ok 0.1s\n\
         meso: Full.\n\
         (stopped; /continue goes on)\n"
    );
}

#[test]
fn chat_shows_approvals_and_errors() {
    let shows = [
        call(),
        approval(),
        Show::Decided {
            approval_id: "a".into(),
            decision: ApprovalDecision::Approved,
            by: Some(mesoclaw_api::Surface::Tui),
        },
        result(),
        finished(TurnOutcome::Failed {
            error_code: mesoclaw_api::ErrorCode::AgentAuth,
            message: "the key was refused".to_owned(),
            hint: Some("set KEY".to_owned()),
        }),
    ];
    assert_eq!(
        rendered(Style::Chat, true, &shows).0,
        "[tool 1] shell: df -h^[[2J ...\n\
         approval needed: shell: rm x   risk high\n  it deletes (delete)\n\
         approved in the full-screen interface\n\
         [tool 1] shell ok 0.1s\n\
         error: the key was refused\n  set KEY\n"
    );
}

#[test]
fn chat_shows_changes_refusals_and_text_from_outside() {
    let result =
        |success, duration_ms, diff: Option<String>, outside: Option<&str>| Show::ToolResult {
            call_id: "c1".into(),
            tool: "shell".to_owned(),
            output: "denied by policy: it deletes\nsecond".to_owned(),
            success,
            duration_ms,
            diff,
            outside: outside.map(str::to_owned),
        };
    let diff = crate::request::added_lines(25).replace('+', "+\x1b");
    let shown = |shows: &[Show]| rendered(Style::Chat, true, shows).0;
    let first = "[tool 1] shell: df -h^[[2J ...";
    assert_eq!(
        shown(&[call(), result(false, None, None, None)]),
        format!("{first} failed\n  | denied by policy: it deletes\n")
    );
    let lines = crate::request::added_lines(20).replace('+', "  | +^[");
    assert_eq!(
        shown(&[call(), result(true, Some(1), Some(diff), None)]),
        format!("{first} ok 0.0s\n{lines}  (5 more lines: session show has all)\n")
    );
    let outside = result(true, Some(1), None, Some("web https://a.example/"));
    assert_eq!(
        shown(&[call(), outside.clone(), outside]),
        format!(
            "{first} ok 0.0s\n  (web https://a.example/ is text from outside: changes ask from \
             here on)\n[tool 1] shell ok 0.0s\n"
        )
    );
}

#[test]
fn who_asks_the_person_shows_the_request() {
    let mut renderer = Renderer::new(Style::Chat, true).asking(80);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    for show in [call(), approval()] {
        renderer.show(&show, &mut out, &mut notes);
    }
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "[tool 1] shell: df -h^[[2J ...\n"
    );
    let mut renderer = Renderer::new(Style::Text, true).asking(80);
    let mut out = Vec::new();
    for show in [text("Let me"), approval()] {
        renderer.show(&show, &mut out, &mut notes);
    }
    assert_eq!(
        (String::from_utf8(out).unwrap().as_str(), notes.len()),
        ("Let me\n", 0)
    );
}

#[test]
fn start_line_comes_first_even_when_nothing_started() {
    let mut renderer = Renderer::new(Style::JsonLines, false);
    let mut out = Vec::new();
    renderer.end_lines("failed", None, 3, &mut out);
    let lines = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            json!({"type": "start", "version": 1, "session_id": null, "turn_id": null, "model": null}),
            json!({"type": "end", "outcome": "failed", "exit_code": 3}),
        ]
    );
}

#[test]
fn every_turn_in_a_chat_has_its_prefix() {
    let shows = [
        text("one"),
        finished(TurnOutcome::Completed),
        text("two"),
        finished(TurnOutcome::Completed),
    ];
    assert_eq!(
        rendered(Style::Chat, true, &shows).0,
        "meso: one\nmeso: two\n"
    );
}

#[test]
fn a_note_is_said_aloud_and_a_change_of_the_model_counts() {
    let shows = [
        Show::Model("p:m".to_owned()),
        Show::Note("p:m could not answer (busy); p:o answers instead".to_owned()),
        Show::ModelChanged {
            model: "p:o".to_owned(),
            reason: "busy".to_owned(),
        },
        text("Hi."),
    ];
    // In the plain forms the follower says notes on stderr.
    let (out, notes) = rendered(Style::Text, false, &shows);
    assert_eq!((out.as_str(), notes.len()), ("Hi.\n", 0));
    assert_eq!(
        rendered(Style::Chat, false, &shows).0,
        "(p:m could not answer (busy); p:o answers instead)\nmeso: Hi.\n"
    );
    let mut renderer = Renderer::new(Style::JsonLines, false);
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    for show in &shows {
        renderer.show(show, &mut out, &mut notes);
    }
    assert_eq!(renderer.model(), Some("p:o"));
    let lines: Vec<Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[2],
        json!({"type": "model_changed", "model": "p:o", "reason": "busy"})
    );
}
