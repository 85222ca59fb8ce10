//! The client's end of a connection: typed calls, many at once, and a stream of events.
//!
//! One task per connection (`pump.rs`) reads and writes; handles only pass lines to it.

mod events;
mod pump;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mesoclaw_api::ops::daemon::{DaemonHello, Hello, HelloParams};
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::rpc::{MAX_LINE_BYTES, PROTOCOL, Version};
use mesoclaw_api::{
    ApiError, ApiResult, BoxFuture, CallCtx, ErrorCode, Operation, RawCaller, Surface,
};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

pub use events::Events;

use crate::codec::encode_line;
use crate::endpoint::Endpoint;
use crate::error::{IpcError, connection_ended};
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_IN_FLIGHT};
use pump::{Command, Reply};

/// How a client introduces itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientOptions {
    /// Name of the program, for the daemon's log.
    pub client: String,
    /// Its version.
    pub version: String,
    /// What kind of surface it is.
    pub surface: Surface,
    /// Events wanted from the start; `None` = none.
    pub subscribe: Option<SubscribeParams>,
}

/// A connection to the daemon. Clones share it; it ends when the last clone is dropped.
///
/// At most 32 calls of one connection run at once, more wait here for their turn.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Full: the caller waits.
    commands: mpsc::Sender<Command>,
    turns: Arc<Semaphore>,
    last_id: AtomicI64,
    events: Mutex<Option<Events>>,
    /// Why the connection ended, when there is more to say than that it did.
    ended: Arc<OnceLock<ApiError>>,
}

/// The daemon's answer to the introduction, on its way.
#[derive(Debug)]
pub struct PendingHello {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    answer: oneshot::Receiver<Reply>,
}

#[derive(Serialize)]
struct Outgoing<'a, P> {
    jsonrpc: Version,
    id: i64,
    method: &'a str,
    params: &'a P,
}

impl Client {
    /// Connects and waits until the daemon has introduced itself, for at most 5 s.
    ///
    /// # Errors
    /// Nobody listens, what listens is not ours, or the daemon refuses the client.
    pub async fn connect(
        endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<(Self, Hello), IpcError> {
        let (client, hello) = Self::open(endpoint, options).await?;
        Ok((client, hello.wait().await?))
    }

    /// Connects without waiting for the answer to the introduction. Calls made now travel right
    /// behind it, in the same write, which saves a round trip; should the daemon refuse the
    /// client, they fail with its reason.
    ///
    /// # Errors
    /// Nobody listens, or what listens is not ours.
    pub async fn open(
        endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<(Self, PendingHello), IpcError> {
        let params = HelloParams {
            protocol: PROTOCOL,
            client: options.client,
            version: options.version,
            surface: options.surface,
            subscribe: options.subscribe,
        };
        let id = pump::HELLO_ID;
        let line = outgoing_line(id, DaemonHello::METHOD, &params).map_err(IpcError::Refused)?;
        let stream = endpoint.connect().await?;

        let (reply, answer) = oneshot::channel();
        let (commands, receiver) = mpsc::channel(MAX_IN_FLIGHT);
        let (event_sender, events) = events::channel();
        let ended = Arc::new(OnceLock::new());
        let shared = Arc::new(Shared {
            commands,
            turns: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            last_id: AtomicI64::new(id),
            events: Mutex::new(Some(events)),
            ended: Arc::clone(&ended),
        });
        let hello = Command {
            id,
            line,
            reply,
            turn: None,
        };
        let pump = pump::run(stream, hello, receiver, event_sender, ended);
        // Nobody waits for this task: it ends with the last client, and its socket with it.
        TaskTracker::new().spawn(pump);
        let pending = PendingHello {
            endpoint: endpoint.clone(),
            shared: Arc::clone(&shared),
            answer,
        };
        Ok((Self { shared }, pending))
    }

    /// Runs a typed operation.
    ///
    /// # Cancellation
    /// Dropping the future stops waiting; the operation itself may still complete.
    ///
    /// # Errors
    /// The operation's own error, or `MESO_DAEMON_UNREACHABLE` when the connection ended.
    pub async fn call<O: Operation>(&self, params: O::Params) -> ApiResult<O::Output> {
        let answer = self.shared.request(O::METHOD, &params).await?;
        serde_json::from_str(answer.get()).map_err(ApiError::unserialisable)
    }

    /// The events of this connection; `None` when somebody took them before.
    pub fn take_events(&self) -> Option<Events> {
        self.shared
            .events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl RawCaller for Client {
    /// The daemon knows the surface from the introduction; `cx` is not sent.
    fn call_raw(
        &self,
        _cx: CallCtx,
        method: &str,
        params: Value,
    ) -> BoxFuture<'_, ApiResult<Value>> {
        let method = method.to_owned();
        Box::pin(async move {
            let answer = self.shared.request(&method, &params).await?;
            serde_json::from_str(answer.get()).map_err(ApiError::unserialisable)
        })
    }
}

impl Shared {
    async fn request<P: Serialize>(&self, method: &str, params: &P) -> ApiResult<Box<RawValue>> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let line = outgoing_line(id, method, params)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let (reply, answer) = oneshot::channel();
        let command = Command {
            id,
            line,
            reply,
            turn,
        };
        if self.commands.send(command).await.is_err() {
            return Err(self.reason());
        }
        answer.await.unwrap_or_else(|_| Err(self.reason()))
    }

    fn reason(&self) -> ApiError {
        self.ended.get().cloned().unwrap_or_else(connection_ended)
    }
}

impl PendingHello {
    /// Waits for the daemon's answer, for at most 5 s.
    ///
    /// # Errors
    /// The daemon refuses the client, or does not answer.
    pub async fn wait(self) -> Result<Hello, IpcError> {
        let answer = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.answer).await;
        let answer = answer.map_err(|_| IpcError::NoAnswer {
            path: self.endpoint.path().to_owned(),
            after: HANDSHAKE_TIMEOUT,
        })?;
        let answer = match (answer, self.shared.ended.get()) {
            (Ok(answer), _) => answer,
            (Err(_), Some(reason)) => Err(reason.clone()),
            (Err(_), None) => {
                return Err(IpcError::Closed {
                    path: self.endpoint.path().to_owned(),
                });
            }
        };
        answer
            .and_then(|hello| serde_json::from_str(hello.get()).map_err(ApiError::unserialisable))
            .map_err(IpcError::Refused)
    }
}

fn outgoing_line<P: Serialize>(id: i64, method: &str, params: &P) -> ApiResult<Vec<u8>> {
    let line = encode_line(&Outgoing {
        jsonrpc: Version::V2,
        id,
        method,
        params,
    })
    .map_err(ApiError::unserialisable)?;
    if line.len() > MAX_LINE_BYTES + 1 {
        return Err(ApiError::new(
            ErrorCode::LimitReached,
            format!(
                "the request has {} bytes; a line holds at most {MAX_LINE_BYTES}",
                line.len()
            ),
        )
        .with_hint("send less at once"));
    }
    Ok(line)
}
