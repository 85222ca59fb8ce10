//! A home with a model server and a daemon, and a way to wait for a condition.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mesoclaw_api::SessionId;
use mesoclaw_api::event::EventFilter;
use mesoclaw_api::item::{Item, ItemBody};
use mesoclaw_api::ops::chat::{ChatSend, SendParams, Sent};
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::ops::session::{ItemsParams, SessionItems};
use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script};

use crate::rpc::Wire;

/// Longest time anything is waited for.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Time between two looks at something that can only be looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mesoclaw"))
}

/// The answer of a model that says so many numbers.
pub fn numbers(n: u64) -> String {
    (0..n).fold(String::new(), |mut text, n| {
        write!(text, "{n} ").unwrap();
        text
    })
}

/// Asks until there is an answer, for at most [`LIMIT`].
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "no {what} within {LIMIT:?}");
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
}

/// A daemon whose model is a scripted server. Fields end in this order.
pub struct Fixture {
    pub daemon: DaemonProcess,
    pub server: ModelServer,
    pub home: TestHome,
}

impl Fixture {
    /// Starts all three.
    pub fn start(script: Script) -> Self {
        let server = ModelServer::start_blocking(script);
        let home = TestHome::new();
        home.use_model_server(&server);
        Self {
            daemon: DaemonProcess::start(program(), &home),
            server,
            home,
        }
    }

    /// Where the daemon listens.
    pub fn socket(&self) -> PathBuf {
        self.daemon.endpoint().path().to_owned()
    }

    /// A connection without events.
    pub fn wire(&self) -> Wire {
        Wire::greet(&self.socket(), None).0
    }

    /// A connection with all events of one session.
    pub fn watch(&self, session_id: &SessionId) -> Wire {
        let subscribe = SubscribeParams {
            filter: EventFilter::session(session_id.clone()),
            since: None,
        };
        Wire::greet(&self.socket(), Some(subscribe)).0
    }

    /// Fails when something in the daemon panicked.
    pub fn assert_no_panic(&self) {
        let output = self.daemon.output();
        assert!(!output.contains("panic"), "{output}");
    }
}

/// Says something in a session.
pub fn say(wire: &mut Wire, session_id: &SessionId, text: &str) -> Sent {
    wire.call::<ChatSend>(SendParams {
        session_id: Some(session_id.clone()),
        text: text.to_owned(),
        ..SendParams::default()
    })
    .unwrap()
}

/// All items of a session after a position, by pages.
pub fn items(wire: &mut Wire, session_id: &SessionId, after: i64) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    loop {
        let page = wire
            .call::<SessionItems>(ItemsParams {
                session_id: session_id.clone(),
                before: None,
                after: Some(items.last().map_or(after, |item| item.position)),
                limit: Some(1000),
            })
            .unwrap();
        items.extend(page.items);
        if !page.has_more {
            return items;
        }
    }
}

/// What the user said, in order.
pub fn said(items: &[Item]) -> Vec<&str> {
    items
        .iter()
        .filter_map(|item| match &item.body {
            ItemBody::User { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// What the model answered last, and whether that is all of it.
pub fn last_answer(items: &[Item]) -> Option<(&str, bool)> {
    items.iter().rev().find_map(|item| match &item.body {
        ItemBody::Assistant { text, complete, .. } => Some((text.as_str(), *complete)),
        _ => None,
    })
}
