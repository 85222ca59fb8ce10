//! What a scripted provider saw, and when.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

/// Longest time anything of this module waits.
const WAIT: Duration = Duration::from_secs(30);

/// A request the server got.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// Path, `/v1/...`.
    pub path: String,
    /// What stands behind the `?`; empty when there is none.
    pub query: String,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body; `null` when there was none, a string when it was not JSON.
    pub body: Value,
    /// Length of the body.
    pub body_bytes: usize,
    /// Why the maker would have refused the request, when it was refused for its content.
    pub refusal: Option<String>,
    /// When the whole request was there.
    pub arrived: Instant,
    /// When the first chunk with text, reasoning or a tool call was handed to the socket.
    pub first_content: Option<Instant>,
    /// How the answer ended; `None` while it runs.
    pub ending: Option<Ending>,
    /// When it ended.
    pub ended: Option<Instant>,
}

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Everything was written.
    Complete,
    /// The script cut the connection.
    Cut,
    /// The client closed the connection first.
    ClientGone,
}

/// All requests so far, with a way to wait for more.
pub(super) struct Records {
    requests: Mutex<Vec<RecordedRequest>>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            requests: Mutex::new(Vec::new()),
            changed: Condvar::new(),
            version: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.requests
            .lock()
            .expect("nobody panics with the records")
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().clone()
    }

    /// Adds a request and gives its number.
    pub(super) fn push(&self, request: RecordedRequest) -> usize {
        let mut requests = self.lock();
        requests.push(request);
        let n = requests.len() - 1;
        drop(requests);
        self.tell();
        n
    }

    pub(super) fn update(&self, n: usize, change: impl FnOnce(&mut RecordedRequest)) {
        if let Some(request) = self.lock().get_mut(n) {
            change(request);
        }
        self.tell();
    }

    fn tell(&self) {
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
    }

    /// Waits until `ready` holds.
    pub(super) async fn wait(
        &self,
        what: &str,
        ready: impl Fn(&[RecordedRequest]) -> bool,
    ) -> Vec<RecordedRequest> {
        let mut version = self.version.subscribe();
        let waiting = async {
            loop {
                version.borrow_and_update();
                if ready(&self.lock()) {
                    return;
                }
                version.changed().await.expect("the records live");
            }
        };
        let in_time = tokio::time::timeout(WAIT, waiting).await.is_ok();
        let requests = self.all();
        assert!(in_time, "no {what} in {WAIT:?}; there are {requests:#?}");
        requests
    }

    /// The same for a test without a runtime.
    pub(super) fn wait_blocking(
        &self,
        what: &str,
        ready: impl Fn(&[RecordedRequest]) -> bool,
    ) -> Vec<RecordedRequest> {
        let (requests, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), WAIT, |requests| !ready(requests))
            .expect("nobody panics with the records");
        assert!(
            !timeout.timed_out(),
            "no {what} in {WAIT:?}; there are {requests:#?}"
        );
        requests.clone()
    }
}
