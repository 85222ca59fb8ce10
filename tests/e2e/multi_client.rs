//! Several clients of one daemon: what they see is the same, and what one does the others see.

use mesoclaw_api::event::{EventFilter, EventFrame};
use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::chat::{CancelParams, QueuedMessage, TurnCancel};
use mesoclaw_api::ops::daemon::DaemonGetStatus;
use mesoclaw_api::ops::events::{EventCursor, SubscribeParams};
use mesoclaw_api::ops::session::{
    CreateParams, QueueList, QueueParams, QueueRemove, QueueUpdate, QueueUpdateParams,
    SessionCreate, SessionParams,
};
use mesoclaw_api::{Event, SessionId};
use mesoclaw_testkit::model_server::{Reply, Script, Step};
use serde_json::Value;

use crate::fixture::{Fixture, items, last_answer, numbers, said, say, until};
use crate::rpc::{News, Wire, events_of, text_of};

/// A client that loses something here has lost it for good.
fn frames(news: &[News]) -> Vec<EventFrame> {
    let frames: Vec<EventFrame> = events_of(news).cloned().collect();
    assert_eq!(frames.len(), news.len(), "nothing lags at this pace");
    assert!(frames.is_sorted_by(|a, b| a.seq < b.seq), "numbers go up");
    frames
}

/// Everything but the parts of the text, which may have been joined on the way to one client.
fn without_text(frames: &[EventFrame]) -> Vec<EventFrame> {
    let is_text = |frame: &&EventFrame| matches!(frame.event, Event::TextDelta { .. });
    frames
        .iter()
        .filter(|frame| !is_text(frame))
        .cloned()
        .collect()
}

fn is_finished(event: &Event) -> bool {
    matches!(event, Event::TurnFinished { .. })
}

fn is_text(event: &Event) -> bool {
    matches!(event, Event::TextDelta { .. })
}

fn new_session(wire: &mut Wire) -> SessionId {
    wire.call::<SessionCreate>(CreateParams::default())
        .unwrap()
        .id
}

fn texts(queue: &[QueuedMessage]) -> Vec<&str> {
    queue.iter().map(|waiting| waiting.text.as_str()).collect()
}

/// What the model was sent last in a request.
fn last_message(body: &Value) -> &Value {
    let messages = body["messages"].as_array().expect("messages");
    messages.last().expect("a message")
}

#[test]
fn all_watchers_see_the_same_and_a_late_one_gets_the_rest() {
    let fixture = Fixture::start(Script::always([Step::tokens_at(150, 300.0)]));
    let mut wire = fixture.wire();
    let session_id = new_session(&mut wire);
    let (mut first, mut second) = (fixture.watch(&session_id), fixture.watch(&session_id));
    say(&mut wire, &session_id, "count");

    let mut begun = Vec::new();
    while text_of(events_of(&begun)).len() < 100 {
        begun.extend(first.news_until(is_text));
    }
    // Somebody who was away since the middle of the answer comes back.
    let begun = frames(&begun);
    let seen_last = begun[begun.len() / 2].clone();
    let subscribe = SubscribeParams {
        filter: EventFilter::session(session_id.clone()),
        since: Some(EventCursor {
            boot_id: seen_last.boot_id.clone(),
            seq: seen_last.seq,
        }),
    };
    let (mut third, hello) = Wire::greet(&fixture.socket(), Some(subscribe));
    assert!(hello.subscribed.expect("a subscription").is_complete);

    let mut by_first = begun.clone();
    by_first.extend(frames(&first.news_until(is_finished)));
    let by_second = frames(&second.news_until(is_finished));
    let by_third = frames(&third.news_until(is_finished));
    let whole = numbers(150);
    assert_eq!(text_of(&by_first), whole);
    assert_eq!(text_of(&by_second), whole);
    assert_eq!(without_text(&by_first), without_text(&by_second));
    let by_first_since: Vec<EventFrame> = by_first
        .iter()
        .filter(|frame| frame.seq > seen_last.seq)
        .cloned()
        .collect();
    assert_eq!(without_text(&by_third), without_text(&by_first_since));
    assert_eq!(text_of(&by_third), text_of(&by_first_since));
    let items = items(&mut wire, &session_id, 0);
    assert_eq!(last_answer(&items), Some((whole.as_str(), true)));
    fixture.assert_no_panic();
}

#[test]
fn turns_of_a_session_follow_each_other_and_those_of_two_run_side_by_side() {
    let slow = || Reply::new([Step::Text("a ".to_owned()), Step::Stall(30_000)]);
    let fixture = Fixture::start(Script::replies([slow(), slow(), Reply::text("done")]));
    let (mut wire, mut other) = (fixture.wire(), fixture.wire());
    let (one, two) = (new_session(&mut wire), new_session(&mut wire));
    let mut watcher = fixture.watch(&one);
    assert!(say(&mut wire, &one, "first of one").turn_id.is_some());
    let waiting = say(&mut other, &one, "second of one");
    assert_eq!(
        (waiting.turn_id.clone(), waiting.item_id.clone()),
        (None, None)
    );
    assert!(waiting.queue_id.is_some());
    assert!(say(&mut other, &two, "first of two").turn_id.is_some());
    fixture.server.wait_for_content_blocking(1);
    let status = wire.call::<DaemonGetStatus>(NoParams {}).unwrap();
    assert_eq!(status.running_turns, 2);
    assert_eq!(
        fixture.server.requests().len(),
        2,
        "the second of one waits"
    );

    // Another client ends the turn; the one that waited begins by itself.
    let cancel = CancelParams {
        session_id: one.clone(),
        turn_id: None,
    };
    assert!(other.call::<TurnCancel>(cancel).unwrap().cancelled);
    let seen = frames(&watcher.news_until(is_finished));
    assert!(matches!(
        &seen.last().unwrap().event,
        Event::TurnFinished {
            outcome: TurnOutcome::Cancelled,
            ..
        }
    ));
    let seen = frames(&watcher.news_until(is_finished));
    assert!(matches!(
        &seen.last().unwrap().event,
        Event::TurnFinished {
            outcome: TurnOutcome::Completed,
            ..
        }
    ));
    let requests = fixture.server.requests();
    assert_eq!(last_message(&requests[2].body)["content"], "second of one");
    assert_eq!(
        said(&items(&mut wire, &one, 0)),
        ["first of one", "second of one"]
    );
    let status = wire.call::<DaemonGetStatus>(NoParams {}).unwrap();
    assert_eq!(
        status.running_turns, 1,
        "the turn of the other session goes on"
    );
    fixture.assert_no_panic();
}

#[test]
fn a_waiting_message_is_seen_and_changed_by_every_client() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("a ".to_owned()), Step::Stall(30_000)]),
        Reply::text("done"),
    ]));
    let (mut wire, mut other) = (fixture.wire(), fixture.wire());
    let session_id = new_session(&mut wire);
    let mut watchers = [fixture.watch(&session_id), fixture.watch(&session_id)];
    say(&mut wire, &session_id, "first");
    let wrong = say(&mut wire, &session_id, "secnod").queue_id;
    let unwanted = say(&mut wire, &session_id, "third").queue_id;
    let queue_id = wrong.expect("it waits");
    let update = QueueUpdateParams {
        session_id: session_id.clone(),
        queue_id: queue_id.clone(),
        text: "second".to_owned(),
    };
    assert_eq!(other.call::<QueueUpdate>(update).unwrap().text, "second");
    let remove = QueueParams {
        session_id: session_id.clone(),
        queue_id: unwanted.expect("it waits"),
    };
    other.call::<QueueRemove>(remove).unwrap();
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    let queue = wire.call::<QueueList>(params).unwrap();
    assert_eq!(texts(&queue), ["second"]);
    let cancel = CancelParams {
        session_id: session_id.clone(),
        turn_id: None,
    };
    other.call::<TurnCancel>(cancel).unwrap();

    let expected: [&[&str]; 5] = [
        &["secnod"],
        &["secnod", "third"],
        &["second", "third"],
        &["second"],
        &[],
    ];
    for watcher in &mut watchers {
        let mut seen = watcher.news_until(is_finished);
        seen.extend(watcher.news_until(is_finished));
        let (mut queues, mut all_started) = (Vec::new(), Vec::new());
        for frame in events_of(&seen) {
            if let Event::QueueChanged { queue, started, .. } = &frame.event {
                queues.push(texts(queue));
                all_started.extend(started.clone());
            }
        }
        assert_eq!(queues, expected);
        assert_eq!(all_started, std::slice::from_ref(&queue_id));
    }
    let requests = fixture.server.requests();
    assert_eq!(last_message(&requests[1].body)["content"], "second");
    fixture.assert_no_panic();
}

#[test]
fn after_a_restart_a_client_reads_on_after_its_last_item() {
    let mut fixture = Fixture::start(Script::text("Hello."));
    let mut wire = fixture.wire();
    let session_id = new_session(&mut wire);
    let mut watcher = fixture.watch(&session_id);
    say(&mut wire, &session_id, "one");
    let seen = frames(&watcher.news_until(is_finished));
    let known = items(&mut wire, &session_id, 0);
    let last_position = known.last().expect("items").position;

    fixture.daemon.restart();
    assert_eq!(wire.answer(), None, "the connection ended with the daemon");
    let last = seen.last().unwrap();
    let subscribe = SubscribeParams {
        filter: EventFilter::session(session_id.clone()),
        since: Some(EventCursor {
            boot_id: last.boot_id.clone(),
            seq: last.seq,
        }),
    };
    let (mut wire, hello) = Wire::greet(&fixture.socket(), Some(subscribe));
    let subscribed = hello.subscribed.expect("a subscription");
    assert_ne!(subscribed.boot_id, last.boot_id);
    assert!(
        !subscribed.is_complete,
        "numbers of another life say nothing"
    );

    let mut other = fixture.wire();
    say(&mut other, &session_id, "two");
    wire.news_until(is_finished);
    let all = until("whole answer", || {
        let all = items(&mut other, &session_id, 0);
        (all.len() == 2 * known.len()).then_some(all)
    });
    assert_eq!(
        items(&mut other, &session_id, last_position),
        all[known.len()..]
    );
    assert_eq!(all[..known.len()], known);
    assert_eq!(said(&all), ["one", "two"]);
    fixture.assert_no_panic();
}
