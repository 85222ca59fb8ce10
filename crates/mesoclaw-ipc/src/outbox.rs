//! What waits to be written to one connection: answers and events, bounded in number and bytes.
//!
//! A slow reader costs a bounded amount of memory. Parts of a growing text are joined while they
//! wait; when even that does not fit, events are dropped and counted, and one `lagged` line says
//! how many. Events that must be delivered have a reserve; when that is full too the connection
//! has to be closed. Answers always fit, because no request is read while there is no room.

use std::collections::VecDeque;
use std::sync::Arc;

use mesoclaw_api::rpc::{EVENT_METHOD, LAGGED_METHOD, MAX_LINE_BYTES, RequestId, Response};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Event, EventFrame};
use serde_json::Value;

use crate::codec::encode_line;
use crate::limits::WRITE_BYTES;

/// How far back a waiting part of the same text is looked for.
const MERGE_REACH: usize = 32;

/// How much may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Capacity {
    /// Lines.
    pub entries: usize,
    /// Lines more for events that must be delivered.
    pub reserve: usize,
    /// Bytes; events that must be delivered may use as much again.
    pub bytes: usize,
}

/// An event that must be delivered does not fit: the connection has to be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overflow;

#[derive(Debug)]
enum Waiting {
    /// A line, encoded.
    Line(Vec<u8>),
    /// The line of an event that must be delivered.
    Must(Vec<u8>),
    /// A part of a text, encoded when it is written because it may still grow.
    Delta(Arc<EventFrame>),
}

/// The queue of one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<Waiting>,
    capacity: Capacity,
    queued_bytes: usize,
    /// The part of `queued_bytes` that must be delivered.
    must_bytes: usize,
    peak_bytes: usize,
    skipped: u64,
    skipped_in_all: u64,
}

impl Outbox {
    pub fn new(capacity: Capacity) -> Self {
        Self {
            queue: VecDeque::new(),
            capacity,
            queued_bytes: 0,
            must_bytes: 0,
            peak_bytes: 0,
            skipped: 0,
            skipped_in_all: 0,
        }
    }

    /// Whether another answer or event may come; when not, no request should be read.
    pub fn has_room(&self) -> bool {
        self.fits(0)
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.skipped == 0
    }

    /// The most bytes that ever waited.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// Events dropped so far, told or not.
    pub fn skipped_in_all(&self) -> u64 {
        self.skipped_in_all
    }

    /// Queues an answer. One that is longer than a line may be becomes an error.
    pub fn push_answer(&mut self, id: Option<RequestId>, result: ApiResult<Value>) {
        let line = match encode_line(&Response::from_result(id.clone(), result)) {
            // The line end does not count.
            Ok(line) if line.len() <= MAX_LINE_BYTES + 1 => Ok(line),
            Ok(line) => Err(too_long(line.len())),
            Err(error) => Err(ApiError::unserialisable(error)),
        };
        let line = line.or_else(|error| encode_line(&Response::from_result(id, Err(error))));
        match line {
            Ok(line) => self.push(Waiting::Line(line)),
            Err(error) => tracing::error!(%error, "could not encode an answer"),
        }
    }

    /// Queues an event, joins it to a waiting one, or drops and counts it.
    pub fn push_event(&mut self, frame: Arc<EventFrame>) -> Result<(), Overflow> {
        if frame.event.must_deliver() {
            return self.push_must_deliver(&frame);
        }
        // Once something is missing, everything up to the line that says so is missing: the gap is
        // one, and a text never has a hole that nobody told about.
        let text_bytes = text_of(&frame.event).map(str::len);
        if self.skipped > 0 || !self.has_bytes_for(text_bytes.unwrap_or_default()) {
            self.skip(1);
            return Ok(());
        }
        if let Some(bytes) = text_bytes {
            // With every byte escaped in JSON a text of the full size still fits into a line.
            if bytes > self.capacity.bytes {
                self.skip(1);
            } else if self.merge(&frame) {
                self.count(bytes);
            } else if self.fits(bytes) {
                self.push(Waiting::Delta(frame));
            } else {
                self.skip(1);
            }
            return Ok(());
        }
        if !self.has_room() {
            self.skip(1);
            return Ok(());
        }
        match event_line(&frame) {
            Some(line) if self.fits(line.len()) => self.push(Waiting::Line(line)),
            Some(_) | None => self.skip(1),
        }
        Ok(())
    }

    /// Notes that events were lost before they came here.
    pub fn skip(&mut self, events: u64) {
        self.skipped += events;
        self.skipped_in_all += events;
    }

    /// Moves what waits to the end of `out`, until that has the size of a write.
    pub fn fill(&mut self, out: &mut Vec<u8>) {
        loop {
            while out.len() < WRITE_BYTES
                && let Some(waiting) = self.queue.pop_front()
            {
                self.queued_bytes -= waiting.bytes();
                match waiting {
                    Waiting::Line(line) => out.extend_from_slice(&line),
                    Waiting::Must(line) => {
                        self.must_bytes -= line.len();
                        out.extend_from_slice(&line);
                    }
                    Waiting::Delta(frame) => write_event(&frame, out),
                }
            }
            if self.skipped == 0 || !self.has_room() {
                return;
            }
            self.tell_gap();
            if out.len() >= WRITE_BYTES {
                return;
            }
        }
    }

    fn push_must_deliver(&mut self, frame: &EventFrame) -> Result<(), Overflow> {
        let line = event_line(frame).ok_or(Overflow)?;
        // A gap is told before the event: who sees `turn.finished` knows whether text is missing.
        let n_lines = if self.skipped > 0 { 2 } else { 1 };
        let has_entry = self.queue.len() + n_lines <= self.capacity.entries + self.capacity.reserve;
        // A long answer or item may be on its way to a client that reads well: only what must be
        // delivered counts here.
        let has_bytes = self.must_bytes == 0 || self.must_bytes + line.len() <= self.capacity.bytes;
        if !has_entry || !has_bytes {
            return Err(Overflow);
        }
        self.tell_gap();
        self.must_bytes += line.len();
        self.push(Waiting::Must(line));
        Ok(())
    }

    fn tell_gap(&mut self) {
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            self.push(Waiting::Line(lagged_line(skipped)));
        }
    }

    /// Joins the frame to the waiting part of the same text, which then stands last with the
    /// frame's number. It never passes an answer or an event of its own session, so what one
    /// session says stays in order, and numbers never go back.
    fn merge(&mut self, frame: &EventFrame) -> bool {
        let newest = self.queue.iter().enumerate().rev().take(MERGE_REACH);
        let mut found = None;
        for (index, waiting) in newest {
            let Waiting::Delta(waiting) = waiting else {
                break;
            };
            if is_same_text(&waiting.event, &frame.event) {
                found = Some(index);
                break;
            }
            if waiting.event.session_id() == frame.event.session_id() {
                break;
            }
        }
        let Some(Waiting::Delta(mut waiting)) = found.and_then(|index| self.queue.remove(index))
        else {
            return false;
        };
        let joined = Arc::make_mut(&mut waiting);
        let is_merged = joined.event.merge(frame.event.clone()).is_ok();
        if is_merged {
            joined.seq = frame.seq;
        }
        self.queue.push_back(Waiting::Delta(waiting));
        is_merged
    }

    fn push(&mut self, waiting: Waiting) {
        self.count(waiting.bytes());
        self.queue.push_back(waiting);
    }

    fn count(&mut self, bytes: usize) {
        self.queued_bytes += bytes;
        self.peak_bytes = self.peak_bytes.max(self.queued_bytes);
    }

    fn fits(&self, bytes: usize) -> bool {
        self.queue.len() < self.capacity.entries && self.has_bytes_for(bytes)
    }

    /// Something larger than the limit may wait alone.
    fn has_bytes_for(&self, bytes: usize) -> bool {
        self.queue.is_empty() || self.queued_bytes + bytes < self.capacity.bytes
    }
}

impl Waiting {
    fn bytes(&self) -> usize {
        match self {
            Self::Line(line) | Self::Must(line) => line.len(),
            Self::Delta(frame) => text_of(&frame.event).map_or(0, str::len),
        }
    }
}

/// The text an event adds to an item; `None` when it is no part of a text.
fn text_of(event: &Event) -> Option<&str> {
    if let Event::TextDelta { text, .. } | Event::ReasoningDelta { text, .. } = event {
        Some(text)
    } else {
        None
    }
}

fn is_same_text(a: &Event, b: &Event) -> bool {
    if let (Event::TextDelta { item_id: a, .. }, Event::TextDelta { item_id: b, .. })
    | (Event::ReasoningDelta { item_id: a, .. }, Event::ReasoningDelta { item_id: b, .. }) =
        (a, b)
    {
        a == b
    } else {
        false
    }
}

/// The line of an event; `None` when it would be too long for one.
fn event_line(frame: &EventFrame) -> Option<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    write_event(frame, &mut line);
    (!line.is_empty() && line.len() <= MAX_LINE_BYTES + 1).then_some(line)
}

/// Written by hand around the frame: an envelope type would cost a copy of the frame.
fn write_event(frame: &EventFrame, out: &mut Vec<u8>) {
    let before = out.len();
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
    out.extend_from_slice(EVENT_METHOD.as_bytes());
    out.extend_from_slice(br#"","params":"#);
    if let Err(error) = serde_json::to_writer(&mut *out, frame) {
        tracing::error!(%error, kind = frame.event.kind(), "could not encode an event");
        out.truncate(before);
        return;
    }
    out.extend_from_slice(b"}\n");
}

fn lagged_line(skipped: u64) -> Vec<u8> {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"{LAGGED_METHOD}\",\"params\":{{\"skipped\":{skipped}}}}}\n"
    )
    .into_bytes()
}

fn too_long(bytes: usize) -> ApiError {
    ApiError::new(
        ErrorCode::LimitReached,
        format!("the answer has {bytes} bytes; a line holds at most {MAX_LINE_BYTES}"),
    )
    .with_hint("ask for less at once")
}

#[cfg(test)]
mod tests;
