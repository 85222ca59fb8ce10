//! One answer from request to end: sends, reads, watches the time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use mesoclaw_agent::model::{ModelDelta, ModelError, ModelRequest, ModelStream};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::chunk::{Answer, Chunk};
use super::request::{self, Outgoing};
use super::sse::Events;
use crate::error;
use crate::http::Http;

/// Longest error body that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Longest answer that is accepted from a server that does not stream.
const MAX_WHOLE_BYTES: usize = 8 * 1024 * 1024;

/// Longest wait for the end of the body after the end of the answer. A body that is read to its
/// end leaves its connection for the next request.
const TAIL: Duration = Duration::from_millis(20);

/// Starts an answer; nothing happens before the first poll.
pub(super) fn start(http: Arc<Http>, request: ModelRequest) -> ModelStream {
    let run = Box::new(Run {
        http,
        model: request.model.clone(),
        stage: Stage::Send(Box::new(request)),
        answer: Answer::default(),
        events: Events::default(),
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
    model: String,
    stage: Stage,
    answer: Answer,
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
        let Outgoing { url, body } = request::encode(&self.http.endpoint.base_url, request)?;
        let request = self
            .http
            .request(Method::POST, &url)
            .await?
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .body(body);
        let response = match timeout_at(self.deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return Err(error::of_request(&self.http.endpoint, failure)),
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
            Some("application/json") => {
                let body = self.read_whole(response, MAX_WHOLE_BYTES).await?;
                self.take_event(&body)?;
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
        while self.ready.is_empty() {
            let bytes = match timeout_at(self.deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) => return self.end_of_body(),
                // The server said that it is done; how it closes the line is its affair.
                Err(_) | Ok(Err(_)) if self.answer.is_finished() => {
                    self.end();
                    return Ok(());
                }
                Ok(Err(failure)) => {
                    let what = mesoclaw_api::error::chain(&failure.without_url());
                    return Err(error::of_stream(&self.http.endpoint, &what));
                }
                Err(_) => return Err(self.silence()),
            };
            let mut events = std::mem::take(&mut self.events);
            let mut result = Ok(false);
            let pushed = events.push(&bytes, |data| {
                result = self.take_event(data);
                matches!(result, Ok(false))
            });
            self.events = events;
            if pushed.is_err() {
                let what = "one event is longer than 8 MiB";
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
        self.deadline = Instant::now() + self.http.endpoint.idle_timeout;
        self.stage = Stage::Read(response);
        Ok(())
    }

    /// Takes the data of one event; `true` when it is the last.
    fn take_event(&mut self, data: &[u8]) -> Result<bool, ModelError> {
        if data == b"[DONE]" {
            return Ok(true);
        }
        let chunk: Chunk = serde_json::from_slice(data).map_err(|failure| {
            let what = format!("an event is not a chunk of an answer ({failure})");
            error::of_stream(&self.http.endpoint, &what)
        })?;
        if let Some(reported) = &chunk.error
            && !reported.is_null()
        {
            let event = Value::Object(
                [("error".to_owned(), reported.clone())]
                    .into_iter()
                    .collect(),
            );
            return Err(error::of_event(&self.http.endpoint, &self.model, &event));
        }
        self.answer.take(chunk, &mut self.ready);
        Ok(false)
    }

    /// The body ended in good order.
    fn end_of_body(&mut self) -> Result<(), ModelError> {
        let mut events = std::mem::take(&mut self.events);
        let mut result = Ok(false);
        events.finish(|data| {
            result = self.take_event(data);
            matches!(result, Ok(false))
        });
        let is_done = result?;
        if is_done || self.answer.is_finished() {
            self.end();
            return Ok(());
        }
        let what = "the stream ended without a finish reason";
        Err(error::of_stream(&self.http.endpoint, what))
    }

    fn end(&mut self) {
        self.answer.finish(&mut self.ready);
        self.stage = Stage::Over;
    }

    async fn read_whole(
        &self,
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
