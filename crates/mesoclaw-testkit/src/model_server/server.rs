//! The server: one thread with its own runtime, so that tests without a runtime and benches that
//! count their own CPU time can use it too.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::oneshot;

use super::player::{self, Player};
use super::record::{Ending, RecordedRequest, Records};
use super::script::{Reply, Script, Step};
use super::whole::whole;
use super::wire::{self, Wire};

/// A scripted provider on a loopback port. Stops when dropped, with every open connection.
pub struct ModelServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Script,
    records: Arc<Records>,
    n_replies: AtomicUsize,
    n_connections: AtomicUsize,
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

    /// Where it is, with `/v1` at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Address and port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.records.all()
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
    axum::serve(listener, Router::new().fallback(handle).with_state(shared)).await
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return json_response(StatusCode::BAD_REQUEST, &wire::error(400));
    };
    let body = read_body(&bytes);
    let path = parts.uri.path().to_owned();
    let n_request = shared.records.push(RecordedRequest {
        method: parts.method.to_string(),
        path: path.clone(),
        headers: headers(&parts.headers),
        body: body.clone(),
        body_bytes: bytes.len(),
        arrived: Instant::now(),
        first_content: None,
        ending: None,
        ended: None,
    });
    let waiting = Waiting {
        records: Arc::clone(&shared.records),
        n_request,
        is_armed: true,
    };
    let is_allowed = shared.script.api_key.as_ref().is_none_or(|key| {
        let wanted = format!("Bearer {key}");
        let given = parts.headers.get(header::AUTHORIZATION);
        given.is_some_and(|value| value.as_bytes() == wanted.as_bytes())
    });
    if is_allowed && path == "/v1/chat/completions" && parts.method == "POST" {
        let reply = shared
            .script
            .reply(shared.n_replies.fetch_add(1, Ordering::Relaxed));
        let response = chat(&shared, n_request, reply, body).await;
        waiting.disarm();
        return response;
    }
    let response = if !is_allowed {
        json_response(StatusCode::UNAUTHORIZED, &wire::error(401))
    } else if path == "/v1/models" && parts.method == "GET" {
        models(&shared).await
    } else {
        json_response(StatusCode::NOT_FOUND, &wire::error(404))
    };
    waiting.disarm();
    player::end(&shared.records, n_request, Ending::Complete);
    response
}

/// Notes that the client went away before the answer began.
struct Waiting {
    records: Arc<Records>,
    n_request: usize,
    is_armed: bool,
}

impl Waiting {
    fn disarm(mut self) {
        self.is_armed = false;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_armed {
            player::end(&self.records, self.n_request, Ending::ClientGone);
        }
    }
}

async fn models(shared: &Shared) -> Response {
    if let Some(reply) = &shared.script.models_reply
        && let Some(response) = begin(&mut reply.clone()).await
    {
        return response;
    }
    json_response(StatusCode::OK, &wire::models(&shared.script.model_ids()))
}

async fn chat(shared: &Shared, n_request: usize, mut reply: Reply, body: Value) -> Response {
    if let Some(response) = begin(&mut reply).await {
        player::end(&shared.records, n_request, Ending::Complete);
        return response;
    }
    let model = body["model"].as_str().unwrap_or("test-model").to_owned();
    let include_usage = body["stream_options"]["include_usage"] == true;
    let echo = last_text(&body);
    let wire = Wire::new(n_request, model, include_usage);
    if body["stream"] == true {
        let player = Player::new(wire, reply, echo, Arc::clone(&shared.records), n_request);
        let chunks = stream::unfold(player, |mut player| async {
            player.next().await.map(|chunk| (chunk, player))
        });
        return Response::builder()
            .header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-cache")
            .body(Body::from_stream(chunks))
            .unwrap();
    }
    let Some(answer) = whole(&wire, reply, &echo).await else {
        player::end(&shared.records, n_request, Ending::Cut);
        let cut = stream::once(async {
            tokio::task::yield_now().await;
            Err::<Bytes, _>(io::Error::other("cut by the script"))
        });
        return Response::new(Body::from_stream(cut));
    };
    let now = Instant::now();
    shared
        .records
        .update(n_request, |request| request.first_content = Some(now));
    player::end(&shared.records, n_request, Ending::Complete);
    json_response(StatusCode::OK, &answer)
}

/// Plays what comes before the first byte: delays, and a status that ends the answer.
async fn begin(reply: &mut Reply) -> Option<Response> {
    let mut steps = std::mem::take(&mut reply.steps).into_iter().peekable();
    while let Some(Step::Delay(ms)) = steps.peek() {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
        steps.next();
    }
    let Some(Step::Status {
        code,
        body,
        retry_after,
        location,
    }) = steps.peek()
    else {
        reply.steps = steps.collect();
        return None;
    };
    let body = body.clone().unwrap_or_else(|| wire::error(*code));
    let (content_type, text) = match &body {
        Value::String(text) => ("text/html", text.clone()),
        json => ("application/json", json.to_string()),
    };
    let mut response = Response::builder()
        .status(*code)
        .header(header::CONTENT_TYPE, content_type);
    if let Some(wait) = retry_after {
        response = response.header(header::RETRY_AFTER, wait);
    }
    if let Some(location) = location {
        response = response.header(header::LOCATION, location);
    }
    Some(response.body(text.into()).unwrap())
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into())
        .unwrap()
}

fn read_body(bytes: &Bytes) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn headers(headers: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// The text of the last message, whichever of the two forms of `content` it has.
fn last_text(body: &Value) -> String {
    let last = body["messages"].as_array().and_then(|all| all.last());
    match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}
