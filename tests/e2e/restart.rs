//! `kill -9` at any moment of a turn: what was acknowledged is there, once; the rest can be said
//! again; the next start is clean.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mesoclaw_api::item::{Item, ItemBody, TurnOutcome};
use mesoclaw_api::ops::chat::{
    CancelParams, ChatSend, ContinueParams, SendParams, Sent, TurnCancel, TurnContinue,
};
use mesoclaw_api::ops::session::{
    CreateParams, QueueList, SessionCreate, SessionDetail, SessionGet, SessionParams, SessionState,
};
use mesoclaw_api::rpc::RequestId;
use mesoclaw_api::{Event, Operation, SessionId};
use mesoclaw_testkit::model_server::{Reply, Script, Step};
use serde_json::Value;

use crate::fixture::{Fixture, items, last_answer, numbers, program, said, say, until};
use crate::rpc::{Received, Wire, events_of, text_of};

/// Kills in the campaign.
const KILLS: u32 = 50;

/// Longest time from the message to the kill.
const LONGEST_LIFE: Duration = Duration::from_millis(400);

/// Text that may be lost: it is stored every 250 ms, and a loaded machine is late.
const LOST_AT_MOST: Duration = Duration::from_secs(1);

/// The same for the kills that come around the answer to the message.
const AROUND_THE_ANSWER: Duration = Duration::from_millis(6);

/// Tokens of an answer that nothing stops.
const TOKENS: u64 = 200;

/// Numbers that look random and come again with the same seed (xorshift).
struct Random(u64);

/// Another seed for this run; zero would stay zero.
const SEED_VARIABLE: &str = "MESOCLAW_TEST_SEED";

fn seed() -> u64 {
    let given = std::env::var(SEED_VARIABLE).ok();
    let given = given.map(|text| text.parse().expect("a number"));
    given.unwrap_or(0x6d65_736f_636c_6177).max(1)
}

impl Random {
    /// The next number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn send_params(session_id: &SessionId, name: &str) -> SendParams {
    SendParams {
        session_id: Some(session_id.clone()),
        text: format!("message {name}"),
        client_message_id: Some(name.to_owned()),
        model: None,
        ..SendParams::default()
    }
}

/// Sends messages and reads until the moment of the kill. Gives which were acknowledged by then.
fn send_and_kill(
    fixture: &mut Fixture,
    session_id: &SessionId,
    names: &[String],
    life: Duration,
) -> BTreeSet<String> {
    let mut wire = fixture.watch(session_id);
    let begin = Instant::now();
    let ids: Vec<i64> = names
        .iter()
        .map(|name| {
            let params = serde_json::to_value(send_params(session_id, name)).unwrap();
            wire.request(ChatSend::METHOD, &params)
        })
        .collect();
    let mut acknowledged = BTreeSet::new();
    let mut take = |received: &Received| {
        if let Received::Answer(answer) = received {
            let n = ids
                .iter()
                .position(|id| answer.id == Some(RequestId::Number(*id)));
            let sent: Sent = serde_json::from_value(answer.result.clone().unwrap()).unwrap();
            assert!(!sent.is_duplicate);
            acknowledged.insert(names[n.expect("an id of ours")].clone());
        }
    };
    loop {
        let received = wire.receive(begin + life);
        take(&received);
        match received {
            Received::Late => break,
            Received::End => panic!("the daemon closed the connection"),
            Received::Answer(_) | Received::News(_) => {}
        }
    }
    fixture.daemon.kill9();
    // What had left the daemon counts, also when it was read after the kill.
    loop {
        let received = wire.receive(Instant::now() + Duration::from_secs(30));
        take(&received);
        if received == Received::End {
            return acknowledged;
        }
    }
}

/// How often each message is there: in the conversation, or waiting.
fn count(wire: &mut Wire, session_id: &SessionId, name: &str) -> usize {
    let text = format!("message {name}");
    let items = items(wire, session_id, 0);
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    let queue = wire.call::<QueueList>(params).unwrap();
    said(&items).iter().filter(|said| **said == text).count()
        + queue.iter().filter(|waiting| waiting.text == text).count()
}

/// A waiting message may become an item between the two looks; twice it may never be for long.
fn assert_said_once(wire: &mut Wire, session_id: &SessionId, name: &str) {
    until(&format!("single message {name}"), || {
        (count(wire, session_id, name) == 1).then_some(())
    });
}

/// What must hold of the items of a session at any time.
fn assert_sound(items: &[Item]) {
    let whole_answer = numbers(TOKENS);
    let ids: BTreeSet<_> = items.iter().map(|item| &item.id).collect();
    assert_eq!(ids.len(), items.len(), "two items of one id");
    assert!(
        items.is_sorted_by(|a, b| a.position < b.position),
        "positions"
    );
    let texts: BTreeSet<_> = said(items).into_iter().collect();
    assert_eq!(texts.len(), said(items).len(), "a message twice");
    for item in items {
        if let ItemBody::Assistant { text, complete, .. } = &item.body {
            assert!(whole_answer.starts_with(text.as_str()), "{text}");
            assert_eq!(*complete, *text == whole_answer, "{text}");
        }
    }
}

fn new_session(wire: &mut Wire) -> SessionId {
    let session = wire.call::<SessionCreate>(CreateParams::default());
    session.unwrap().id
}

fn detail(wire: &mut Wire, session_id: &SessionId) -> SessionDetail {
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    wire.call::<SessionGet>(params).unwrap()
}

fn resume(session_id: &SessionId) -> ContinueParams {
    ContinueParams {
        session_id: session_id.clone(),
        model: None,
    }
}

/// Ends whatever runs and waits in a session. After a turn that was cut off, messages wait until
/// somebody takes it up.
fn settle(fixture: &Fixture, wire: &mut Wire, session_id: &SessionId) {
    until("idle session", || {
        let found = detail(wire, session_id);
        let is_running = found.summary.state == SessionState::Running;
        let is_waiting = found.summary.queued > 0;
        if is_running {
            let cancel = CancelParams {
                session_id: session_id.clone(),
                turn_id: None,
            };
            wire.call::<TurnCancel>(cancel).unwrap();
        } else if is_waiting && found.last_outcome == Some(TurnOutcome::Interrupted) {
            // By now something may run again.
            wire.call::<TurnContinue>(resume(session_id)).ok();
        }
        (!is_running && !is_waiting).then_some(())
    });
    fixture.assert_no_panic();
}

/// Asks `mesoclaw doctor`, which checks the database as a whole.
fn assert_database_is_sound(fixture: &Fixture) {
    let mut command = fixture.home.mesoclaw(program());
    let output = command.args(["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let checks = report["checks"].as_array().expect("checks");
    let database = checks.iter().find(|check| check["name"] == "database");
    let database = database.expect("a check of the database");
    assert_eq!(database["status"], "ok", "{database}");
}

/// What became of the messages of the kills so far.
#[derive(Default)]
struct Tally {
    acknowledged: usize,
    not_stored: usize,
}

/// One kill and what must hold after it.
fn kill_once(
    fixture: &mut Fixture,
    session_id: &SessionId,
    names: &[String],
    life: Duration,
    tally: &mut Tally,
) {
    let acknowledged = send_and_kill(fixture, session_id, names, life);
    tally.acknowledged += acknowledged.len();

    fixture.daemon.restart();
    let mut wire = fixture.wire();
    for name in &acknowledged {
        assert_said_once(&mut wire, session_id, name);
    }
    let now = items(&mut wire, session_id, 0);
    assert_sound(&now);
    if names.len() == 1 && !now.is_empty() {
        let outcome = detail(&mut wire, session_id).last_outcome;
        let is_ended = matches!(
            outcome,
            Some(TurnOutcome::Interrupted | TurnOutcome::Completed | TurnOutcome::Cancelled)
        );
        assert!(is_ended, "{outcome:?}");
    }
    // Who got no answer sends again under the same name, and so says it once.
    for name in names.iter().filter(|name| !acknowledged.contains(*name)) {
        let was_there = count(&mut wire, session_id, name) > 0;
        let sent = wire.call::<ChatSend>(send_params(session_id, name));
        assert_eq!(sent.unwrap().is_duplicate, was_there, "{name}");
        assert_said_once(&mut wire, session_id, name);
        tally.not_stored += usize::from(!was_there);
    }
    settle(fixture, &mut wire, session_id);
    let now = items(&mut wire, session_id, 0);
    for name in names {
        let text = format!("message {name}");
        let said = said(&now);
        assert_eq!(
            said.iter().filter(|said| **said == text).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn fifty_kills_lose_no_acknowledged_message_and_say_none_twice() {
    let seed = seed();
    println!("{SEED_VARIABLE}={seed}");
    let mut random = Random(seed);
    let mut fixture = Fixture::start(Script::always([Step::tokens_at(TOKENS, 1000.0)]));
    let mut wire = fixture.wire();
    let sessions: Vec<SessionId> = (0..3).map(|_| new_session(&mut wire)).collect();
    let mut tally = Tally::default();
    let begin = Instant::now();
    for round in 0..KILLS {
        let session_id = &sessions[random.below(3) as usize];
        // A third of the kills come around the acknowledgement, the others in the answer.
        let longest = if round % 3 == 0 {
            AROUND_THE_ANSWER
        } else {
            LONGEST_LIFE
        };
        let life = Duration::from_micros(random.below(longest.as_micros() as u64));
        let n_messages = if round % 5 == 0 { 3 } else { 1 };
        let names: Vec<String> = (0..n_messages).map(|n| format!("{round}.{n}")).collect();
        kill_once(&mut fixture, session_id, &names, life, &mut tally);
        if round % 10 == 9 {
            assert_database_is_sound(&fixture);
        }
    }
    println!(
        "{KILLS} kills in {:?}: {} messages acknowledged before, {} not stored",
        begin.elapsed(),
        tally.acknowledged,
        tally.not_stored
    );
    // Otherwise the kills came too early or too late to show anything.
    assert!(tally.acknowledged >= 20 && tally.not_stored >= 1);
    assert!(fixture.daemon.terminate().success());
    assert_database_is_sound(&fixture);
}

/// Watches an answer for a while. Gives what was seen, and how long the text was at which moment.
fn watch_for(wire: &mut Wire, time: Duration) -> (String, Vec<(Instant, usize)>) {
    let begin = Instant::now();
    let mut seen = Vec::new();
    let mut lengths = Vec::new();
    while begin.elapsed() < time {
        seen.extend(wire.news());
        lengths.push((Instant::now(), text_of(events_of(&seen)).len()));
    }
    (text_of(events_of(&seen)), lengths)
}

#[test]
fn a_killed_turn_keeps_its_text_and_can_be_continued() {
    let mut fixture = Fixture::start(Script::replies([
        Reply::new([Step::tokens_at(100_000, 200.0)]),
        Reply::text("and that is all."),
    ]));
    let mut wire = fixture.wire();
    let session_id = new_session(&mut wire);
    let mut watcher = fixture.watch(&session_id);
    say(&mut wire, &session_id, "count");
    let (told, lengths) = watch_for(&mut watcher, Duration::from_millis(2500));
    let killed = Instant::now();
    fixture.daemon.kill9();
    fixture.daemon.restart();

    let mut wire = fixture.wire();
    let found = detail(&mut wire, &session_id);
    assert_eq!(found.last_outcome, Some(TurnOutcome::Interrupted));
    assert_eq!(found.summary.state, SessionState::Interrupted);
    let stored = items(&mut wire, &session_id, 0);
    let (kept, is_complete) = last_answer(&stored).expect("a part of the answer");
    assert!(!is_complete);
    assert!(
        told.starts_with(kept) || kept.starts_with(&told),
        "{kept}\n{told}"
    );
    let kept_until = lengths
        .iter()
        .rev()
        .find(|(_, length)| *length <= kept.len());
    let lost = killed - kept_until.expect("something was stored").0;
    println!("the text of the last {lost:?} before the kill is lost");
    assert!(lost < LOST_AT_MOST, "{lost:?}");

    let mut watcher = fixture.watch(&session_id);
    wire.call::<TurnContinue>(resume(&session_id)).unwrap();
    let seen = watcher.news_until(|event| matches!(event, Event::TurnFinished { .. }));
    let last = events_of(&seen).last().expect("the end of the turn");
    assert!(
        matches!(
            &last.event,
            Event::TurnFinished {
                outcome: TurnOutcome::Completed,
                ..
            }
        ),
        "{last:?}"
    );
    let sent = fixture.server.requests()[1].body.to_string();
    assert!(sent.contains(kept), "the model is told what it said before");
    let stored = items(&mut wire, &session_id, 0);
    assert_eq!(said(&stored), ["count"]);
    assert_eq!(last_answer(&stored), Some(("and that is all.", true)));
    fixture.assert_no_panic();
}
