//! The event bus: stamps every event with a number, keeps the last ones, feeds subscribers.
//!
//! It informs, it does not command: parts that must act use their own channels.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_api::ops::events::{Delivery, EventStream, SubscribeParams, Subscribed};
use mesoclaw_api::{BootId, Event, EventFilter, EventFrame};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Events kept for subscribers that come back.
const RING_EVENTS: usize = 1024;
/// Bytes of text kept in the ring; large items leave it sooner.
const RING_BYTES: usize = 4 * 1024 * 1024;
/// Events a subscriber may be behind before it lags.
const SUBSCRIBER_EVENTS: usize = 1024;

/// See the module documentation.
pub(crate) struct Bus {
    boot_id: BootId,
    state: Mutex<State>,
    live: broadcast::Sender<Arc<EventFrame>>,
}

struct State {
    seq: u64,
    ring: VecDeque<Arc<EventFrame>>,
    ring_bytes: usize,
    /// Must-deliver events have a ring of their own: a subscriber that lagged still gets them.
    must_deliver: VecDeque<Arc<EventFrame>>,
}

impl Bus {
    /// A bus of a new boot.
    pub fn new(boot_id: BootId) -> Arc<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the bus: the one place that may create a broadcast channel"
        )]
        let (live, _) = broadcast::channel(SUBSCRIBER_EVENTS);
        Arc::new(Self {
            boot_id,
            state: Mutex::new(State {
                seq: 0,
                ring: VecDeque::new(),
                ring_bytes: 0,
                must_deliver: VecDeque::new(),
            }),
            live,
        })
    }

    /// Stamps an event and gives it to every subscriber.
    pub fn publish(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seq += 1;
        let frame = Arc::new(EventFrame {
            boot_id: self.boot_id.clone(),
            seq: state.seq,
            event,
        });
        state.keep(Arc::clone(&frame));
        // Sent under the lock, so that the order on the channel is the order of the numbers.
        // An error only says that nobody listens.
        self.live.send(frame).ok();
    }

    /// Starts a subscription; see [`mesoclaw_api::ops::events::EventSource::subscribe`].
    pub fn subscribe(self: &Arc<Self>, params: SubscribeParams) -> (Subscribed, EventStream) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.live.subscribe();
        let (replay, is_complete) = state.replay(&self.boot_id, &params);
        let subscribed = Subscribed {
            boot_id: self.boot_id.clone(),
            seq: state.seq,
            is_complete,
        };
        let subscriber = Subscriber {
            bus: Arc::clone(self),
            filter: params.filter,
            pending: replay,
            receiver,
            last_seq: state.seq,
        };
        drop(state);
        let stream = futures_util::stream::unfold(subscriber, |mut subscriber| async move {
            let delivery = subscriber.next().await?;
            Some((delivery, subscriber))
        });
        (subscribed, Box::pin(stream))
    }

    /// Must-deliver events with numbers in `from..to`.
    fn must_deliver_between(&self, from: u64, to: u64) -> Vec<Arc<EventFrame>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .must_deliver
            .iter()
            .filter(|frame| (from..to).contains(&frame.seq))
            .map(Arc::clone)
            .collect()
    }
}

impl State {
    fn keep(&mut self, frame: Arc<EventFrame>) {
        if frame.event.must_deliver() {
            if self.must_deliver.len() == RING_EVENTS {
                self.must_deliver.pop_front();
            }
            self.must_deliver.push_back(Arc::clone(&frame));
        }
        self.ring_bytes += text_bytes(&frame.event);
        self.ring.push_back(frame);
        while self.ring.len() > RING_EVENTS || self.ring_bytes > RING_BYTES {
            let Some(oldest) = self.ring.pop_front() else {
                break;
            };
            self.ring_bytes -= text_bytes(&oldest.event);
        }
    }

    /// What a subscriber missed, and whether that is all of it.
    fn replay(&self, boot_id: &BootId, params: &SubscribeParams) -> (VecDeque<Delivery>, bool) {
        let Some(cursor) = &params.since else {
            return (VecDeque::new(), true);
        };
        if cursor.boot_id != *boot_id {
            return (VecDeque::new(), false);
        }
        let oldest_kept = self.ring.front().map_or(self.seq + 1, |frame| frame.seq);
        let missed = self
            .ring
            .iter()
            .filter(|frame| frame.seq > cursor.seq && params.filter.wants(&frame.event))
            .map(|frame| Delivery::Event(Arc::clone(frame)))
            .collect();
        (missed, cursor.seq.saturating_add(1) >= oldest_kept)
    }
}

/// A lower bound of the memory an event holds: the texts that can be large.
fn text_bytes(event: &Event) -> usize {
    use mesoclaw_api::ItemBody;
    match event {
        Event::TextDelta { text, .. } | Event::ReasoningDelta { text, .. } => text.len(),
        Event::ItemStored { item } => match &item.body {
            ItemBody::User { text, .. }
            | ItemBody::Assistant { text, .. }
            | ItemBody::Reasoning { text }
            | ItemBody::Notice { text }
            | ItemBody::System { text } => text.len(),
            ItemBody::ToolResult { output, .. } => output.len(),
            ItemBody::ToolCall { args, .. } => args.as_str().map_or(256, str::len),
            ItemBody::Approval { .. } | ItemBody::Outcome { .. } => 64,
        },
        Event::QueueChanged { queue, .. } => queue.iter().map(|message| message.text.len()).sum(),
        Event::TurnStarted { .. }
        | Event::ToolStarted { .. }
        | Event::ToolProgress { .. }
        | Event::TurnRetrying { .. }
        | Event::TurnModelChanged { .. }
        | Event::CredentialChanged { .. }
        | Event::TurnFinished { .. }
        | Event::ApprovalRequested { .. }
        | Event::ApprovalResolved { .. }
        | Event::SessionChanged { .. }
        | Event::SessionDeleted { .. }
        | Event::ConfigChanged { .. }
        | Event::ProviderChanged { .. }
        | Event::ModelProgress { .. }
        | Event::ModelFinished { .. }
        | Event::Warning { .. }
        | Event::DaemonStopping { .. } => 256,
    }
}

struct Subscriber {
    bus: Arc<Bus>,
    filter: EventFilter,
    pending: VecDeque<Delivery>,
    receiver: broadcast::Receiver<Arc<EventFrame>>,
    last_seq: u64,
}

impl Subscriber {
    async fn next(&mut self) -> Option<Delivery> {
        let mut skipped = 0;
        loop {
            if let Some(delivery) = self.pending.pop_front() {
                return Some(delivery);
            }
            match self.receiver.recv().await {
                Ok(frame) => {
                    if skipped > 0 {
                        self.catch_up(skipped, frame.seq);
                        skipped = 0;
                    }
                    self.last_seq = frame.seq;
                    if self.filter.wants(&frame.event) {
                        self.pending.push_back(Delivery::Event(frame));
                    }
                }
                Err(RecvError::Lagged(lost)) => skipped += lost,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// After lost events: those that must arrive come from their own ring, the rest is counted.
    fn catch_up(&mut self, skipped: u64, next_seq: u64) {
        let rescued: Vec<_> = self
            .bus
            .must_deliver_between(self.last_seq + 1, next_seq)
            .into_iter()
            .filter(|frame| self.filter.wants(&frame.event))
            .collect();
        let lost = skipped.saturating_sub(rescued.len() as u64);
        // The gap first: who sees `turn.finished` has to know whether text is missing.
        if lost > 0 {
            self.pending.push_back(Delivery::Lagged { skipped: lost });
        }
        self.pending
            .extend(rescued.into_iter().map(Delivery::Event));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use mesoclaw_api::ops::events::EventCursor;

    use super::*;

    fn delta(n: usize) -> Event {
        Event::TextDelta {
            session_id: "s".into(),
            turn_id: "t".into(),
            item_id: "t.1".into(),
            text: n.to_string(),
        }
    }

    fn must(n: usize) -> Event {
        Event::ConfigChanged {
            keys: vec![n.to_string()],
        }
    }

    fn since(bus: &Bus, seq: u64) -> SubscribeParams {
        SubscribeParams {
            filter: EventFilter::default(),
            since: Some(EventCursor {
                boot_id: bus.boot_id.clone(),
                seq,
            }),
        }
    }

    async fn take(stream: &mut EventStream, n: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        for _ in 0..n {
            match stream.next().await {
                Some(Delivery::Event(frame)) => seqs.push(frame.seq),
                Some(Delivery::Lagged { skipped }) => seqs.push(1_000_000 + skipped),
                None => break,
            }
        }
        seqs
    }

    #[tokio::test]
    async fn replay_joins_live_events_without_gap_or_repeat() {
        let bus = Bus::new(BootId::random());
        for n in 0..5 {
            bus.publish(delta(n));
        }
        let (subscribed, mut stream) = bus.subscribe(since(&bus, 2));
        bus.publish(delta(5));
        assert_eq!((subscribed.seq, subscribed.is_complete), (5, true));
        assert_eq!(take(&mut stream, 4).await, [3, 4, 5, 6]);
    }

    #[tokio::test]
    async fn another_boot_or_a_cursor_past_the_ring_is_incomplete() {
        let bus = Bus::new(BootId::random());
        for n in 0..RING_EVENTS + 10 {
            bus.publish(delta(n));
        }
        assert!(!bus.subscribe(since(&bus, 3)).0.is_complete);
        assert!(bus.subscribe(since(&bus, 10)).0.is_complete);
        let foreign = SubscribeParams {
            filter: EventFilter::default(),
            since: Some(EventCursor {
                boot_id: BootId::random(),
                seq: 3,
            }),
        };
        assert!(!bus.subscribe(foreign).0.is_complete);
    }

    #[tokio::test]
    async fn a_subscriber_that_lags_still_gets_what_must_be_delivered() {
        let bus = Bus::new(BootId::random());
        let (_, mut stream) = bus.subscribe(SubscribeParams::default());
        bus.publish(must(1));
        for n in 0..SUBSCRIBER_EVENTS + 100 {
            bus.publish(delta(n));
        }
        // 1,125 events were published, the channel keeps the last 1,024: 101 fell out, one of them
        // must be delivered.
        assert_eq!(take(&mut stream, 3).await, [1_000_100, 1, 102]);
    }

    #[tokio::test]
    async fn the_ring_is_bounded_in_bytes() {
        let bus = Bus::new(BootId::random());
        for _ in 0..16 {
            bus.publish(Event::TextDelta {
                session_id: "s".into(),
                turn_id: "t".into(),
                item_id: "t.1".into(),
                text: "x".repeat(RING_BYTES / 8),
            });
        }
        let state = bus.state.lock().unwrap();
        assert!(state.ring_bytes <= RING_BYTES);
        assert_eq!(state.ring.len(), 8);
    }
}
