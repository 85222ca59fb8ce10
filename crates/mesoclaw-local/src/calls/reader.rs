//! Follows an answer as it is written: text, then calls that obey the grammar.

use std::rc::Rc;

use crate::calls::{CLOSER, MAX_CALLS, OPENER, WireCall, find};
use crate::grammar::{Grammar, Matcher, NodeId};

/// What came out of some bytes of an answer.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// Text that may be shown.
    Text(Vec<u8>),
    /// A whole call: name, and arguments as JSON text.
    Call { name: String, arguments: String },
}

/// Follows one answer.
pub(crate) struct CallReader {
    grammar: Rc<Grammar>,
    root: NodeId,
    place: Place,
    n_calls: u32,
}

#[derive(Clone)]
enum Place {
    /// In the text; the bytes may turn out to be an opener and are held back.
    Text(Vec<u8>),
    /// Behind an opener, with the bytes since.
    Call(Matcher, Vec<u8>),
    /// Behind a closer, with the bytes since.
    Between(Vec<u8>),
    /// Behind everything that counts.
    Over,
}

impl CallReader {
    /// Stands at the start of an answer, or behind an opener if there is one already.
    pub(crate) fn new((grammar, root): (Rc<Grammar>, NodeId), is_opened: bool) -> Self {
        let mut reader = Self {
            grammar,
            root,
            place: Place::Text(Vec::new()),
            n_calls: 0,
        };
        if is_opened {
            reader.place = reader.opened();
        }
        reader
    }

    /// Whether the grammar decides what may come next.
    pub(crate) fn is_in_call(&self) -> bool {
        matches!(self.place, Place::Call(..))
    }

    /// Whether nothing that follows belongs to the answer.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.place, Place::Over)
    }

    /// Calls that are whole.
    pub(crate) fn n_calls(&self) -> u32 {
        self.n_calls
    }

    /// Whether the answer may go on with these bytes.
    pub(crate) fn takes(&self, bytes: &[u8]) -> bool {
        match &self.place {
            // A token that writes nothing would never bring a call to its end.
            Place::Call(matcher, _) => !bytes.is_empty() && matcher.takes(bytes),
            Place::Text(held) => match split(held, bytes) {
                Some((_, rest)) => Matcher::new(Rc::clone(&self.grammar), self.root).takes(&rest),
                None => true,
            },
            // Whatever is no further call ends the answer.
            Place::Between(_) | Place::Over => true,
        }
    }

    /// Goes on by bytes that are taken.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Said> {
        let place = std::mem::replace(&mut self.place, Place::Over);
        let mut said = Vec::new();
        self.place = match place {
            Place::Text(held) => {
                if let Some((text, rest)) = split(&held, bytes) {
                    show(&mut said, text);
                    let opened = self.opened();
                    self.in_call(opened, &rest, &mut said)
                } else {
                    let mut text = held;
                    text.extend_from_slice(bytes);
                    let held = text.split_off(held_from(&text));
                    show(&mut said, text);
                    Place::Text(held)
                }
            }
            Place::Between(mut since) => {
                since.extend_from_slice(bytes);
                self.between(since, &mut said)
            }
            place @ (Place::Call(..) | Place::Over) => self.in_call(place, bytes, &mut said),
        };
        said
    }

    /// The text that was held back when the answer ends here.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.place, Place::Over) {
            Place::Text(held) => held,
            Place::Call(..) | Place::Between(_) | Place::Over => Vec::new(),
        }
    }

    fn opened(&self) -> Place {
        Place::Call(
            Matcher::new(Rc::clone(&self.grammar), self.root),
            Vec::new(),
        )
    }

    fn in_call(&mut self, place: Place, bytes: &[u8], said: &mut Vec<Said>) -> Place {
        let Place::Call(mut matcher, mut since) = place else {
            return place;
        };
        if !matcher.push(bytes) {
            return Place::Over;
        }
        since.extend_from_slice(bytes);
        if !matcher.is_complete() {
            return Place::Call(matcher, since);
        }
        let json = since.strip_suffix(CLOSER.as_bytes()).unwrap_or(&since);
        match serde_json::from_slice::<WireCall>(json) {
            Ok(call) => said.push(Said::Call {
                name: call.name,
                arguments: call.arguments.get().to_owned(),
            }),
            Err(error) => {
                tracing::error!(%error, "a call of the embedded model does not parse");
                return Place::Over;
            }
        }
        self.n_calls += 1;
        if self.n_calls >= MAX_CALLS {
            return Place::Over;
        }
        Place::Between(Vec::new())
    }

    fn between(&mut self, since: Vec<u8>, said: &mut Vec<Said>) -> Place {
        let begun = since.trim_ascii_start();
        if let Some(rest) = begun.strip_prefix(OPENER.as_bytes()) {
            let opened = self.opened();
            return self.in_call(opened, rest, said);
        }
        if OPENER.as_bytes().starts_with(begun) && since.len() <= MAX_BETWEEN_BYTES {
            return Place::Between(since);
        }
        Place::Over
    }
}

/// Bytes between two calls, so that white space does not go on for ever.
const MAX_BETWEEN_BYTES: usize = 32;

/// The text before an opener and the bytes behind it, if there is one now.
fn split(held: &[u8], bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut text = [held, bytes].concat();
    let at = find(&text, OPENER.as_bytes())?;
    let rest = text.split_off(at + OPENER.len());
    // White space before a call is there to set it apart.
    text.truncate(at);
    text.truncate(text.trim_ascii_end().len());
    Some((text, rest))
}

/// From where a text may be white space and the beginning of an opener.
fn held_from(text: &[u8]) -> usize {
    let opener = OPENER.as_bytes();
    let from = text.len().saturating_sub(opener.len());
    let begun =
        (from..text.len()).find(|at| text.get(*at..).is_some_and(|tail| opener.starts_with(tail)));
    let (before, _) = text.split_at(begun.unwrap_or(text.len()));
    before.trim_ascii_end().len()
}

fn show(said: &mut Vec<Said>, text: Vec<u8>) {
    if !text.is_empty() {
        said.push(Said::Text(text));
    }
}
