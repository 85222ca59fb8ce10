//! Lines of JSON: bytes to lines with a cap, values to lines.
//!
//! It does not look into the lines. A line over the cap is reported once and skipped, so one bad
//! line costs neither memory nor the connection.

use std::io;

use mesoclaw_api::rpc::MAX_LINE_BYTES;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes asked of the system at once.
const READ_BYTES: usize = 16 * 1024;

/// An empty buffer larger than this is given back.
const KEPT_BYTES: usize = 64 * 1024;

/// One line, without its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line<'a> {
    /// Text, at most as long as the cap.
    Text(&'a str),
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is longer than the cap. Reported as soon as that is known.
    TooLong,
}

/// Cuts a stream of bytes into lines and never holds more than one line and one read.
///
/// The bytes after the last line end are not a line: who stops in the middle of one said nothing.
#[derive(Debug)]
pub struct LineDecoder {
    buf: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Everything before this was searched for a line end.
    scanned: usize,
    /// The rest of a line that was too long is still coming.
    is_discarding: bool,
    max_bytes: usize,
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new(MAX_LINE_BYTES)
    }
}

impl LineDecoder {
    /// A decoder for lines of at most `max_bytes`, the line end not counted.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            scanned: 0,
            is_discarding: false,
            max_bytes,
        }
    }

    /// The next line that is here in full; `None` when more bytes are needed.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let unseen = self.buf.get(self.scanned..).unwrap_or_default();
            let Some(offset) = memchr::memchr(b'\n', unseen) else {
                self.scanned = self.buf.len();
                return self.end_of_input();
            };
            let begin = self.start;
            let end = self.scanned + offset;
            self.start = end + 1;
            self.scanned = self.start;
            if std::mem::take(&mut self.is_discarding) {
                continue;
            }
            if end - begin > self.max_bytes {
                return Some(Line::TooLong);
            }
            let line = self.buf.get(begin..end).unwrap_or_default();
            return Some(std::str::from_utf8(line).map_or(Line::NotUtf8, Line::Text));
        }
    }

    /// Reads once; `0` is the end of the stream. Call it when [`Self::next_line`] has no more.
    ///
    /// # Cancellation
    /// Cancel safe: a dropped future has read nothing.
    ///
    /// # Errors
    /// The reader's own.
    pub async fn read_from<R: AsyncRead + Unpin>(&mut self, reader: &mut R) -> io::Result<usize> {
        self.make_room();
        reader.read_buf(&mut self.buf).await
    }

    /// Bytes of memory held.
    pub fn held_bytes(&self) -> usize {
        self.buf.capacity()
    }

    /// No line end is left in the buffer: an unfinished line over the cap is dropped now.
    fn end_of_input(&mut self) -> Option<Line<'_>> {
        let is_too_long = self.buf.len() - self.start > self.max_bytes;
        if !self.is_discarding && !is_too_long {
            return None;
        }
        self.buf.clear();
        self.start = 0;
        self.scanned = 0;
        let is_news = !self.is_discarding;
        self.is_discarding = true;
        is_news.then_some(Line::TooLong)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buf.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        let len = self.buf.len();
        if len == 0 && self.buf.capacity() > KEPT_BYTES {
            self.buf = Vec::new();
        }
        if self.buf.capacity() - len < READ_BYTES / 4 {
            // Doubling keeps the copying cheap, the cap keeps the doubling from passing the limit.
            let wanted = (len * 2).clamp(READ_BYTES, self.max_bytes.saturating_add(READ_BYTES));
            self.buf.reserve_exact(wanted.saturating_sub(len));
        }
    }
}

/// A value as one line with its end.
///
/// # Errors
/// The value has no form in JSON.
pub fn encode_line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(256);
    serde_json::to_writer(&mut line, value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests;
