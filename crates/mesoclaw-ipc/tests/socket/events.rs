//! Events over the socket: watchers, filters, slow readers.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::events::{Delivery, EventsSubscribe, EventsUnsubscribe, SubscribeParams};
use mesoclaw_api::{Event, EventFilter, EventFrame};
use mesoclaw_ipc::{Client, ClientOptions, Events};
use serde_json::{Value, json};

use crate::service::{Raw, Running, SOON, options};

fn delta(session: &str, text: &str) -> Event {
    Event::TextDelta {
        session_id: session.into(),
        turn_id: "turn".into(),
        item_id: "item".into(),
        text: text.to_owned(),
    }
}

fn warning(message: &str) -> Event {
    let message = message.to_owned();
    Event::Warning { message }
}

fn must_deliver() -> Event {
    Event::ConfigChanged { keys: Vec::new() }
}

async fn watch(running: &Running, filter: EventFilter) -> (Client, Events) {
    let options = ClientOptions {
        subscribe: Some(SubscribeParams {
            filter,
            since: None,
        }),
        ..options()
    };
    let (client, _) = Client::connect(&running.endpoint, options).await.unwrap();
    let events = client.take_events().unwrap();
    (client, events)
}

/// All events up to one that must be delivered, which is not among them.
async fn until_must_deliver(events: &mut Events) -> (Vec<Arc<EventFrame>>, u64) {
    let mut frames = Vec::new();
    let mut skipped_in_all = 0;
    loop {
        match tokio::time::timeout(SOON, events.next())
            .await
            .unwrap()
            .unwrap()
        {
            Delivery::Event(frame) if frame.event.must_deliver() => break,
            Delivery::Event(frame) => frames.push(frame),
            Delivery::Lagged { skipped } => skipped_in_all += skipped,
        }
    }
    (frames, skipped_in_all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_watcher_sees_the_same_text() {
    let running = Running::start();
    let mut watchers = Vec::new();
    for _ in 0..20 {
        watchers.push(watch(&running, EventFilter::default()).await);
    }
    let mut said = String::new();
    for n in 0..500 {
        let text = format!("{n} ");
        said.push_str(&text);
        running.service.publish(delta("s", &text));
    }
    running.service.publish(must_deliver());
    for (_client, events) in &mut watchers {
        let (frames, skipped) = until_must_deliver(events).await;
        let mut heard = String::new();
        let mut last = 0;
        for frame in frames {
            let Event::TextDelta { text, .. } = &frame.event else {
                panic!("{frame:?}");
            };
            heard.push_str(text);
            assert!(frame.seq > last);
            last = frame.seq;
        }
        assert_eq!((&heard, skipped, last), (&said, 0, 500));
    }
}

#[tokio::test]
async fn a_filter_chooses_and_a_second_subscription_replaces_the_first() {
    let running = Running::start();
    let (client, mut events) = watch(&running, EventFilter::session("a".into())).await;
    running.service.publish(delta("a", "1"));
    running.service.publish(delta("b", "2"));
    let wanted = running.service.publish(warning("3"));
    running.service.publish(must_deliver());
    let (frames, _) = until_must_deliver(&mut events).await;
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1], wanted);

    let filter = EventFilter {
        sessions: None,
        kinds: Some(BTreeSet::from(["warning".to_owned()])),
    };
    let params = SubscribeParams {
        filter,
        since: None,
    };
    let subscribed = client.call::<EventsSubscribe>(params).await.unwrap();
    assert_eq!(subscribed.seq, 4);
    running.service.publish(delta("a", "5"));
    let wanted = running.service.publish(warning("6"));
    running.service.publish(must_deliver());
    let (frames, _) = until_must_deliver(&mut events).await;
    assert_eq!(frames, [wanted]);

    client.call::<EventsUnsubscribe>(NoParams {}).await.unwrap();
    running.service.publish(must_deliver());
    client
        .call::<EventsSubscribe>(SubscribeParams::default())
        .await
        .unwrap();
    let wanted = running.service.publish(warning("9"));
    running.service.publish(must_deliver());
    let (frames, _) = until_must_deliver(&mut events).await;
    assert_eq!(frames, [wanted]);
}

#[tokio::test]
async fn what_was_published_before_shutdown_arrives() {
    let running = Running::start();
    let (_client, mut events) = watch(&running, EventFilter::default()).await;
    for _ in 0..500 {
        running.service.publish(warning("going down"));
    }
    running.service.publish(must_deliver());
    running.shutdown.cancel();
    let (frames, skipped) = until_must_deliver(&mut events).await;
    // The outbox holds 256; what did not fit is told.
    assert_eq!(frames.len() as u64 + skipped, 500);
    assert!(events.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_costs_a_bounded_amount() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    raw.call(1, "events.subscribe", json!({})).await;
    let n_deltas = 100_000_u64;
    for seq in 1..=n_deltas {
        running
            .service
            .publish(delta("s", "some words of an answer"));
        if seq % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    running.service.publish(must_deliver());
    let mut n_words = 0;
    let mut skipped = 0;
    let mut last = 0;
    loop {
        let line = raw.line().await.unwrap();
        if line["method"] == "lagged" {
            skipped += line["params"]["skipped"].as_u64().unwrap();
            continue;
        }
        let seq = line["params"]["seq"].as_u64().unwrap();
        assert!(seq > last);
        last = seq;
        match &line["params"]["text"] {
            Value::String(text) => n_words += text.matches("some words").count() as u64,
            _ => break,
        }
    }
    assert_eq!(n_words + skipped, n_deltas);
    assert_eq!(last, n_deltas + 1);
    assert_eq!(raw.call(2, "test.echo", json!(2)).await, 2);
    drop(raw);
    running.until_clients(0).await;
    assert!(running.stats.peak_queued_bytes() <= 1024 * 1024 + 1024);
    assert_eq!(running.stats.skipped_events(), skipped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_take_its_events_can_still_call() {
    let running = Running::start();
    let (client, mut events) = watch(&running, EventFilter::default()).await;
    for n in 0..20_000_u64 {
        running.service.publish(warning("news"));
        if n % 500 == 0 {
            tokio::task::yield_now().await;
            client
                .call::<mesoclaw_api::ops::daemon::DaemonHealth>(NoParams {})
                .await
                .unwrap();
        }
    }
    running.service.publish(must_deliver());
    let (frames, skipped) = until_must_deliver(&mut events).await;
    assert_eq!(frames.len() as u64 + skipped, 20_000);
}

#[tokio::test]
async fn who_does_not_take_what_must_be_delivered_is_closed() {
    let running = Running::start();
    let mut raw = Raw::greeted(&running).await;
    raw.call(1, "events.subscribe", json!({})).await;
    let keys = vec!["x".repeat(10_000)];
    for _ in 0..2_000 {
        let keys = keys.clone();
        running.service.publish(Event::ConfigChanged { keys });
        tokio::task::yield_now().await;
    }
    running.until_clients(0).await;
    while raw.line_bytes().await > 0 {}
}
