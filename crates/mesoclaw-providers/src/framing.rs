//! Events out of bytes, at any cut between two reads: server-sent events, or one event a line.
//!
//! Of server-sent events only `data:` is kept: every dialect repeats in there what it says by name
//! or id.

use crate::dialect::Framing;

/// Longest event that is accepted, in bytes. The last event of Responses repeats the whole answer.
const MAX_EVENT_BYTES: usize = 32 * 1024 * 1024;

/// An event is longer than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLong;

/// Splits a stream into the data of its events.
pub(crate) struct Events {
    framing: Framing,
    /// The part of a line whose end has not arrived.
    line: Vec<u8>,
    /// The data of the event whose end has not arrived.
    data: Vec<u8>,
    has_data: bool,
}

impl Events {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
        }
    }

    /// Takes the next bytes and gives every event they complete to `each`, until it says `false`.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), TooLong> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, tail) = bytes.split_at(end);
            bytes = tail.get(1..).unwrap_or_default();
            let goes_on = if self.line.is_empty() {
                self.take_line(head, &mut each)
            } else {
                self.line.extend_from_slice(head);
                let mut line = std::mem::take(&mut self.line);
                let goes_on = self.take_line(&line, &mut each);
                line.clear();
                self.line = line;
                goes_on
            };
            if !goes_on {
                return Ok(());
            }
            if self.data.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The stream is over: gives what stands there without the blank line that should follow.
    /// Some servers end with a bare `data: [DONE]`.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&[u8]) -> bool) {
        let line = std::mem::take(&mut self.line);
        if self.take_line(&line, &mut each) && self.has_data {
            self.take_line(b"", &mut each);
        }
    }

    fn take_line(&mut self, line: &[u8], each: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.framing == Framing::Lines {
            return line.is_empty() || each(line);
        }
        if line.is_empty() {
            if !self.has_data {
                return true;
            }
            self.has_data = false;
            let goes_on = each(&self.data);
            self.data.clear();
            return goes_on;
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        true
    }
}

#[cfg(test)]
mod tests;
