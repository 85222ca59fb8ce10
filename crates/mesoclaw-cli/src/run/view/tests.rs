//! Tests of the view: what is shown for which events.

use mesoclaw_api::{ErrorCode, Timestamp};
use serde_json::json;

use super::*;

fn view() -> TurnView {
    TurnView::new("s".into(), "t".into())
}

fn delta(item: &str, text: &str) -> Event {
    Event::TextDelta {
        session_id: "s".into(),
        turn_id: "t".into(),
        item_id: item.into(),
        text: text.to_owned(),
    }
}

fn item(id: &str, body: ItemBody) -> Item {
    Item {
        id: id.into(),
        session_id: "s".into(),
        turn_id: Some("t".into()),
        position: 1,
        created_at: Timestamp::from_unix_ms(0),
        body,
    }
}

fn answer(id: &str, text: &str, complete: bool) -> Item {
    item(
        id,
        ItemBody::Assistant {
            text: text.to_owned(),
            complete,
            model: "p:m".to_owned(),
        },
    )
}

fn call(id: &str) -> Item {
    item(
        id,
        ItemBody::ToolCall {
            call_id: "c".into(),
            tool: "clock".to_owned(),
            args: json!({}),
            signature: None,
        },
    )
}

fn finished(outcome: TurnOutcome) -> Event {
    Event::TurnFinished {
        session_id: "s".into(),
        turn_id: "t".into(),
        outcome,
        usage: Usage::default(),
    }
}

fn text(shows: &[Show]) -> String {
    shows
        .iter()
        .map(|show| match show {
            Show::Text(text) => text.as_str(),
            Show::NewPart => "|",
            _ => "",
        })
        .collect()
}

#[test]
fn text_is_shown_once_whether_it_comes_as_delta_or_stored() {
    let mut view = view();
    let mut shows = Vec::new();
    for event in [
        delta("1", "Hel"),
        Event::ItemStored {
            item: answer("1", "Hel", false),
        },
        delta("1", "lo"),
        Event::ItemStored {
            item: answer("1", "Hel", false),
        },
        Event::ItemStored {
            item: answer("1", "Hello", true),
        },
        finished(TurnOutcome::Completed),
    ] {
        shows.extend(view.apply(&event));
    }
    assert_eq!(text(&shows), "Hello");
    assert_eq!(
        view.finished(),
        Some(&(TurnOutcome::Completed, Usage::default()))
    );
}

#[test]
fn after_a_gap_stored_text_counts_and_deltas_do_not() {
    let mut view = view();
    let mut shows = view.apply(&delta("1", "one "));
    view.lost_events();
    shows.extend(view.apply(&delta("1", "three ")));
    shows.extend(view.reconcile(&answer("1", "one two three ", false)));
    shows.extend(view.apply(&delta("1", "four")));
    shows.extend(view.apply(&Event::ItemStored {
        item: answer("1", "one two three four", true),
    }));
    assert_eq!(text(&shows), "one two three four");
    assert!(view.has_gap());
}

#[test]
fn stored_text_that_is_behind_shows_nothing() {
    let mut view = view();
    view.apply(&delta("1", "naïve text"));
    assert_eq!(view.reconcile(&answer("1", "na", false)), []);
    // A length in the middle of a character belongs to another text: nothing is guessed.
    assert_eq!(view.reconcile(&answer("1", "ééééééééé", false)), []);
}

#[test]
fn parts_are_divided_where_a_tool_ran() {
    let mut with_tool = view();
    let mut shows = with_tool.apply(&delta("1", "Let me see."));
    shows.extend(with_tool.apply(&Event::ItemStored { item: call("2") }));
    shows.extend(with_tool.apply(&delta("4", "It is")));
    shows.extend(with_tool.apply(&delta("4", " noon.")));
    assert_eq!(text(&shows), "Let me see.|It is noon.");

    let mut continued = view();
    let mut shows = continued.apply(&delta("1", "half a wo"));
    shows.extend(continued.apply(&delta("2", "rd")));
    assert_eq!(text(&shows), "half a word");
}

#[test]
fn items_that_do_not_grow_are_shown_once() {
    let mut view = view();
    assert_eq!(view.reconcile(&call("2")).len(), 1);
    assert_eq!(view.reconcile(&call("2")), []);
}

#[test]
fn other_turns_and_sessions_show_nothing() {
    let mut view = view();
    let mut foreign = answer("1", "x", true);
    foreign.turn_id = Some("other".into());
    assert_eq!(view.reconcile(&foreign), []);
    foreign.turn_id = None;
    assert_eq!(view.reconcile(&foreign), []);
    for event in [
        Event::TextDelta {
            session_id: "s".into(),
            turn_id: "other".into(),
            item_id: "1".into(),
            text: "x".to_owned(),
        },
        Event::TurnFinished {
            session_id: "s".into(),
            turn_id: "other".into(),
            outcome: TurnOutcome::Completed,
            usage: Usage::default(),
        },
        Event::ApprovalResolved {
            approval_id: "a".into(),
            session_id: Some("other".into()),
            decision: ApprovalDecision::Denied,
            by: None,
        },
        // A tool that somebody runs by itself.
        Event::ToolProgress {
            session_id: Some("s".into()),
            turn_id: None,
            call_id: "c".into(),
            text: "x".to_owned(),
        },
    ] {
        assert_eq!(view.apply(&event), [], "{event:?}");
    }
    assert_eq!(view.refusals(), []);
    assert_eq!(view.finished(), None);
}

fn result(call_id: &str, output: &str, success: bool, duration_ms: Option<u64>) -> Item {
    item(
        &format!("result of {call_id}"),
        ItemBody::ToolResult {
            call_id: call_id.into(),
            tool: "clock".to_owned(),
            output: output.to_owned(),
            success,
            duration_ms,
            diff: None,
            provenance: None,
        },
    )
}

#[test]
fn calls_that_were_denied_are_remembered_once_with_the_reason() {
    let refusal = |why: &str| Refusal {
        call_id: "c".into(),
        tool: "clock".to_owned(),
        args: json!({}),
        why: why.to_owned(),
    };
    for decision in [ApprovalDecision::Denied, ApprovalDecision::TimedOut] {
        let mut view = view();
        view.reconcile(&call("2"));
        view.reconcile(&item(
            "3",
            ItemBody::Approval {
                approval_id: "a".into(),
                call_id: "c".into(),
                decision,
                reason: None,
            },
        ));
        assert_eq!(view.refusals(), [refusal("")]);
        view.reconcile(&result("c", "denied by the user: later", false, None));
        assert_eq!(view.refusals(), [refusal("denied by the user: later")]);
    }
    for (output, success, duration_ms, is_refused) in [
        ("denied by policy: it deletes", false, None, true),
        ("denied by the server", false, Some(3), false),
        ("the arguments are wrong", false, None, false),
        ("denied is a word", true, Some(1), false),
    ] {
        let mut view = view();
        view.reconcile(&call("2"));
        view.reconcile(&result("c", output, success, duration_ms));
        assert_eq!(!view.refusals().is_empty(), is_refused, "{output}");
    }
}

#[test]
fn text_from_outside_and_changes_are_shown() {
    let mut stored = result("c", "x", true, Some(1));
    if let ItemBody::ToolResult {
        diff, provenance, ..
    } = &mut stored.body
    {
        *diff = Some("+a".to_owned());
        *provenance = Some(mesoclaw_api::item::Provenance {
            source: "web https://a.example/".to_owned(),
            taints: true,
            fence: "f".to_owned(),
        });
    }
    assert_eq!(
        view().reconcile(&stored),
        [Show::ToolResult {
            call_id: "c".into(),
            tool: "clock".to_owned(),
            output: "x".to_owned(),
            success: true,
            duration_ms: Some(1),
            diff: Some("+a".to_owned()),
            outside: Some("web https://a.example/".to_owned()),
        }]
    );
}

#[test]
fn the_end_is_told_once() {
    let outcome = TurnOutcome::Failed {
        error_code: ErrorCode::Agent,
        message: "broken".to_owned(),
        hint: None,
    };
    let mut view = view();
    let stored = item(
        "9",
        ItemBody::Outcome {
            outcome: outcome.clone(),
            usage: Usage::default(),
        },
    );
    assert_eq!(view.reconcile(&stored).len(), 1);
    assert_eq!(view.apply(&finished(outcome)), []);
}

#[test]
fn own_message_is_not_repeated() {
    let message = item(
        "0",
        ItemBody::User {
            text: "hi".to_owned(),
            images: Vec::new(),
        },
    );
    assert_eq!(view().reconcile(&message), [Show::User("hi".to_owned())]);
    let mut own = TurnView::of_own_message("s".into(), "t".into());
    assert_eq!(own.reconcile(&message), []);
}

#[test]
fn another_model_is_told_and_its_note_stays() {
    let mut view = view();
    let changed = Event::TurnModelChanged {
        session_id: "s".into(),
        turn_id: "t".into(),
        model: "p:other".to_owned(),
        reason: "it is busy".to_owned(),
    };
    assert_eq!(
        view.apply(&changed),
        [Show::ModelChanged {
            model: "p:other".to_owned(),
            reason: "it is busy".to_owned(),
        }]
    );
    let note = "p:m could not answer (it is busy); p:other answers instead".to_owned();
    let stored = item("n", ItemBody::Notice { text: note.clone() });
    assert_eq!(view.reconcile(&stored), [Show::Note(note)]);
    assert_eq!(view.reconcile(&stored), []);
}
