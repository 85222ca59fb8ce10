//! Keeps secrets out of texts: known values in any usual spelling, and what looks like a key.
//!
//! A text is looked at as it is given: a secret cut in two by the end of a piece is not found, so
//! give whole lines.

mod needles;
mod shapes;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use mesoclaw_api::Secret;

use needles::Needles;

const MASK: &str = "***";

/// A shorter value is no secret, and would be found in every text.
const SHORTEST_VALUE_CHARS: usize = 6;

/// Replaces secrets in texts by `***`. Clones share the known values.
#[derive(Clone)]
pub struct Redactor {
    shared: Arc<Shared>,
}

struct Shared {
    /// Taken by whoever changes the needles.
    changing: Mutex<()>,
    needles: ArcSwap<Needles>,
}

/// From the first byte of a secret to behind its last one.
type Span = (usize, usize);

impl Redactor {
    /// One that knows no value yet, only what keys look like.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                changing: Mutex::new(()),
                needles: ArcSwap::from_pointee(Needles::default()),
            }),
        }
    }

    /// Makes a value known, with and without white space around it, and says whether it is looked
    /// for from now on: it is not when it has fewer than 6 characters.
    pub fn add(&self, value: &Secret<String>) -> bool {
        let trimmed = trimmed(value);
        if trimmed.expose().chars().count() < SHORTEST_VALUE_CHARS {
            return false;
        }
        let _changing = self.changing();
        for value in [value, &trimmed] {
            let needles = self.shared.needles.load();
            if !needles.knows(value) {
                self.shared.needles.store(Arc::new(needles.with(value)));
            }
        }
        true
    }

    /// Forgets a value and wipes it from memory; says whether it was known.
    pub fn remove(&self, value: &Secret<String>) -> bool {
        let _changing = self.changing();
        let mut was_known = false;
        for value in [value, &trimmed(value)] {
            let needles = self.shared.needles.load();
            if needles.knows(value) {
                self.shared.needles.store(Arc::new(needles.without(value)));
                was_known = true;
            }
        }
        was_known
    }

    /// The text without secrets. Nothing is allocated when there are none.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.mask(text.as_bytes()) {
            None => Cow::Borrowed(text),
            Some(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// The same for bytes, which need not be text.
    pub fn redact_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self.mask(bytes) {
            None => Cow::Borrowed(bytes),
            Some(bytes) => Cow::Owned(bytes),
        }
    }

    fn mask(&self, text: &[u8]) -> Option<Vec<u8>> {
        let spans = spans(&self.shared.needles.load(), text);
        if spans.is_empty() {
            return None;
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut copied = 0;
        for (begin, end) in spans {
            masked.extend_from_slice(text.get(copied..begin).unwrap_or_default());
            masked.extend_from_slice(MASK.as_bytes());
            copied = end;
        }
        masked.extend_from_slice(text.get(copied..).unwrap_or_default());
        Some(masked)
    }

    /// A panic elsewhere leaves the needles whole, so poison means nothing here.
    fn changing(&self) -> MutexGuard<'_, ()> {
        let changing = self.shared.changing.lock();
        changing.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_values = self.shared.needles.load().n_values();
        f.debug_struct("Redactor")
            .field("n_values", &n_values)
            .finish()
    }
}

/// The secrets in the text, in order and apart from each other.
fn spans(needles: &Needles, text: &[u8]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (at, beginning) in text.array_windows().enumerate() {
        if !needles.may_begin(*beginning) {
            continue;
        }
        let is_inside = spans.last().is_some_and(|(_, end)| at < *end);
        let known = needles.longest_at(text, at).map(|length| (at, at + length));
        let found = match known {
            // A shape is never longer than the one it stands in.
            None if !is_inside => shapes::find_at(text, at),
            found => found,
        };
        let Some((begin, end)) = found else {
            continue;
        };
        match spans.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => spans.push((begin, end)),
        }
    }
    spans
}

fn trimmed(value: &Secret<String>) -> Secret<String> {
    Secret::new(value.expose().trim().to_owned())
}

#[cfg(test)]
mod tests;
