//! A turn over the socket, with the moments that count.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mesoclaw_api::ops::chat::{ChatSend, SendParams};
use mesoclaw_api::ops::events::{Delivery, SubscribeParams};
use mesoclaw_api::{Event, SessionId, TurnOutcome, Usage};
use mesoclaw_ipc::{Client, Events};
use mesoclaw_testkit::daemon::DaemonProcess;

/// Longest time a turn may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// A client that sees all events.
pub(crate) struct Watcher {
    /// For calls.
    pub(crate) client: Client,
    events: Events,
}

/// What a watcher saw of a turn.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The text of all deltas.
    pub(crate) text: String,
    /// Event frames.
    pub(crate) frames: u64,
    /// Events the daemon or the client dropped.
    pub(crate) skipped: u64,
    /// When the first delta came.
    pub(crate) first_delta: Option<Instant>,
    /// When the last delta came.
    pub(crate) last_delta: Option<Instant>,
    /// When `turn.finished` came.
    pub(crate) finished: Instant,
    /// How it ended.
    pub(crate) outcome: TurnOutcome,
    /// What it used.
    pub(crate) usage: Usage,
}

impl Watcher {
    /// Connects.
    pub(crate) async fn connect(daemon: &DaemonProcess) -> Self {
        let client = daemon.client(Some(SubscribeParams::default())).await;
        let events = client.take_events().expect("nobody took them before");
        Self { client, events }
    }

    /// Says something; gives the session.
    pub(crate) async fn send(&self, session_id: Option<SessionId>, text: &str) -> SessionId {
        send(&self.client, session_id, text).await
    }

    /// Reads events to the end of the next turn that ends; `None` when the connection or the time
    /// ends first.
    pub(crate) async fn try_see_turn(&mut self) -> Option<Seen> {
        let seen = tokio::time::timeout(LIMIT, self.see()).await;
        seen.ok().flatten()
    }

    /// The same where nothing else than an end is good.
    pub(crate) async fn see_turn(&mut self) -> Seen {
        let seen = self.try_see_turn().await;
        let seen = seen.unwrap_or_else(|| panic!("the end of a turn is not seen in {LIMIT:?}"));
        assert_eq!(
            seen.outcome,
            TurnOutcome::Completed,
            "the turn did not end well"
        );
        seen
    }

    async fn see(&mut self) -> Option<Seen> {
        let (mut text, mut frames, mut skipped) = (String::new(), 0, 0);
        let (mut first_delta, mut last_delta) = (None, None);
        loop {
            let delivery = self.events.next().await?;
            let frame = match delivery {
                Delivery::Lagged { skipped: n } => {
                    skipped += n;
                    continue;
                }
                Delivery::Event(frame) => frame,
            };
            frames += 1;
            if let Event::TextDelta { text: more, .. } = &frame.event {
                let now = Instant::now();
                first_delta.get_or_insert(now);
                last_delta = Some(now);
                text.push_str(more);
            }
            if let Event::TurnFinished { outcome, usage, .. } = &frame.event {
                return Some(Seen {
                    text,
                    frames,
                    skipped,
                    first_delta,
                    last_delta,
                    finished: Instant::now(),
                    outcome: outcome.clone(),
                    usage: *usage,
                });
            }
        }
    }
}

/// Says something; gives the session.
pub(crate) async fn send(client: &Client, session_id: Option<SessionId>, text: &str) -> SessionId {
    let params = SendParams {
        session_id,
        text: text.to_owned(),
        ..SendParams::default()
    };
    let sent = tokio::time::timeout(LIMIT, client.call::<ChatSend>(params)).await;
    let sent = sent.expect("an answer in time");
    sent.expect("the message is taken").session_id
}

/// The text of so many numbered tokens of the scripted server.
pub(crate) fn numbered(n_tokens: u64) -> String {
    let mut text = String::new();
    for n in 0..n_tokens {
        write!(text, "{n} ").expect("a string takes everything");
    }
    text
}

/// Runs a future on a runtime of its own, in this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}
