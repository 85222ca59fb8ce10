//! The events a client receives, between the task that reads them and the one that uses them.

use std::sync::Arc;

use mesoclaw_api::EventFrame;
use mesoclaw_api::ops::events::Delivery;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Events that may wait before reading pauses.
const CAPACITY: usize = 1024;

/// Places more for events that must be delivered.
const RESERVE: usize = 64;

/// The events of a connection.
///
/// A user that is slow makes the daemon hold events back and join deltas. When calls have to be
/// answered meanwhile, events that do not fit are dropped and [`Delivery::Lagged`] says how many.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Delivery>,
}

impl Events {
    /// The next event; `None` when the connection ended.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.receiver.recv().await
    }
}

/// An event that must be delivered does not fit: the connection has to be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Overflow;

/// The other end of [`Events`].
pub(super) struct EventSender {
    /// Full: see [`Events`].
    sender: mpsc::Sender<Delivery>,
    skipped: u64,
}

pub(super) fn channel() -> (EventSender, Events) {
    let (sender, receiver) = mpsc::channel(CAPACITY + RESERVE);
    (EventSender { sender, skipped: 0 }, Events { receiver })
}

impl EventSender {
    /// Whether the user keeps up; when not, reading may pause.
    pub(super) fn has_room(&self) -> bool {
        self.sender.capacity() > RESERVE || self.sender.is_closed()
    }

    pub(super) fn has_gap(&self) -> bool {
        self.skipped > 0
    }

    /// Waits until the user has caught up enough.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub(super) async fn room(&self) {
        // An error means that nobody wants the events any more; that is room too.
        self.sender.reserve_many(RESERVE + 1).await.ok();
    }

    /// Notes that the daemon dropped events.
    pub(super) fn skip(&mut self, events: u64) {
        self.skipped += events;
        self.tell_gap();
    }

    /// Says how many events are missing, when there is room to say it.
    pub(super) fn tell_gap(&mut self) {
        if self.has_room() {
            self.force_gap();
        }
    }

    fn force_gap(&mut self) {
        if self.skipped == 0 {
            return;
        }
        let lagged = Delivery::Lagged {
            skipped: self.skipped,
        };
        match self.sender.try_send(lagged) {
            Ok(()) | Err(TrySendError::Closed(_)) => self.skipped = 0,
            Err(TrySendError::Full(_)) => {}
        }
    }

    /// Hands an event to the user, or drops and counts it.
    pub(super) fn send(&mut self, frame: EventFrame) -> Result<(), Overflow> {
        self.tell_gap();
        if frame.event.must_deliver() {
            // Who sees `turn.finished` has to know whether text is missing.
            self.force_gap();
        } else if self.skipped > 0 || !self.has_room() {
            self.skipped += 1;
            return Ok(());
        }
        match self.sender.try_send(Delivery::Event(Arc::new(frame))) {
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Overflow),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use mesoclaw_api::Event;

    use super::*;

    fn frame(seq: u64, event: Event) -> EventFrame {
        EventFrame {
            boot_id: "boot".into(),
            seq,
            event,
        }
    }

    fn warning(seq: u64) -> EventFrame {
        let message = String::new();
        frame(seq, Event::Warning { message })
    }

    fn must_deliver(seq: u64) -> EventFrame {
        frame(seq, Event::ConfigChanged { keys: Vec::new() })
    }

    /// What the user sees now: numbers of events, and `-n` for a gap of `n`.
    fn seen(events: &mut Events) -> Vec<i64> {
        let mut seen = Vec::new();
        while let Some(Some(delivery)) = events.next().now_or_never() {
            seen.push(match delivery {
                Delivery::Event(frame) => frame.seq as i64,
                Delivery::Lagged { skipped } => -(skipped as i64),
            });
        }
        seen
    }

    #[test]
    fn a_slow_user_misses_events_but_never_those_that_must_be_delivered() {
        let (mut sender, mut events) = channel();
        let capacity = CAPACITY as u64;
        for seq in 1..=capacity + 10 {
            assert_eq!(sender.send(warning(seq)), Ok(()));
        }
        for seq in 1..RESERVE as u64 {
            assert_eq!(sender.send(must_deliver(2000 + seq)), Ok(()));
        }
        assert_eq!(sender.send(warning(2999)), Ok(()));
        assert_eq!(sender.send(must_deliver(3000)), Err(Overflow));
        assert!(!sender.has_room() && sender.has_gap());
        let expected: Vec<_> = (1..=CAPACITY as i64)
            .chain([-10])
            .chain(2001..2000 + RESERVE as i64)
            .collect();
        assert_eq!(seen(&mut events), expected);
        assert_eq!(sender.send(warning(4000)), Ok(()));
        assert_eq!(seen(&mut events), [-1, 4000]);
    }

    #[test]
    fn nobody_listening_is_no_reason_to_wait() {
        let (mut sender, events) = channel();
        drop(events);
        assert!(sender.has_room());
        assert_eq!(sender.send(warning(1)), Ok(()));
        assert!(sender.room().now_or_never().is_some());
    }
}
