//! Plays one reply: steps in, bytes of the answer out.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Value, json};

use super::record::{Ending, Records};
use super::script::{CallScript, Reply, Step};
use super::whole::Totals;
use super::wire::{Wire, usage};

/// Bytes written at once when tokens come as fast as possible.
const BURST_BYTES: usize = 16 * 1024;

/// Plays one reply as a stream. Dropped before its end, it notes that the client went away.
pub(super) struct Player {
    wire: Wire,
    steps: VecDeque<Step>,
    tokens: Option<Tokens>,
    slow: Option<Duration>,
    echo: String,
    totals: Totals,
    is_begun: bool,
    cut_next: bool,
    records: Arc<Records>,
    n_request: usize,
    ending: Option<Ending>,
    has_content: bool,
}

/// A running [`Step::Tokens`].
struct Tokens {
    next: u64,
    count: u64,
    text: String,
    pace: Option<(Instant, f64)>,
}

impl Tokens {
    fn new(count: u64, per_second: Option<f64>, text: Option<String>) -> Self {
        Self {
            next: 0,
            count,
            text: text.unwrap_or_else(|| "{n} ".to_owned()),
            pace: per_second.map(|rate| (Instant::now(), rate)),
        }
    }
}

impl Player {
    pub(super) fn new(
        wire: Wire,
        reply: Reply,
        echo: String,
        records: Arc<Records>,
        n_request: usize,
    ) -> Self {
        Self {
            wire,
            steps: reply.steps.into(),
            tokens: None,
            slow: None,
            echo,
            totals: Totals::default(),
            is_begun: false,
            cut_next: false,
            records,
            n_request,
            ending: None,
            has_content: false,
        }
    }

    /// The next bytes; `None` at the end, an error to cut the connection.
    pub(super) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.cut_next {
            return Some(self.cut().await);
        }
        if self.ending.is_some() {
            return None;
        }
        let mut out = String::new();
        if !self.is_begun {
            self.is_begun = true;
            self.wire
                .chunk(&mut out, &json!({"role": "assistant", "content": ""}));
            return Some(Ok(out.into()));
        }
        loop {
            if self.tokens.is_some() {
                self.burst(&mut out).await;
                return Some(Ok(out.into()));
            }
            let Some(step) = self.steps.pop_front() else {
                self.finish(&mut out);
                return Some(Ok(out.into()));
            };
            if let (Some(pause), true) = (self.slow, step.is_chunk()) {
                tokio::time::sleep(pause).await;
            }
            match self.play(step, &mut out).await {
                Played::Nothing => {}
                Played::Bytes => return Some(Ok(out.into())),
                Played::End => {
                    self.end(Ending::Complete);
                    return None;
                }
                Played::Cut => return Some(self.cut().await),
            }
        }
    }

    async fn play(&mut self, step: Step, out: &mut String) -> Played {
        match step {
            Step::Text(text) => self.delta(out, &json!({"content": text})),
            Step::Echo => {
                let delta = json!({"content": self.echo});
                self.delta(out, &delta);
            }
            Step::Reasoning(text) => self.delta(out, &json!({"reasoning_content": text})),
            Step::ToolCall(call) => self.calls(out, &[call]),
            Step::ToolCalls(calls) => self.calls(out, &calls),
            Step::ToolCallDelta {
                index,
                id,
                name,
                arguments,
            } => self.call_delta(out, index, id, name, arguments),
            Step::Raw(text) => out.push_str(&text),
            Step::BadJson => out.push_str("data: {\"id\": \"chatcmpl\", \"choices\": [{]}\n\n"),
            Step::Tokens {
                count,
                per_second,
                text,
            } => {
                self.tokens = Some(Tokens::new(count, per_second, text));
                return Played::Nothing;
            }
            Step::Usage {
                prompt_tokens,
                completion_tokens,
                cached_tokens,
            } => {
                self.totals.usage = Some(usage(prompt_tokens, completion_tokens, cached_tokens));
                return Played::Nothing;
            }
            Step::Finish(reason) => {
                self.totals.finish = Some(reason);
                return Played::Nothing;
            }
            Step::Delay(ms) | Step::Stall(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                return Played::Nothing;
            }
            Step::Slow(ms) => {
                self.slow = Some(Duration::from_millis(ms));
                return Played::Nothing;
            }
            Step::CutMidEvent => self.half_event(out),
            Step::Status { .. } => panic!("a status must be the first step, or follow a delay"),
            Step::Cut => return Played::Cut,
            Step::End => return Played::End,
        }
        Played::Bytes
    }

    fn half_event(&mut self, out: &mut String) {
        let mut event = String::new();
        self.wire
            .chunk(&mut event, &json!({"content": "never whole"}));
        event.truncate(event.len() / 2);
        out.push_str(&event);
        self.cut_next = true;
    }

    fn delta(&mut self, out: &mut String, delta: &Value) {
        self.wire.chunk(out, delta);
        self.content_written();
        self.totals.chunks += 1;
    }

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        for call in calls {
            self.call_delta(
                out,
                call.index,
                Some(call.id.clone()),
                Some(call.name.clone()),
                Some(String::new()),
            );
        }
        let longest = calls.iter().map(|call| call.arguments.len()).max();
        for n in 0..longest.unwrap_or(0) {
            for call in calls {
                if let Some(piece) = call.arguments.get(n) {
                    self.call_delta(out, call.index, None, None, Some(piece.clone()));
                }
            }
        }
    }

    fn call_delta(
        &mut self,
        out: &mut String,
        index: u32,
        id: Option<String>,
        name: Option<String>,
        arguments: Option<String>,
    ) {
        self.totals.has_calls = true;
        let mut call = json!({"index": index});
        if let Some(id) = id {
            call["id"] = id.into();
            call["type"] = "function".into();
        }
        let mut function = json!({});
        if let Some(name) = name {
            function["name"] = name.into();
        }
        if let Some(arguments) = arguments {
            function["arguments"] = arguments.into();
        }
        call["function"] = function;
        self.delta(out, &json!({"tool_calls": [call]}));
    }

    /// Writes the tokens that are due: all that fit when there is no rate.
    async fn burst(&mut self, out: &mut String) {
        let Some(mut tokens) = self.tokens.take() else {
            return;
        };
        let mut due = tokens.count;
        if let Some((start, per_second)) = tokens.pace {
            let at = Duration::from_secs_f64(tokens.next as f64 / per_second);
            tokio::time::sleep_until((start + at).into()).await;
            due = (start.elapsed().as_secs_f64() * per_second) as u64 + 1;
        }
        let json = Value::from(tokens.text.as_str()).to_string();
        let (before, after) = json.split_once("{n}").unwrap_or((&json, ""));
        let is_numbered = json.contains("{n}");
        let mut text = String::new();
        while tokens.next < due.min(tokens.count) && out.len() < BURST_BYTES {
            text.clear();
            text.push_str(before);
            if is_numbered {
                text.push_str(&tokens.next.to_string());
            }
            text.push_str(after);
            self.wire.content(out, &text);
            tokens.next += 1;
            self.totals.chunks += 1;
        }
        self.content_written();
        if tokens.next < tokens.count {
            self.tokens = Some(tokens);
        }
    }

    fn finish(&mut self, out: &mut String) {
        self.wire.finish(out, &self.totals.finish_reason());
        if self.wire.include_usage {
            self.wire.usage(out, &self.totals.usage());
        }
        out.push_str("data: [DONE]\n\n");
        self.end(Ending::Complete);
    }

    /// Cuts the connection, after the server had its turn to write what it holds.
    async fn cut(&mut self) -> io::Result<Bytes> {
        tokio::task::yield_now().await;
        self.cut_next = false;
        self.end(Ending::Cut);
        Err(io::Error::other("cut by the script"))
    }

    fn content_written(&mut self) {
        if !self.has_content {
            self.has_content = true;
            let now = Instant::now();
            self.records
                .update(self.n_request, |request| request.first_content = Some(now));
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        end(&self.records, self.n_request, ending);
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if self.ending.is_none() {
            self.end(Ending::ClientGone);
        }
    }
}

/// What a step came to.
enum Played {
    Nothing,
    Bytes,
    End,
    Cut,
}

impl Step {
    fn is_chunk(&self) -> bool {
        matches!(
            self,
            Self::Text(_)
                | Self::Echo
                | Self::Reasoning(_)
                | Self::ToolCall(_)
                | Self::ToolCalls(_)
                | Self::ToolCallDelta { .. }
                | Self::BadJson
                | Self::Raw(_)
        )
    }
}

/// Notes how an answer ended.
pub(super) fn end(records: &Records, n_request: usize, ending: Ending) {
    let now = Instant::now();
    records.update(n_request, |request| {
        request.ending = Some(ending);
        request.ended = Some(now);
    });
}
