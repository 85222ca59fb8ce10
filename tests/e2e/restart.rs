//! `kill -9` at any moment of a turn: what was acknowledged is there, once; the rest can be said
//! again; the next start is clean.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mesoclaw_api::item::{Item, ItemBody, TurnOutcome};
use mesoclaw_api::ops::chat::{
    CancelParams, ChatSend, ContinueParams, SendParams, Sent, TurnCancel, TurnContinue,
};
use mesoclaw_api::ops::session::{
    CreateParams, QueueList, SessionCreate, SessionGet, SessionParams, SessionState,
};
use mesoclaw_api::{Event, Operation, SessionId};
use mesoclaw_testkit::model_server::{Reply, Script, Step};
use serde_json::{Value, json};

use crate::fixture::{Fixture, items, last_answer, program, said, say, until};
use crate::rpc::{News, Received, Wire, text_of};

/// Kills in the campaign.
const KILLS: u32 = 50;

/// Longest time from the message to the kill.
const LONGEST_LIFE: Duration = Duration::from_millis(400);

/// Text that may be lost: it is stored every 250 ms, and a loaded machine is late.
const LOST_AT_MOST: Duration = Duration::from_secs(1);

/// Numbers that look random and come again with the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    /// The next number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What the model says when nothing stops it.
fn whole_answer(n_tokens: u64) -> String {
    (0..n_tokens).map(|n| format!("{n} ")).collect()
}

fn send_params(session_id: &SessionId, name: &str) -> SendParams {
    SendParams {
        session_id: Some(session_id.clone()),
        text: format!("message {name}"),
        client_message_id: Some(name.to_owned()),
        model: None,
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
                .position(|id| answer.id == Some(mesoclaw_api::rpc::RequestId::Number(*id)));
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
fn assert_sound(items: &[Item], whole_answer: &str) {
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
            assert_eq!(*complete, text == whole_answer, "{text}");
        }
    }
}

/// Ends whatever runs and waits in a session. After a turn that was cut off, messages wait until
/// somebody takes it up.
fn settle(fixture: &Fixture, wire: &mut Wire, session_id: &SessionId) {
    until("idle session", || {
        let params = SessionParams {
            session_id: session_id.clone(),
        };
        let detail = wire.call::<SessionGet>(params).unwrap();
        let is_running = detail.summary.state == SessionState::Running;
        if is_running {
            let cancel = CancelParams {
                session_id: session_id.clone(),
                turn_id: None,
            };
            wire.call::<TurnCancel>(cancel).unwrap();
        } else if detail.summary.queued > 0 && detail.last_outcome == Some(TurnOutcome::Interrupted)
        {
            let resume = ContinueParams {
                session_id: session_id.clone(),
                model: None,
            };
            wire.call::<TurnContinue>(resume).unwrap();
        }
        (!is_running && detail.summary.queued == 0).then_some(())
    });
    fixture.assert_no_panic();
}

/// What `mesoclaw doctor` says about the database.
fn doctor(fixture: &Fixture) -> Value {
    let mut command = fixture.home.mesoclaw(program());
    let output = command.args(["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let checks = report["checks"].as_array().expect("checks");
    let database = checks.iter().find(|check| check["name"] == "database");
    database.expect("a check of the database").clone()
}

#[test]
fn fifty_kills_lose_no_acknowledged_message_and_say_none_twice() {
    const TOKENS: u64 = 200;
    let seed = 0x6d65_736f_636c_6177;
    println!("seed {seed:#x}");
    let mut numbers = Numbers(seed);
    let whole_answer = whole_answer(TOKENS);
    let mut fixture = Fixture::start(Script::always([Step::tokens_at(TOKENS, 1000.0)]));
    let sessions: Vec<SessionId> = (0..3)
        .map(|_| {
            let mut wire = fixture.wire();
            wire.call::<SessionCreate>(CreateParams::default())
                .unwrap()
                .id
        })
        .collect();
    let (mut n_acknowledged, mut n_lost) = (0, 0);
    let begin = Instant::now();
    for round in 0..KILLS {
        let session_id = &sessions[numbers.below(3) as usize];
        // A third of the kills come around the acknowledgement, the others in the answer.
        let longest = if round % 3 == 0 {
            6_000
        } else {
            LONGEST_LIFE.as_micros() as u64
        };
        let life = Duration::from_micros(numbers.below(longest));
        let n_messages = if round % 5 == 0 { 3 } else { 1 };
        let names: Vec<String> = (0..n_messages).map(|n| format!("{round}.{n}")).collect();
        let acknowledged = send_and_kill(&mut fixture, session_id, &names, life);
        n_acknowledged += acknowledged.len();

        fixture.daemon.restart();
        let mut wire = fixture.wire();
        for name in &names {
            if acknowledged.contains(name) {
                assert_said_once(&mut wire, session_id, name);
            }
        }
        let now = items(&mut wire, session_id, 0);
        assert_sound(&now, &whole_answer);
        let detail = wire.call::<SessionGet>(SessionParams {
            session_id: session_id.clone(),
        });
        let detail = detail.unwrap();
        if n_messages == 1 && !now.is_empty() {
            let is_ended = matches!(
                detail.last_outcome,
                Some(TurnOutcome::Interrupted | TurnOutcome::Completed | TurnOutcome::Cancelled)
            );
            assert!(is_ended, "{detail:?}");
        }
        // Who got no answer sends again under the same name, and so says it once.
        for name in names.iter().filter(|name| !acknowledged.contains(*name)) {
            let was_there = count(&mut wire, session_id, name) > 0;
            let sent = wire
                .call::<ChatSend>(send_params(session_id, name))
                .unwrap();
            assert_eq!(sent.is_duplicate, was_there, "{name}");
            assert_said_once(&mut wire, session_id, name);
            n_lost += usize::from(!was_there);
        }
        settle(&fixture, &mut wire, session_id);
        let now = items(&mut wire, session_id, 0);
        for name in &names {
            let text = format!("message {name}");
            assert_eq!(
                said(&now).iter().filter(|said| **said == text).count(),
                1,
                "{name}"
            );
        }
        if round % 10 == 9 {
            let database = doctor(&fixture);
            assert_eq!(database["status"], json!("ok"), "{database}");
        }
    }
    println!(
        "{KILLS} kills in {:?}: {n_acknowledged} messages acknowledged before, {n_lost} not stored",
        begin.elapsed()
    );
    assert!(n_acknowledged >= 20, "{n_acknowledged}");
    assert!(fixture.daemon.terminate().success());
    let database = doctor(&fixture);
    assert_eq!(database["status"], json!("ok"), "{database}");
}

#[test]
fn a_killed_turn_keeps_its_text_and_can_be_continued() {
    let mut fixture = Fixture::start(Script::replies([
        Reply::new([Step::tokens_at(100_000, 200.0)]),
        Reply::text("and that is all."),
    ]));
    let mut wire = fixture.wire();
    let session_id = wire
        .call::<SessionCreate>(CreateParams::default())
        .unwrap()
        .id;
    let mut watcher = fixture.watch(&session_id);
    say(&mut wire, &session_id, "count");
    let begin = Instant::now();
    let mut seen: Vec<News> = Vec::new();
    let mut arrivals: Vec<(Instant, usize)> = Vec::new();
    while begin.elapsed() < Duration::from_millis(2500) {
        seen.extend(watcher.news());
        arrivals.push((Instant::now(), text_of(&seen).len()));
    }
    let killed = Instant::now();
    fixture.daemon.kill9();
    fixture.daemon.restart();

    let mut wire = fixture.wire();
    let detail = wire.call::<SessionGet>(SessionParams {
        session_id: session_id.clone(),
    });
    let detail = detail.unwrap();
    assert_eq!(detail.last_outcome, Some(TurnOutcome::Interrupted));
    assert_eq!(detail.summary.state, SessionState::Interrupted);
    let stored = items(&mut wire, &session_id, 0);
    let (text, is_complete) = last_answer(&stored).expect("a part of the answer");
    assert!(!is_complete);
    let told = text_of(&seen);
    assert!(
        told.starts_with(text) || text.starts_with(&told),
        "{text}\n{told}"
    );
    let stored_until = arrivals
        .iter()
        .rev()
        .find(|(_, length)| *length <= text.len());
    let lost = killed - stored_until.expect("something was stored").0;
    println!("the text of the last {lost:?} before the kill is lost");
    assert!(lost < LOST_AT_MOST, "{lost:?}");
    let kept = text.to_owned();

    let mut watcher = fixture.watch(&session_id);
    wire.call::<TurnContinue>(ContinueParams {
        session_id: session_id.clone(),
        model: None,
    })
    .unwrap();
    let seen = watcher.news_until(|event| matches!(event, Event::TurnFinished { .. }));
    let is_completed = |news: &News| {
        matches!(news, News::Event(frame) if matches!(
            &frame.event,
            Event::TurnFinished { outcome: TurnOutcome::Completed, .. }
        ))
    };
    assert!(seen.iter().any(is_completed), "{seen:?}");
    let requests = fixture.server.requests();
    let sent = requests[1].body.to_string();
    assert!(
        sent.contains(&kept),
        "the model is told what it said before"
    );
    let stored = items(&mut wire, &session_id, 0);
    assert_eq!(said(&stored), ["count"]);
    assert_eq!(last_answer(&stored), Some(("and that is all.", true)));
    fixture.assert_no_panic();
}
