//! Output kept within a bound: the beginning and the end, and how much was dropped between them.

use std::collections::VecDeque;

/// The output of a program, at most as long as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept: the beginning up to `cut_at`, then the end.
    pub bytes: Vec<u8>,
    /// Where bytes are missing. Only of meaning when `cut_bytes` is not 0.
    pub cut_at: usize,
    /// How many bytes were dropped at `cut_at`.
    pub cut_bytes: u64,
}

impl Captured {
    /// The kept bytes as text, with a line that says how much is missing.
    pub fn text(&self) -> String {
        if self.cut_bytes == 0 {
            return String::from_utf8_lossy(&self.bytes).into_owned();
        }
        let (head, tail) = self.bytes.split_at(self.cut_at.min(self.bytes.len()));
        format!(
            "{}\n[{} bytes cut]\n{}",
            String::from_utf8_lossy(head),
            self.cut_bytes,
            String::from_utf8_lossy(tail)
        )
    }
}

/// Collects output into a [`Captured`].
#[derive(Debug)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_cap: usize,
    tail_cap: usize,
    total: u64,
}

impl Capture {
    /// Keeps at most `cap_bytes`, two thirds of them from the beginning.
    pub fn new(cap_bytes: usize) -> Self {
        let tail_cap = cap_bytes / 3;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_cap: cap_bytes - tail_cap,
            tail_cap,
            total: 0,
        }
    }

    /// Bytes seen so far, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Adds what was read.
    pub fn push(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        let room = self.head_cap - self.head.len();
        let (head, rest) = chunk.split_at(room.min(chunk.len()));
        self.head.extend_from_slice(head);
        let kept = rest.len().min(self.tail_cap);
        let (_, rest) = rest.split_at(rest.len() - kept);
        let overflow = (self.tail.len() + kept).saturating_sub(self.tail_cap);
        self.tail.drain(..overflow);
        self.tail.extend(rest);
    }

    /// What was kept.
    pub fn finish(self) -> Captured {
        let cut_at = self.head.len();
        let mut bytes = self.head;
        bytes.extend(self.tail);
        Captured {
            cut_bytes: self.total - bytes.len() as u64,
            bytes,
            cut_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cap_bytes: usize, chunks: &[&str], kept: &str, cut_at: usize, cut_bytes: u64) {
        let mut capture = Capture::new(cap_bytes);
        for chunk in chunks {
            capture.push(chunk.as_bytes());
        }
        let expected = Captured {
            bytes: kept.as_bytes().to_vec(),
            cut_at,
            cut_bytes,
        };
        assert_eq!(capture.finish(), expected, "{chunks:?}");
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        check(9, &["abc", "def"], "abcdef", 6, 0);
        check(9, &["abcdefghi"], "abcdefghi", 6, 0);
        check(9, &["abcdefghij"], "abcdefhij", 6, 1);
        check(9, &["abcdefgh", "ij", "klmnop"], "abcdefnop", 6, 7);
        check(0, &["abc"], "", 0, 3);
    }

    #[test]
    fn the_text_says_what_is_missing() {
        let mut capture = Capture::new(3);
        capture.push(b"abcdef");
        assert_eq!(capture.finish().text(), "ab\n[3 bytes cut]\nf");
    }
}
