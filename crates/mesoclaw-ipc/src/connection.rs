//! One connection: reads requests, runs them side by side, writes answers and events.
//!
//! A single task owns everything, so nothing is locked and a delta reaches the socket without a
//! hop between tasks. Backpressure: while the outbox has no room, no request is read.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{self, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mesoclaw_api::ops::daemon::DaemonHello;
use mesoclaw_api::ops::events::{
    Delivery, EventStream, EventsSubscribe, EventsUnsubscribe, SubscribeParams, Subscribed,
};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::rpc::{Request, RequestId};
use mesoclaw_api::{ApiError, ApiResult, BoxFuture, CallCtx, ErrorCode, Operation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::task::coop::unconstrained;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use crate::codec::LineDecoder;
use crate::endpoint::Stream;
use crate::handshake::{self, Introduction};
use crate::outbox::{Capacity, Outbox, Overflow};
use crate::request::{self, BadRequest};
use crate::server::{ServerOptions, Service};

/// Time a connection has at shutdown to end its calls and write what waits.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Events taken at once before the socket has its turn again.
const EVENT_BATCH: usize = 256;

/// Events taken at shutdown, more than a bus keeps.
const LAST_EVENTS: usize = 4096;

/// Lines kept free for events that must be delivered.
const OUTBOX_RESERVE: usize = 64;

/// Bytes that may wait for one slow reader; events that must be delivered may use as many again.
const OUTBOX_BYTES: usize = 1024 * 1024;

/// A write buffer larger than this is given back when it is empty.
const KEPT_WRITE_BYTES: usize = 256 * 1024;

type Answer = (RequestId, ApiResult<Value>);

/// Serves one connection to its end.
pub(crate) async fn run(
    stream: Stream,
    service: Arc<dyn Service>,
    options: Arc<ServerOptions>,
    id: u64,
    shutdown: CancellationToken,
) {
    let mut decoder = LineDecoder::default();
    let hello = tokio::select! {
        biased;
        () = shutdown.cancelled() => return,
        hello = tokio::time::timeout(
            options.handshake_timeout,
            handshake::read_hello(&stream, &mut decoder),
        ) => hello,
    };
    let introduction = match hello {
        Ok(Ok(Some(introduction))) => introduction,
        Ok(Ok(None)) => return,
        Ok(Err(bad)) => return handshake::refuse(&stream, bad).await,
        Err(_) => {
            tracing::info!("closed a connection that did not say hello in time");
            return;
        }
    };
    let cx = CallCtx {
        surface: introduction.hello.surface,
        connection: id,
    };
    let mut connection = Connection::new(&*service, &options, cx);
    if let Err(bad) = connection.greet(introduction).await {
        return handshake::refuse(&stream, bad).await;
    }
    let client = options.stats.client_came();
    let _end = End {
        service: &*service,
        connection: id,
    };
    connection.serve(&stream, &mut decoder, &shutdown).await;
    options.stats.note_outbox(
        connection.outbox.peak_bytes(),
        connection.outbox.skipped_in_all(),
    );
    drop(client);
    tracing::debug!("connection ended");
}

/// Tells the service that a connection is over, however it ends.
struct End<'s> {
    service: &'s dyn Service,
    connection: u64,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.service.connection_closed(self.connection);
    }
}

struct Connection<'s> {
    service: &'s dyn Service,
    cx: CallCtx,
    max_in_flight: usize,
    outbox: Outbox,
    in_flight: FuturesUnordered<BoxFuture<'s, Option<Answer>>>,
    events: Option<EventStream>,
    is_reading: bool,
}

/// Bytes on their way into the socket.
#[derive(Default)]
struct WriteBuffer {
    bytes: Vec<u8>,
    written: usize,
}

impl<'s> Connection<'s> {
    fn new(service: &'s dyn Service, options: &ServerOptions, cx: CallCtx) -> Self {
        Self {
            service,
            cx,
            max_in_flight: options.max_in_flight,
            outbox: Outbox::new(Capacity {
                entries: options.outbox_capacity,
                reserve: OUTBOX_RESERVE,
                bytes: OUTBOX_BYTES,
            }),
            in_flight: FuturesUnordered::new(),
            events: None,
            is_reading: true,
        }
    }

    /// Lets the core answer the hello and starts the subscription it asks for.
    async fn greet(&mut self, introduction: Introduction) -> Result<(), BadRequest> {
        let Introduction { id, hello, params } = introduction;
        tracing::debug!(client = %hello.client, version = %hello.version,
            surface = ?hello.surface, "client connected");
        let answer = self.call(DaemonHello::METHOD.to_owned(), params).await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(BadRequest { id, error }),
        };
        if let Some(subscribe) = hello.subscribe {
            let subscribed = self.subscribe(subscribe);
            if let (Value::Object(fields), Ok(subscribed)) = (&mut answer, to_value(&subscribed)) {
                fields.insert("subscribed".to_owned(), subscribed);
            }
        }
        if id.is_some() {
            self.outbox.push_answer(id, Ok(answer));
        }
        Ok(())
    }

    /// Runs until the client goes, or until the shutdown and what it leaves time for.
    async fn serve(
        &mut self,
        stream: &Stream,
        decoder: &mut LineDecoder,
        shutdown: &CancellationToken,
    ) {
        let (mut reader, mut writer) = (stream, stream);
        let mut output = WriteBuffer::default();
        let mut deadline: Option<Pin<Box<Sleep>>> = None;
        loop {
            self.start_requests(decoder);
            output.refill(&mut self.outbox);
            if !self.is_reading && self.in_flight.is_empty() && output.is_empty() {
                return;
            }
            tokio::select! {
                written = writer.write(output.rest()), if !output.is_empty() => {
                    match written {
                        Ok(bytes) if bytes > 0 => output.written += bytes,
                        Ok(_) | Err(_) => return,
                    }
                }
                Some(answer) = self.in_flight.next(), if !self.in_flight.is_empty() => {
                    self.push_answer(answer);
                }
                delivery = next_event(&mut self.events) => {
                    if self.take_events(delivery, EVENT_BATCH).is_err() {
                        tracing::warn!("closed a connection: it does not read what it must get");
                        return;
                    }
                }
                read = decoder.read_from(&mut reader), if self.is_reading && self.outbox.has_room() => {
                    match read {
                        Ok(bytes) if bytes > 0 => {}
                        // Answers to what was asked still go out: a client may close its writing
                        // half only. Events do not, they would keep a dead connection alive.
                        Ok(_) => self.stop_reading(),
                        Err(_) => return,
                    }
                }
                () = shutdown.cancelled(), if deadline.is_none() => {
                    deadline = Some(Box::pin(tokio::time::sleep(DRAIN_TIMEOUT)));
                    // What was published up to now, among it that the daemon stops.
                    if let Poll::Ready(delivery) = ready_event(&mut self.events)
                        && self.take_events(delivery, LAST_EVENTS).is_err()
                    {
                        return;
                    }
                    self.stop_reading();
                }
                () = expired(&mut deadline) => return,
            }
        }
    }

    /// Starts the requests that are here in full, as long as there is room for their answers.
    fn start_requests(&mut self, decoder: &mut LineDecoder) {
        while self.outbox.has_room()
            && let Some(line) = decoder.next_line()
        {
            match request::parse(line) {
                Ok(Some(request)) => self.start(request),
                Ok(None) => {}
                Err(bad) => self.outbox.push_answer(bad.id, Err(bad.error)),
            }
        }
    }

    fn start(&mut self, request: Request) {
        let Request {
            id, method, params, ..
        } = request;
        let answer = match method.as_str() {
            DaemonHello::METHOD => Err(ApiError::new(
                ErrorCode::Conflict,
                "this connection said `daemon.hello` already",
            )),
            EventsSubscribe::METHOD => from_params::<SubscribeParams>(params)
                .and_then(|params| to_value(&self.subscribe(params))),
            EventsUnsubscribe::METHOD => from_params::<NoParams>(params).and_then(|NoParams {}| {
                self.events = None;
                to_value(&Done {})
            }),
            _ if self.in_flight.len() >= self.max_in_flight => Err(self.overloaded()),
            _ => {
                let call = self.call(method, params);
                let answer = call.map(|result| id.map(|id| (id, result)));
                return self.in_flight.push(Box::pin(answer));
            }
        };
        match (id, answer) {
            (Some(id), answer) => self.outbox.push_answer(Some(id), answer),
            (None, Err(error)) => tracing::debug!(%error, "a notification was not run"),
            (None, Ok(_)) => {}
        }
    }

    /// A panic in an operation is an error of that operation, not of its neighbours.
    fn call(
        &self,
        method: String,
        params: Value,
    ) -> impl Future<Output = ApiResult<Value>> + Send + use<'s> {
        let service = self.service;
        let cx = self.cx.clone();
        let call = async move { service.call_raw(cx, &method, params).await };
        AssertUnwindSafe(call).catch_unwind().map(|result| {
            result.unwrap_or_else(|_| {
                Err(ApiError::new(
                    ErrorCode::Internal,
                    "the operation broke off because of a defect",
                )
                .with_hint("`mesoclaw daemon logs` has the details"))
            })
        })
    }

    fn subscribe(&mut self, params: SubscribeParams) -> Subscribed {
        let (subscribed, events) = self.service.subscribe(params);
        self.events = Some(events);
        subscribed
    }

    fn push_answer(&mut self, answer: Option<Answer>) {
        if let Some((id, result)) = answer {
            self.outbox.push_answer(Some(id), result);
        }
    }

    /// Queues an event and those that are ready behind it, so that they share one write.
    fn take_events(&mut self, first: Option<Delivery>, at_most: usize) -> Result<(), Overflow> {
        self.take_event(first)?;
        for _ in 1..at_most {
            match ready_event(&mut self.events) {
                Poll::Ready(delivery) => self.take_event(delivery)?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn take_event(&mut self, delivery: Option<Delivery>) -> Result<(), Overflow> {
        match delivery {
            Some(Delivery::Event(frame)) => return self.outbox.push_event(frame),
            Some(Delivery::Lagged { skipped }) => self.outbox.skip(skipped),
            None => self.events = None,
        }
        Ok(())
    }

    fn stop_reading(&mut self) {
        self.is_reading = false;
        self.events = None;
    }

    fn overloaded(&self) -> ApiError {
        ApiError::new(
            ErrorCode::Overloaded,
            format!(
                "{} requests of this connection run already",
                self.max_in_flight
            ),
        )
        .with_hint("wait for answers before sending more")
    }
}

impl WriteBuffer {
    fn is_empty(&self) -> bool {
        self.bytes.len() == self.written
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Takes what waits, once everything before is written.
    fn refill(&mut self, outbox: &mut Outbox) {
        if !self.is_empty() || outbox.is_empty() {
            return;
        }
        self.written = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_WRITE_BYTES);
        outbox.fill(&mut self.bytes);
    }
}

async fn next_event(events: &mut Option<EventStream>) -> Option<Delivery> {
    match events {
        Some(events) => events.next().await,
        None => future::pending().await,
    }
}

/// An event that needs no waiting. The runtime's budget for a task would make a full stream look
/// empty here; the number of calls is bounded instead.
fn ready_event(events: &mut Option<EventStream>) -> Poll<Option<Delivery>> {
    let next = unconstrained(next_event(events)).now_or_never();
    next.map_or(Poll::Pending, Poll::Ready)
}

async fn expired(deadline: &mut Option<Pin<Box<Sleep>>>) {
    match deadline {
        Some(deadline) => deadline.await,
        None => future::pending().await,
    }
}

fn from_params<P: DeserializeOwned>(params: Value) -> ApiResult<P> {
    let params = if params.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        params
    };
    serde_json::from_value(params).map_err(|error| {
        ApiError::new(
            ErrorCode::InvalidParams,
            format!("the params do not fit: {error}"),
        )
    })
}

fn to_value<T: Serialize>(value: &T) -> ApiResult<Value> {
    serde_json::to_value(value).map_err(ApiError::unserialisable)
}
