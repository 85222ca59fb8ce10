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
mod tests {
    use super::*;

    fn events(parts: &[&str]) -> Vec<String> {
        split(Framing::Sse, parts)
    }

    fn split(framing: Framing, parts: &[&str]) -> Vec<String> {
        let mut events = Events::new(framing);
        let mut found = Vec::new();
        let mut keep = |data: &[u8]| {
            found.push(String::from_utf8_lossy(data).into_owned());
            true
        };
        for part in parts {
            events.push(part.as_bytes(), &mut keep).unwrap();
        }
        events.finish(&mut keep);
        found
    }

    #[test]
    fn every_cut_gives_the_same_events() {
        let text = "data: {\"a\":1}\n\n: ping\n\nevent: x\r\ndata:b\r\ndata:  c\r\n\r\n\
                    id: 7\n\ndata: [DONE]\n\n";
        let expected = ["{\"a\":1}", "b\n c", "[DONE]"];
        for first in 0..=text.len() {
            for second in [first, text.len().min(first + 3)] {
                let parts = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(events(&parts), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn lines_are_events_of_their_own() {
        let text = "{\"a\":1}\r\n\n{\"b\":2}\n{\"c\"";
        for cut in 0..=text.len() {
            let parts = [&text[..cut], &text[cut..]];
            let expected = ["{\"a\":1}", "{\"b\":2}", "{\"c\""];
            assert_eq!(split(Framing::Lines, &parts), expected, "{cut}");
        }
    }

    #[test]
    fn the_end_needs_no_blank_line() {
        for text in ["data: a\n\ndata: [DONE]", "data: a\n\ndata: [DONE]\n"] {
            assert_eq!(events(&[text]), ["a", "[DONE]"]);
        }
        assert_eq!(events(&["", "\n\n", ":"]), Vec::<String>::new());
    }

    #[test]
    fn reading_stops_where_the_reader_says_so() {
        let mut events = Events::new(Framing::Sse);
        let mut n_events = 0;
        events
            .push(b"data: a\n\ndata: b\n\n", |_| {
                n_events += 1;
                false
            })
            .unwrap();
        assert_eq!(n_events, 1);
    }

    #[test]
    fn an_endless_event_is_refused() {
        for piece in [b"data: x".repeat(1024), b"data: xxxxxxxx\n".repeat(1024)] {
            let mut events = Events::new(Framing::Sse);
            let result = (0..10_000).try_for_each(|_| events.push(&piece, |_| true));
            assert_eq!(result, Err(TooLong));
        }
    }
}
