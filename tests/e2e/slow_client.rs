//! A hundred clients watch one answer that comes as fast as it can. Those that read get all that
//! must be delivered; one that never reads costs a bounded amount of memory and stops nobody.

use std::time::Instant;

use mesoclaw_api::Event;
use mesoclaw_api::item::TurnOutcome;
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::ops::session::{CreateParams, SessionCreate};
use mesoclaw_testkit::model_server::{Script, Step};

use crate::fixture::{Fixture, items, last_answer, numbers, say};
use crate::rpc::{News, Wire, events_of, text_of};

/// Clients that read.
const READERS: usize = 99;

/// Tokens of the answer.
const TOKENS: u64 = 20_000;

/// Most the daemon may have grown with all of them and one that never reads.
const GROWTH_BYTES: u64 = 60 * 1024 * 1024;

/// Turns that are said to clients that never read, and how many of those there are.
const TURNS: usize = 8;
const NEVER_READ: usize = 10;

/// Most the daemon may grow in the later of these turns.
const GROWTH_LATER_KIB: u64 = 24 * 1024;

/// Watches to the end of the turn. Gives the text it saw, and how many events it missed.
fn read_along(mut wire: Wire) -> (String, u64) {
    let news = wire.news_until(|event| matches!(event, Event::TurnFinished { .. }));
    let finished: Vec<_> = events_of(&news)
        .filter_map(|frame| match &frame.event {
            Event::TurnFinished { outcome, .. } => Some(outcome.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(finished, [TurnOutcome::Completed]);
    assert!(
        events_of(&news)
            .map(|frame| frame.seq)
            .is_sorted_by(|a, b| a < b)
    );
    let missed = news.iter().map(|news| match news {
        News::Event(_) => 0,
        News::Lagged(skipped) => *skipped,
    });
    (text_of(events_of(&news)), missed.sum())
}

#[test]
fn a_hundred_watchers_get_the_end_and_one_that_never_reads_stops_none() {
    let fixture = Fixture::start(Script::always([Step::tokens(TOKENS)]));
    let whole = numbers(TOKENS);
    let mut wire = fixture.wire();
    let session = wire.call::<SessionCreate>(CreateParams::default()).unwrap();
    let never_reads = fixture.watch(&session.id);
    let readers: Vec<Wire> = (0..READERS).map(|_| fixture.watch(&session.id)).collect();
    let before = fixture.daemon.rss_bytes();
    let begin = Instant::now();
    let results: Vec<(String, u64)> = std::thread::scope(|scope| {
        let readers: Vec<_> = readers
            .into_iter()
            .map(|wire| scope.spawn(move || read_along(wire)))
            .collect();
        say(&mut wire, &session.id, "count");
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect()
    });
    let took = begin.elapsed();
    let after = fixture.daemon.rss_bytes();
    let stored = items(&mut wire, &session.id, 0);
    assert_eq!(last_answer(&stored), Some((whole.as_str(), true)));
    for (text, missed) in &results {
        // Who missed nothing has the whole text; who did knows it and reads it again.
        assert_eq!(*missed == 0, *text == whole, "{missed} missed");
    }
    let n_lagged = results.iter().filter(|(_, missed)| *missed > 0).count();
    println!(
        "{TOKENS} tokens to {READERS} readers in {took:?}; {n_lagged} lagged; \
         RSS {} kB before, {} kB after, {} kB at the most",
        before / 1024,
        after / 1024,
        fixture.daemon.peak_rss_bytes() / 1024
    );
    assert!(after < before + GROWTH_BYTES, "{before} {after}");
    drop(never_reads);
    fixture.assert_no_panic();
}

#[test]
fn clients_that_never_read_cost_the_same_however_much_is_said() {
    let text = "x".repeat(200);
    let script = Script::always([Step::Tokens {
        count: TOKENS,
        per_second: None,
        text: Some(text.clone()),
    }]);
    let fixture = Fixture::start(script);
    let mut wire = fixture.wire();
    let never_read: Vec<Wire> = (0..NEVER_READ)
        .map(|_| Wire::greet(&fixture.socket(), Some(SubscribeParams::default())).0)
        .collect();
    let mut sizes = Vec::new();
    for _ in 0..TURNS {
        let session = wire.call::<SessionCreate>(CreateParams::default()).unwrap();
        let mut watcher = fixture.watch(&session.id);
        say(&mut wire, &session.id, "go on");
        watcher.news_until(|event| matches!(event, Event::TurnFinished { .. }));
        sizes.push(fixture.daemon.rss_bytes() / 1024);
    }
    println!(
        "RSS after each of {TURNS} turns of {} kB with {NEVER_READ} clients that never read: \
         {sizes:?} kB",
        TOKENS * text.len() as u64 / 1024
    );
    // The first turns fill what may be filled.
    let grown = sizes[TURNS - 1].saturating_sub(sizes[2]);
    assert!(grown < GROWTH_LATER_KIB, "{sizes:?}");
    drop(never_read);
    fixture.assert_no_panic();
}
