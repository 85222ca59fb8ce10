//! A service of a few operations, a server around it, and a client that sends bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, future};
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::{Health, Hello, HelloParams};
use mesoclaw_api::ops::events::{Delivery, EventSource, EventStream, SubscribeParams, Subscribed};
use mesoclaw_api::rpc::PROTOCOL;
use mesoclaw_api::{
    ApiError, ApiResult, BootId, BoxFuture, CallCtx, ErrorCode, Event, EventFrame, RawCaller,
    Surface,
};
use mesoclaw_ipc::{ClientOptions, Endpoint, ServerOptions, ServerStats, serve};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest wait for something that has to happen.
pub const SOON: Duration = Duration::from_secs(20);

/// Operations for tests, and a bus.
pub struct TestService {
    pub events: broadcast::Sender<Arc<EventFrame>>,
    seq: AtomicU64,
    /// Calls of `test.wait` that wait now.
    pub waiting: watch::Sender<usize>,
    /// Set to let them go.
    pub gate: watch::Sender<bool>,
    pub stop: CancellationToken,
}

impl Default for TestService {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the bus of the test service")]
        let (events, _) = broadcast::channel(1024);
        Self {
            events,
            seq: AtomicU64::new(0),
            waiting: watch::Sender::new(0),
            gate: watch::Sender::new(false),
            stop: CancellationToken::new(),
        }
    }
}

pub fn boot_id() -> BootId {
    "test-boot".into()
}

impl TestService {
    pub fn publish(&self, event: Event) -> Arc<EventFrame> {
        let frame = Arc::new(EventFrame {
            boot_id: boot_id(),
            seq: self.seq.fetch_add(1, Ordering::SeqCst) + 1,
            event,
        });
        self.events.send(Arc::clone(&frame)).ok();
        frame
    }

    async fn run(&self, cx: CallCtx, method: String, params: Value) -> ApiResult<Value> {
        match method.as_str() {
            "daemon.hello" => {
                parse::<HelloParams>(params)?;
                Ok(serde_json::to_value(hello()).unwrap())
            }
            "daemon.health" => {
                parse::<NoParams>(params)?;
                let status = "ok".to_owned();
                Ok(serde_json::to_value(Health { status }).unwrap())
            }
            "daemon.shutdown" => {
                self.stop.cancel();
                Ok(json!({}))
            }
            "test.echo" => Ok(params),
            "test.caller" => Ok(json!({"surface": cx.surface, "connection": cx.connection})),
            "test.big" => Ok(Value::from(
                "x".repeat(params["bytes"].as_u64().unwrap() as usize),
            )),
            "test.panic" => panic!("as asked"),
            "test.wait" => {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.gate.subscribe().wait_for(|open| *open).await.unwrap();
                Ok(params)
            }
            _ => Err(ApiError::new(
                ErrorCode::MethodNotFound,
                format!("there is no operation `{method}`"),
            )),
        }
    }
}

impl RawCaller for TestService {
    fn call_raw(
        &self,
        cx: CallCtx,
        method: &str,
        params: Value,
    ) -> BoxFuture<'_, ApiResult<Value>> {
        Box::pin(self.run(cx, method.to_owned(), params))
    }
}

impl EventSource for TestService {
    fn subscribe(&self, params: SubscribeParams) -> (Subscribed, EventStream) {
        let receiver = self.events.subscribe();
        let subscribed = Subscribed {
            boot_id: boot_id(),
            seq: self.seq.load(Ordering::SeqCst),
            is_complete: true,
        };
        let events = BroadcastStream::new(receiver).filter_map(move |frame| {
            future::ready(match frame {
                Ok(frame) if params.filter.wants(&frame.event) => Some(Delivery::Event(frame)),
                Ok(_) => None,
                Err(BroadcastStreamRecvError::Lagged(skipped)) => {
                    Some(Delivery::Lagged { skipped })
                }
            })
        });
        (subscribed, events.boxed())
    }
}

fn parse<P: DeserializeOwned>(params: Value) -> ApiResult<P> {
    serde_json::from_value(params)
        .map_err(|error| ApiError::new(ErrorCode::InvalidParams, error.to_string()))
}

/// How the test service introduces itself.
pub fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: "1.2.3".to_owned(),
        pid: std::process::id(),
        boot_id: boot_id(),
        subscribed: None,
    }
}

/// A server in a temporary directory; dropping it stops it.
pub struct Running {
    pub home: TempDir,
    pub endpoint: Endpoint,
    pub service: Arc<TestService>,
    pub stats: Arc<ServerStats>,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Running {
    pub fn start() -> Self {
        Self::with(ServerOptions::default())
    }

    pub fn with(options: ServerOptions) -> Self {
        let home = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::new(home.path().join("run/daemon.sock"));
        let service = Arc::new(TestService::default());
        let stats = Arc::clone(&options.stats);
        let (shutdown, tracker) = (CancellationToken::new(), TaskTracker::new());
        tracker.spawn(serve(
            endpoint.bind().unwrap(),
            Arc::clone(&service) as _,
            options,
            shutdown.clone(),
            tracker.clone(),
        ));
        Self {
            home,
            endpoint,
            service,
            stats,
            shutdown,
            tracker,
        }
    }

    pub fn path(&self) -> &Path {
        self.endpoint.path()
    }

    /// Waits until so many clients are connected.
    pub async fn until_clients(&self, expected: u32) {
        until(|| self.stats.clients() == expected).await;
    }

    /// Waits until so many calls of `test.wait` are in the service.
    pub async fn until_waiting(&self, expected: usize) {
        let mut waiting = self.service.waiting.subscribe();
        let reached = waiting.wait_for(|waiting| *waiting == expected);
        tokio::time::timeout(SOON, reached).await.unwrap().unwrap();
    }

    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tracker.close();
        tokio::time::timeout(SOON, self.tracker.wait())
            .await
            .unwrap();
    }
}

/// Waits for a condition.
pub async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, reached).await.unwrap();
}

pub fn options() -> ClientOptions {
    ClientOptions {
        client: "test".to_owned(),
        version: "0.0.1".to_owned(),
        surface: Surface::Cli,
        subscribe: None,
    }
}

/// A client that sends what it is told and reads lines.
pub struct Raw {
    stream: BufReader<UnixStream>,
}

impl Raw {
    pub async fn connect(running: &Running) -> Self {
        let stream = UnixStream::connect(running.path()).await.unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// A connection that said hello.
    pub async fn greeted(running: &Running) -> Self {
        let mut raw = Self::connect(running).await;
        raw.send(&request(0, "daemon.hello", hello_params())).await;
        assert_eq!(raw.line().await.unwrap()["id"], 0);
        raw
    }

    /// Sends bytes as they are; that the other end is gone does not matter here.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.ok();
    }

    pub async fn send(&mut self, message: &Value) {
        self.bytes(format!("{message}\n").as_bytes()).await;
    }

    /// The next line; `None` at the end.
    pub async fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = tokio::time::timeout(SOON, self.stream.read_line(&mut line))
            .await
            .unwrap();
        match read {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    /// Sends a request and gives `result` or `error.data.error_code` of the next line.
    pub async fn call(&mut self, id: i64, method: &str, params: Value) -> Value {
        self.send(&request(id, method, params)).await;
        let line = self.line().await.unwrap();
        assert_eq!(line["id"], id);
        outcome(&line)
    }

    /// Both halves, for reading and writing at the same time.
    pub fn split(&mut self) -> (BufReader<ReadHalf<'_>>, WriteHalf<'_>) {
        let (reader, writer) = self.stream.get_mut().split();
        (BufReader::new(reader), writer)
    }

    /// Length of the next line, whatever it is; `0` at the end.
    pub async fn line_bytes(&mut self) -> usize {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        let read = tokio::time::timeout(SOON, read).await.unwrap();
        read.unwrap_or_default()
    }

    /// No more requests will come.
    pub async fn finish_writing(&mut self) {
        self.stream.get_mut().shutdown().await.unwrap();
    }

    /// Nothing came yet.
    pub fn is_silent(&mut self) -> bool {
        let mut line = String::new();
        self.stream.read_line(&mut line).now_or_never().is_none()
    }
}

/// `result`, or the error code.
pub fn outcome(line: &Value) -> Value {
    match line.get("error") {
        Some(error) => error["data"]["error_code"].clone(),
        None => line["result"].clone(),
    }
}

pub fn request(id: i64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn hello_params() -> Value {
    json!({"protocol": PROTOCOL, "client": "raw", "version": "0.0.1", "surface": "cli"})
}
