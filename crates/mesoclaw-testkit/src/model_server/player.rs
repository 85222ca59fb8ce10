//! Plays one reply: steps in, bytes of the answer out.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;

use super::answer::Totals;
use super::record::{Ending, Records};
use super::script::{CallScript, Reply, Step};
use super::server_kind::LineEnding;
use super::wire::{CallDelta, Extra, Wire, quoted};

/// Bytes written at once when tokens come as fast as possible.
const BURST_BYTES: usize = 16 * 1024;

/// Plays one reply as a stream. Dropped before its end, it notes that the client went away.
pub(super) struct Player {
    wire: Box<dyn Wire>,
    steps: VecDeque<Step>,
    tokens: Option<Tokens>,
    slow: Option<Duration>,
    echo: String,
    line_ending: LineEnding,
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
        wire: Box<dyn Wire>,
        reply: Reply,
        echo: String,
        line_ending: LineEnding,
        records: Arc<Records>,
        n_request: usize,
    ) -> Self {
        Self {
            wire,
            steps: reply.steps.into(),
            tokens: None,
            slow: None,
            echo,
            line_ending,
            totals: Totals::default(),
            is_begun: false,
            cut_next: false,
            records,
            n_request,
            ending: None,
            has_content: false,
        }
    }

    /// The media type of the stream.
    pub(super) fn content_type(&self) -> &'static str {
        self.wire.content_type()
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
            let mut totals = Totals::default();
            for step in &self.steps {
                totals.note(step);
            }
            self.wire.start(&mut out, totals.usage());
            if !out.is_empty() {
                return Some(Ok(self.lines(out)));
            }
        }
        loop {
            if self.tokens.is_some() {
                self.burst(&mut out).await;
                return Some(Ok(self.lines(out)));
            }
            let Some(step) = self.steps.pop_front() else {
                self.wire.finish(&mut out, &self.totals);
                self.end(Ending::Complete);
                return Some(Ok(self.lines(out)));
            };
            if let (Some(pause), true) = (self.slow, step.is_chunk()) {
                tokio::time::sleep(pause).await;
            }
            match self.play(step, &mut out).await {
                Played::Nothing => {}
                Played::Bytes => return Some(Ok(self.lines(out))),
                Played::Raw(text) => return Some(Ok(text.into())),
                Played::End => {
                    self.end(Ending::Complete);
                    return None;
                }
                Played::Cut => return Some(self.cut().await),
            }
        }
    }

    /// Gives lines the scripted ending. Inside of JSON there is no line feed.
    fn lines(&self, out: String) -> Bytes {
        match self.line_ending {
            LineEnding::Lf => out.into(),
            LineEnding::Crlf => out.replace('\n', "\r\n").into(),
        }
    }

    async fn play(&mut self, step: Step, out: &mut String) -> Played {
        if self.totals.note(&step) {
            return Played::Nothing;
        }
        match step {
            Step::Text(text) => {
                self.wire.text(out, &quoted(&text));
                self.content_written(1);
            }
            Step::Echo => {
                self.wire.text(out, &quoted(&self.echo));
                self.content_written(1);
            }
            Step::Reasoning(text) => {
                self.wire.reasoning(out, &quoted(&text));
                self.content_written(1);
            }
            Step::Plan(text) => {
                self.wire.plan(out, &quoted(&text));
                self.content_written(1);
            }
            Step::ToolCall(call) => self.calls(out, &[call]),
            Step::ToolCalls(calls) => self.calls(out, &calls),
            delta @ Step::ToolCallDelta { .. } => self.call_delta(out, delta),
            Step::Raw(text) => return Played::Raw(text),
            Step::Tokens {
                count,
                per_second,
                text,
            } => {
                self.tokens = Some(Tokens::new(count, per_second, text));
                return Played::Nothing;
            }
            Step::Delay(ms) | Step::Stall(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                return Played::Nothing;
            }
            Step::CutMidEvent => self.half_event(out),
            Step::StreamError(status) => {
                self.wire.fail(out, status);
                self.end(Ending::Complete);
            }
            other => return self.play_quietly(other, out),
        }
        if out.is_empty() {
            Played::Nothing
        } else {
            Played::Bytes
        }
    }

    /// Plays steps that are no content.
    fn play_quietly(&mut self, step: Step, out: &mut String) -> Played {
        match step {
            Step::KeepAlive => self.wire.extra(out, Extra::KeepAlive),
            Step::UnknownEvent => self.wire.extra(out, Extra::UnknownEvent),
            Step::BadJson => self.wire.extra(out, Extra::BadJson),
            Step::Signature(text) => self.wire.signature(out, &text),
            Step::Slow(ms) => self.slow = Some(Duration::from_millis(ms)),
            Step::Cut => return Played::Cut,
            Step::End => return Played::End,
            other => panic!("{other:?} must be the first step, or follow a delay"),
        }
        if out.is_empty() {
            Played::Nothing
        } else {
            Played::Bytes
        }
    }

    /// Half of the last event that a piece of text makes, with the whole ones before it.
    fn half_event(&mut self, out: &mut String) {
        self.wire.text(out, &quoted("never whole"));
        let events = out.trim_end_matches('\n');
        let end = if out.ends_with("\n\n") { "\n\n" } else { "\n" };
        let start = events.rfind(end).map_or(0, |at| at + end.len());
        out.truncate(start + (events.len() - start) / 2);
        self.cut_next = true;
    }

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        self.totals.has_calls = true;
        self.wire.calls(out, calls);
        let n_pieces: usize = calls.iter().map(|call| 1 + call.arguments.len()).sum();
        self.content_written(n_pieces as u64);
    }

    /// A raw delta; with all that follow it where calls are sent whole.
    fn call_delta(&mut self, out: &mut String, step: Step) {
        let mut deltas = vec![step];
        if self.wire.has_whole_calls() {
            while let Some(step) = self
                .steps
                .pop_front_if(|step| matches!(step, Step::ToolCallDelta { .. }))
            {
                deltas.push(step);
            }
            self.calls(out, &CallScript::join(deltas));
            return;
        }
        self.totals.has_calls = true;
        for step in &deltas {
            if let Step::ToolCallDelta {
                index,
                id,
                name,
                arguments,
            } = step
            {
                let delta = CallDelta {
                    index: *index,
                    id: id.as_deref(),
                    name: name.as_deref(),
                    arguments: arguments.as_deref(),
                };
                self.wire.call_delta(out, &delta);
                self.content_written(1);
            }
        }
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
        let json = quoted(&tokens.text);
        let (before, after) = json.split_once("{n}").unwrap_or((&json, ""));
        let is_numbered = json.contains("{n}");
        let mut text = String::new();
        let first = tokens.next;
        while tokens.next < due.min(tokens.count) && out.len() < BURST_BYTES {
            text.clear();
            text.push_str(before);
            if is_numbered {
                write!(text, "{}", tokens.next).expect("a string takes everything");
            }
            text.push_str(after);
            self.wire.text(out, &text);
            tokens.next += 1;
        }
        self.content_written(tokens.next - first);
        if tokens.next < tokens.count {
            self.tokens = Some(tokens);
        }
    }

    /// Cuts the connection, after the server had its turn to write what it holds.
    async fn cut(&mut self) -> io::Result<Bytes> {
        tokio::task::yield_now().await;
        self.cut_next = false;
        self.end(Ending::Cut);
        Err(io::Error::other("cut by the script"))
    }

    fn content_written(&mut self, n_chunks: u64) {
        self.totals.chunks += n_chunks;
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
    Raw(String),
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
                | Self::Plan(_)
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
