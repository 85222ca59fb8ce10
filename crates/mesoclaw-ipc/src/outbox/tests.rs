//! Tests of the outbox: what is written after a script of pushes and writes.

use super::*;

const SMALL: Capacity = Capacity {
    entries: 4,
    reserve: 3,
    bytes: 1000,
};

/// One step of a script.
enum Step {
    /// Part of the text of an item in a session.
    Text(&'static str, &'static str, &'static str),
    /// The same for thinking.
    Thought(&'static str, &'static str, &'static str),
    /// An event that may be dropped, about no session.
    Warning,
    /// An event that must be delivered.
    Must,
    /// An answer with this id.
    Answer(i64),
    /// The service lost so many events.
    Lost(u64),
    /// Everything that waits is written.
    Write,
}
use Step::{Answer, Lost, Must, Text, Thought, Warning, Write};

fn frame(seq: u64, event: Event) -> Arc<EventFrame> {
    Arc::new(EventFrame {
        boot_id: "boot".into(),
        seq,
        event,
    })
}

fn text_delta(session: &str, item: &str, text: &str) -> Event {
    Event::TextDelta {
        session_id: session.into(),
        turn_id: "turn".into(),
        item_id: item.into(),
        text: text.to_owned(),
    }
}

fn event_of(step: &Step) -> Option<Event> {
    Some(match step {
        Text(session, item, text) => text_delta(session, item, text),
        Thought(session, item, text) => Event::ReasoningDelta {
            session_id: (*session).into(),
            turn_id: "turn".into(),
            item_id: (*item).into(),
            text: (*text).to_owned(),
        },
        Warning => Event::Warning {
            message: "mind".to_owned(),
        },
        Must => Event::ConfigChanged { keys: Vec::new() },
        Answer(_) | Lost(_) | Write => return None,
    })
}

/// Lines in short: `seq kind text`, `=id`, `lagged n`.
fn shorten(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["jsonrpc"], "2.0");
            let params = &line["params"];
            match line["method"].as_str() {
                Some("event") => {
                    let kind = params["kind"].as_str().unwrap();
                    let text = params["text"].as_str().unwrap_or_default();
                    let item = params["item_id"].as_str().unwrap_or_default();
                    let short = format!("{} {kind} {item} {text}", params["seq"]);
                    short.trim_end().to_owned()
                }
                Some("lagged") => format!("lagged {}", params["skipped"]),
                _ => format!("={}", line["id"]),
            }
        })
        .collect()
}

/// Runs a script; every event gets the next number. The last value says whether it overflowed.
fn run(capacity: Capacity, steps: &[Step]) -> (Vec<String>, bool) {
    let mut outbox = Outbox::new(capacity);
    let mut lines = Vec::new();
    let mut seq = 0;
    let mut write = |outbox: &mut Outbox| {
        while !outbox.is_empty() {
            let mut out = Vec::new();
            outbox.fill(&mut out);
            lines.extend(shorten(&out));
        }
        assert_eq!(outbox.queued_bytes, 0);
    };
    for step in steps {
        match step {
            Answer(id) => {
                outbox.push_answer(Some(RequestId::Number(*id)), Ok(Value::Null));
            }
            Lost(events) => outbox.skip(*events),
            Write => write(&mut outbox),
            Text(..) | Thought(..) | Warning | Must => {
                seq += 1;
                let event = event_of(step).unwrap();
                if outbox.push_event(frame(seq, event)) == Err(Overflow) {
                    return (lines, true);
                }
            }
        }
    }
    write(&mut outbox);
    (lines, false)
}

fn check(steps: &[Step], expected: &[&str]) {
    assert_eq!(
        run(SMALL, steps),
        (expected.iter().map(ToString::to_string).collect(), false)
    );
}

#[test]
fn parts_of_one_text_are_joined_while_they_wait() {
    let (one, two) = (Text("s", "a", "one "), Text("s", "a", "two"));
    check(&[one, two], &["2 text.delta a one two"]);
    let (one, two) = (Text("s", "a", "one "), Text("s", "a", "two"));
    check(
        &[one, Write, two],
        &["1 text.delta a one", "2 text.delta a two"],
    );
    check(
        &[Thought("s", "a", "hm "), Thought("s", "a", "yes")],
        &["2 reasoning.delta a hm yes"],
    );
}

#[test]
fn nothing_passes_an_answer_or_an_event_of_its_own_session() {
    check(
        &[Text("s", "a", "1"), Answer(7), Text("s", "a", "2")],
        &["1 text.delta a 1", "=7", "2 text.delta a 2"],
    );
    check(
        &[Text("s", "a", "1"), Warning, Text("s", "a", "2")],
        &["1 text.delta a 1", "2 warning", "3 text.delta a 2"],
    );
    check(
        &[
            Thought("s", "a", "1"),
            Text("s", "a", "2"),
            Thought("s", "a", "3"),
        ],
        &[
            "1 reasoning.delta a 1",
            "2 text.delta a 2",
            "3 reasoning.delta a 3",
        ],
    );
}

#[test]
fn texts_of_two_sessions_are_joined_and_numbers_never_go_back() {
    check(
        &[
            Text("s", "a", "1"),
            Text("t", "b", "x"),
            Text("s", "a", "2"),
            Text("t", "b", "y"),
        ],
        &["3 text.delta a 12", "4 text.delta b xy"],
    );
}

#[test]
fn what_does_not_fit_is_dropped_and_told_once() {
    check(
        &[
            Warning, Warning, Warning, Warning, Warning, Warning, Write, Warning,
        ],
        &[
            "1 warning",
            "2 warning",
            "3 warning",
            "4 warning",
            "lagged 2",
            "7 warning",
        ],
    );
    // Once the gap is open even a part that could be joined falls into it.
    check(
        &[
            Warning,
            Warning,
            Warning,
            Text("s", "a", "1"),
            Warning,
            Text("s", "a", "2"),
            Write,
            Text("s", "a", "3"),
        ],
        &[
            "1 warning",
            "2 warning",
            "3 warning",
            "4 text.delta a 1",
            "lagged 2",
            "7 text.delta a 3",
        ],
    );
    check(&[Lost(5)], &["lagged 5"]);
    check(
        &[Warning, Lost(5), Warning, Write, Warning],
        &["1 warning", "lagged 6", "3 warning"],
    );
}

#[test]
fn what_must_be_delivered_has_a_reserve_and_then_ends_the_connection() {
    check(
        &[Warning, Warning, Warning, Warning, Warning, Must, Must],
        &[
            "1 warning",
            "2 warning",
            "3 warning",
            "4 warning",
            "lagged 1",
            "6 config.changed",
            "7 config.changed",
        ],
    );
    let over = [
        Warning, Warning, Warning, Warning, Warning, Must, Must, Must,
    ];
    assert_eq!(run(SMALL, &over), (vec![], true));
}

#[test]
fn what_must_be_delivered_fits_behind_a_line_of_any_length() {
    let mut outbox = Outbox::new(SMALL);
    let long = Value::from("x".repeat(100 * SMALL.bytes));
    outbox.push_answer(Some(RequestId::Number(7)), Ok(long));
    let must = || Event::ConfigChanged { keys: Vec::new() };
    assert_eq!(outbox.push_event(frame(1, must())), Ok(()));
    let mut lines = Vec::new();
    while !outbox.is_empty() {
        let mut out = Vec::new();
        outbox.fill(&mut out);
        lines.extend(shorten(&out));
    }
    assert_eq!(lines, ["=7", "1 config.changed"]);
    assert_eq!((outbox.queued_bytes, outbox.must_bytes), (0, 0));
    // Its own bytes have a limit, apart from the first of it.
    let long = || Event::ConfigChanged {
        keys: vec!["k".repeat(SMALL.bytes)],
    };
    assert_eq!(outbox.push_event(frame(2, long())), Ok(()));
    assert_eq!(outbox.push_event(frame(3, must())), Err(Overflow));
}

#[test]
fn answers_always_fit_and_stop_the_reading() {
    let mut outbox = Outbox::new(SMALL);
    for id in 0..10 {
        assert_eq!(outbox.has_room(), id < 4);
        outbox.push_answer(Some(RequestId::Number(id)), Ok(Value::Null));
    }
    let mut out = Vec::new();
    outbox.fill(&mut out);
    assert_eq!(shorten(&out).len(), 10);
    assert!(outbox.has_room() && outbox.is_empty());
}

#[test]
fn an_answer_longer_than_a_line_becomes_an_error() {
    let mut outbox = Outbox::new(SMALL);
    let id = Some(RequestId::Number(1));
    outbox.push_answer(id, Ok(Value::from("x".repeat(MAX_LINE_BYTES))));
    let mut out = Vec::new();
    outbox.fill(&mut out);
    let line: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(line["id"], 1);
    assert_eq!(line["error"]["data"]["error_code"], "MESO_LIMIT_REACHED");
}

#[test]
fn a_reader_that_never_reads_costs_a_bounded_amount() {
    let capacity = Capacity {
        entries: 256,
        reserve: 64,
        bytes: 64 * 1024,
    };
    let mut outbox = Outbox::new(capacity);
    let n_events = 100_000;
    for seq in 1..=n_events {
        // Three conversations at once, some other events between.
        let session = ["a", "b", "c"][(seq % 3) as usize];
        let event = if seq % 10 == 0 {
            Event::Warning {
                message: "mind".to_owned(),
            }
        } else {
            text_delta(session, session, "some words ")
        };
        outbox.push_event(frame(seq, event)).unwrap();
        assert!(outbox.queue.len() <= capacity.entries);
        assert!(outbox.queued_bytes <= capacity.bytes);
    }
    let waiting: usize = outbox.queue.iter().map(Waiting::bytes).sum();
    assert_eq!(outbox.queued_bytes, waiting);
    assert!(outbox.skipped > 0);
    let skipped = outbox.skipped;
    let mut lines = Vec::new();
    while !outbox.is_empty() {
        let mut out = Vec::new();
        outbox.fill(&mut out);
        lines.extend(shorten(&out));
    }
    assert_eq!(lines.last(), Some(&format!("lagged {skipped}")));
}

#[test]
fn one_long_text_is_kept_up_to_the_limit() {
    let capacity = Capacity {
        entries: 256,
        reserve: 64,
        bytes: 1024,
    };
    let mut outbox = Outbox::new(capacity);
    for seq in 1..=100_000 {
        let event = text_delta("s", "a", "\u{1}234567");
        outbox.push_event(frame(seq, event)).unwrap();
    }
    assert_eq!((outbox.queue.len(), outbox.queued_bytes), (1, 1022));
    let n_joined = 1022 / 7;
    assert_eq!(outbox.skipped, 100_000 - n_joined);
    // A text of more than the limit is not even taken alone.
    let mut outbox = Outbox::new(capacity);
    let event = text_delta("s", "a", &"x".repeat(1025));
    outbox.push_event(frame(1, event)).unwrap();
    assert_eq!((outbox.queue.len(), outbox.skipped_in_all()), (0, 1));
}
