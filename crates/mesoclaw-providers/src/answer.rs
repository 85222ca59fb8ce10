//! One answer from request to end: sends, reads, watches the time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mesoclaw_agent::model::{ModelClient as _, ModelDelta, ModelError, ModelRequest, ModelStream};
use mesoclaw_agent::prompted_tools::{PromptedTools, needs_rewriting};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response};
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::RemoteModel;
use crate::dialect::{Fault, Framing, Outgoing, Reader, Taken, Wire};
use crate::error;
use crate::framing::Events;
use crate::http::Http;

/// Longest error body that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Longest answer that is accepted from a server that does not stream.
const MAX_WHOLE_BYTES: usize = 32 * 1024 * 1024;

/// Longest wait for the end of the body after the end of the answer. A body that is read to its
/// end leaves its connection for the next request.
const TAIL: Duration = Duration::from_millis(20);

/// Starts an answer; nothing happens before the first poll.
pub(crate) fn start(http: Arc<Http>, wire: &Arc<dyn Wire>, request: ModelRequest) -> ModelStream {
    let run = Box::new(Run {
        http,
        wire: Arc::clone(wire),
        model: request.model.clone(),
        stage: Stage::Send(Box::new(request)),
        reader: wire.reader(),
        events: Events::new(wire.framing()),
        ready: VecDeque::new(),
        failed: None,
        deadline: Instant::now(),
        has_delta: false,
    });
    Box::pin(stream::unfold(run, |mut run| async {
        run.next().await.map(|item| (item, run))
    }))
}

/// An answer on its way.
struct Run {
    http: Arc<Http>,
    wire: Arc<dyn Wire>,
    model: String,
    stage: Stage,
    reader: Box<dyn Reader>,
    events: Events,
    /// What was read and not yet given.
    ready: VecDeque<ModelDelta>,
    /// What ends the stream once `ready` is given.
    failed: Option<ModelError>,
    /// When the next piece must be there.
    deadline: Instant,
    has_delta: bool,
}

enum Stage {
    Send(Box<ModelRequest>),
    /// The model takes no tools: another request speaks of them in its text.
    Prompted(ModelStream),
    Read(Response),
    Over,
}

impl Run {
    async fn next(&mut self) -> Option<Result<ModelDelta, ModelError>> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Some(Ok(delta));
            }
            if let Some(error) = self.failed.take() {
                self.stage = Stage::Over;
                return Some(Err(error));
            }
            let result = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Send(request) => self.send(*request).await,
                Stage::Prompted(mut stream) => {
                    let item = stream.next().await;
                    self.stage = Stage::Prompted(stream);
                    return item;
                }
                Stage::Read(response) => self.read(response).await,
                Stage::Over => return None,
            };
            if let Err(error) = result {
                self.failed = Some(error);
            }
        }
    }

    async fn send(&mut self, request: ModelRequest) -> Result<(), ModelError> {
        self.deadline = Instant::now() + self.http.endpoint.first_token_timeout;
        let prepared = self.wire.prepare(&self.http, &self.model);
        if timeout_at(self.deadline, prepared).await.is_err() {
            return Err(self.silence());
        }
        if self.wire.lacks_tools(&self.model) && needs_rewriting(&request) {
            let plain = Arc::new(RemoteModel {
                http: Arc::clone(&self.http),
                wire: Arc::clone(&self.wire),
            });
            self.stage = Stage::Prompted(PromptedTools::new(plain).stream(request));
            return Ok(());
        }
        let Outgoing { url, headers, body } = self.wire.encode(&self.http.endpoint, request)?;
        let mut request = self.http.request(Method::POST, &url).await?;
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(body);
        let response = match timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return Err(self.http.failed(failure)),
            Err(_) => return Err(self.silence()),
        };
        let status = response.status().as_u16();
        if status != 200 {
            let headers = response.headers().clone();
            let body = self.read_whole(response, MAX_ERROR_BYTES).await;
            let endpoint = &self.http.endpoint;
            return Err(error::of_status(
                endpoint,
                &self.model,
                status,
                &headers,
                &body.unwrap_or_default(),
            ));
        }
        match content_type(&response) {
            // One object a line is JSON as well, and not every gateway has a better word for it.
            Some("application/json") if self.wire.framing() == Framing::Sse => {
                let body = self.read_whole(response, MAX_WHOLE_BYTES).await?;
                self.take_event(&body)?;
                if self.ready.is_empty() && !self.reader.is_finished() {
                    let what = "it is no answer of a model; check the base URL";
                    return Err(error::of_stream(&self.http.endpoint, what));
                }
                self.end();
            }
            Some("text/html") => {
                let what = "it is a web page; check the base URL";
                return Err(error::of_stream(&self.http.endpoint, what));
            }
            _ => self.stage = Stage::Read(response),
        }
        Ok(())
    }

    /// Reads until there is something to give.
    async fn read(&mut self, mut response: Response) -> Result<(), ModelError> {
        if self.has_delta {
            // From the wait on: what the reader does between two pieces is not the server's silence.
            self.deadline = Instant::now() + self.http.endpoint.idle_timeout;
        }
        while self.ready.is_empty() {
            let bytes = match timeout_at(self.deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) => return self.end_of_body(),
                // The server said that it is done; how it closes the line is its affair.
                Err(_) | Ok(Err(_)) if self.reader.is_finished() => {
                    self.end();
                    return Ok(());
                }
                Ok(Err(failure)) => {
                    let what = mesoclaw_api::error::chain(&failure.without_url());
                    return Err(error::of_stream(&self.http.endpoint, &what));
                }
                Err(_) => return Err(self.silence()),
            };
            let mut events = std::mem::replace(&mut self.events, Events::new(self.wire.framing()));
            let mut result = Ok(false);
            let pushed = events.push(&bytes, |data| {
                result = self.take_event(data);
                matches!(result, Ok(false))
            });
            self.events = events;
            if pushed.is_err() {
                let what = "one event is longer than 32 MiB";
                return Err(error::of_stream(&self.http.endpoint, what));
            }
            if result? {
                // Whatever the read gives, the answer is whole; only the connection profits.
                timeout(TAIL, response.chunk()).await.ok();
                self.end();
                return Ok(());
            }
        }
        self.has_delta = true;
        self.stage = Stage::Read(response);
        Ok(())
    }

    /// Takes the data of one event; `true` when it is the last.
    fn take_event(&mut self, data: &[u8]) -> Result<bool, ModelError> {
        let endpoint = &self.http.endpoint;
        match self.reader.take(data, &mut self.ready) {
            Ok(Taken::More) => Ok(false),
            Ok(Taken::Last) => Ok(true),
            Err(Fault::NotUnderstood(what)) => Err(error::of_stream(
                endpoint,
                &format!("an event is not a part of an answer ({what})"),
            )),
            Err(Fault::Reported(event)) => Err(error::of_event(endpoint, &self.model, &event)),
        }
    }

    /// The body ended in good order.
    fn end_of_body(&mut self) -> Result<(), ModelError> {
        let mut events = std::mem::replace(&mut self.events, Events::new(self.wire.framing()));
        let mut result = Ok(false);
        events.finish(|data| {
            result = self.take_event(data);
            matches!(result, Ok(false))
        });
        let is_done = result?;
        if is_done || self.reader.is_finished() {
            self.end();
            return Ok(());
        }
        let what = "the stream ended without a finish reason";
        Err(error::of_stream(&self.http.endpoint, what))
    }

    fn end(&mut self) {
        self.reader.finish(&mut self.ready);
        self.stage = Stage::Over;
    }

    async fn read_whole(
        &mut self,
        mut response: Response,
        limit: usize,
    ) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        loop {
            match timeout_at(self.deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() <= limit => {
                    body.extend_from_slice(&bytes);
                }
                Ok(Ok(Some(_))) => {
                    let what = format!("it is longer than {limit} bytes");
                    return Err(error::of_stream(&self.http.endpoint, &what));
                }
                Ok(Ok(None)) => return Ok(body),
                Ok(Err(failure)) => {
                    let what = mesoclaw_api::error::chain(&failure.without_url());
                    return Err(error::of_stream(&self.http.endpoint, &what));
                }
                Err(_) => return Err(self.silence()),
            }
        }
    }

    fn silence(&self) -> ModelError {
        let endpoint = &self.http.endpoint;
        let limit = if self.has_delta {
            endpoint.idle_timeout
        } else {
            endpoint.first_token_timeout
        };
        error::of_silence(endpoint, limit, self.has_delta)
    }
}

fn content_type(response: &Response) -> Option<&str> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}
