//! The server: one thread with its own runtime, so that tests without a runtime and benches that
//! count their own CPU time can use it too.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::{Request, State};
use axum::serve::ListenerExt as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::obedient::Obedience;
use super::record::{Ending, RecordedRequest, Records};
use super::reply::{Shared, handle};
use super::script::Script;
use super::wire::WireKind;

/// A scripted provider on a loopback port. Stops when dropped, with every open connection.
pub struct ModelServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// Starts a server that plays `script`.
    #[expect(
        clippy::unused_async,
        reason = "callers need not know that starting never waits"
    )]
    pub async fn start(script: Script) -> Self {
        Self::start_blocking(script)
    }

    /// The same, for a test without a runtime.
    pub fn start_blocking(script: Script) -> Self {
        let shared = Arc::new(Shared {
            script,
            records: Arc::new(Records::new()),
            n_replies: AtomicUsize::new(0),
            n_connections: AtomicUsize::new(0),
            obedience: Obedience::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("model-server".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    tokio::select! {
                        result = serve(listener, state) => result.unwrap(),
                        _ = stopped => {}
                    }
                });
            })
            .unwrap();
        Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it is, with `/v1` at the end: the base URL of OpenAI's formats.
    pub fn base_url(&self) -> String {
        self.base_url_for(WireKind::OpenAiChat)
    }

    /// The base URL as the maker of this format documents it: `/v1` for OpenAI, `/v1beta` for
    /// Gemini, nothing behind the port for Anthropic, Cohere, Ollama and Azure.
    pub fn base_url_for(&self, kind: WireKind) -> String {
        format!("http://{}{}", self.addr, kind.base_path())
    }

    /// Address and port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.records.all()
    }

    /// Why requests were refused that their maker would refuse, in the order of arrival.
    pub fn refusals(&self) -> Vec<String> {
        let requests = self.requests().into_iter();
        requests.filter_map(|request| request.refusal).collect()
    }

    /// The calls of an obedient model, in order: tool and arguments.
    pub fn obeyed(&self) -> Vec<(String, Value)> {
        self.shared.obedience.calls()
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.n_connections.load(Ordering::Relaxed)
    }

    /// Waits (30 s at most) until `n` requests arrived and gives them all.
    pub async fn wait_for_requests(&self, n: usize) -> Vec<RecordedRequest> {
        let what = format!("request number {n}");
        let records = &self.shared.records;
        records.wait(&what, |requests| requests.len() >= n).await
    }

    /// The same, for a test without a runtime.
    pub fn wait_for_requests_blocking(&self, n: usize) -> Vec<RecordedRequest> {
        let what = format!("request number {n}");
        let records = &self.shared.records;
        records.wait_blocking(&what, |requests| requests.len() >= n)
    }

    /// Waits (30 s at most) until the answer to request `n` (from 0) has its first content.
    pub async fn wait_for_content(&self, n: usize) -> Vec<RecordedRequest> {
        let ready = move |requests: &[RecordedRequest]| {
            requests.get(n).is_some_and(|r| r.first_content.is_some())
        };
        self.shared.records.wait("content", ready).await
    }

    /// The same, for a test without a runtime.
    pub fn wait_for_content_blocking(&self, n: usize) -> Vec<RecordedRequest> {
        let ready = move |requests: &[RecordedRequest]| {
            requests.get(n).is_some_and(|r| r.first_content.is_some())
        };
        self.shared.records.wait_blocking("content", ready)
    }

    /// Waits (30 s at most) until the answer to request `n` (from 0) ended, and says how.
    pub async fn wait_for_ending(&self, n: usize) -> Ending {
        let ready =
            move |requests: &[RecordedRequest]| requests.get(n).is_some_and(|r| r.ending.is_some());
        let requests = self.shared.records.wait("ending", ready).await;
        requests.get(n).and_then(|r| r.ending).expect("it is ready")
    }

    /// The same, for a test without a runtime.
    pub fn wait_for_ending_blocking(&self, n: usize) -> Ending {
        let ready =
            move |requests: &[RecordedRequest]| requests.get(n).is_some_and(|r| r.ending.is_some());
        let requests = self.shared.records.wait_blocking("ending", ready);
        requests.get(n).and_then(|r| r.ending).expect("it is ready")
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread already printed its reason.
            thread.join().ok();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let counted = Arc::clone(&shared);
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(move |stream| {
        counted.n_connections.fetch_add(1, Ordering::Relaxed);
        stream.set_nodelay(true).expect("TCP_NODELAY");
    });
    let handle = |State(shared): State<Arc<Shared>>, request: Request| handle(shared, request);
    axum::serve(listener, Router::new().fallback(handle).with_state(shared)).await
}
