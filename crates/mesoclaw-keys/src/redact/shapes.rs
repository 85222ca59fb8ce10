//! What keys of well-known makers look like, so that one is masked even when nobody stored it.
//!
//! A prefix is not enough: what follows has to be as long as a key and as mixed as random letters
//! are. Prose and names of programs stay as they are.

use super::Span;

/// The first three bytes of everything that is found here.
pub(super) const BEGINNINGS: &[[u8; 3]] = &[
    *b"sk-", *b"AIz", *b"gsk", *b"xai", *b"hf_", *b"ppl", *b"tvl", *b"xox", *b"xap", *b"Bea",
    *b"bea", *b"BEA",
];

/// How far a decision looks. What is masked goes on to the end of the token.
const REACH_BYTES: usize = 256;

struct Shape {
    prefix: &'static str,
    shortest_bytes: usize,
    has_digits: bool,
}

const fn shape(prefix: &'static str, shortest_bytes: usize, has_digits: bool) -> Shape {
    Shape {
        prefix,
        shortest_bytes,
        has_digits,
    }
}

/// `shortest_bytes` counts what follows the prefix.
const SHAPES: &[Shape] = &[
    shape("sk-", 20, true),
    shape("AIza", 30, true),
    shape("gsk_", 20, true),
    shape("xai-", 20, true),
    // These consist of letters alone.
    shape("hf_", 30, false),
    shape("pplx-", 20, true),
    shape("tvly-", 20, true),
    shape("xoxb-", 20, true),
    shape("xoxp-", 20, true),
    shape("xapp-", 20, true),
];

const BEARER: &[u8] = b"bearer";
const SHORTEST_BEARER_BYTES: usize = 16;

/// How often letters, capitals and digits have to follow one another. Prose with capitals stays
/// below, since what stands apart by `-` or `_` does not count as following.
const FEWEST_CHANGES: usize = 5;

/// The key or token that begins at this place, if one does.
pub(super) fn find_at(text: &[u8], at: usize) -> Option<Span> {
    if !is_word_start(text, at) {
        return None;
    }
    let rest = text.get(at..)?;
    if let Some(length) = SHAPES.iter().find_map(|shape| shape.length_at(rest)) {
        return Some((at, at + length));
    }
    let (skipped, length) = bearer_at(rest)?;
    Some((at + skipped, at + skipped + length))
}

impl Shape {
    fn length_at(&self, rest: &[u8]) -> Option<usize> {
        let body = rest.strip_prefix(self.prefix.as_bytes())?;
        let near = token(near(body), is_key_byte);
        let is_key = near.len() >= self.shortest_bytes && is_mixed(near, self.has_digits);
        is_key.then(|| self.prefix.len() + token(body, is_key_byte).len())
    }
}

/// How many bytes stand before the token, and how many it has.
fn bearer_at(rest: &[u8]) -> Option<(usize, usize)> {
    let (word, after) = rest.split_at_checked(BEARER.len())?;
    if !word.eq_ignore_ascii_case(BEARER) {
        return None;
    }
    let body = after.trim_ascii_start();
    let n_spaces = after.len() - body.len();
    if !(1..=8).contains(&n_spaces) {
        return None;
    }
    let near = token(near(body), is_bearer_byte);
    let is_token = near.len() >= SHORTEST_BEARER_BYTES && is_mixed(near, true);
    is_token.then(|| (BEARER.len() + n_spaces, token(body, is_bearer_byte).len()))
}

fn near(bytes: &[u8]) -> &[u8] {
    bytes.get(..REACH_BYTES).unwrap_or(bytes)
}

fn token(bytes: &[u8], is_part: fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| !is_part(*byte));
    bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_bearer_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

fn is_mixed(token: &[u8], has_digits: bool) -> bool {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'a'..=b'z' => 3,
        _ => 0,
    };
    let n_changes = token
        .array_windows()
        .filter(|[a, b]| class(*a) != 0 && class(*b) != 0 && class(*a) != class(*b))
        .count();
    n_changes >= FEWEST_CHANGES && (!has_digits || token.iter().any(u8::is_ascii_digit))
}

/// Whether a word begins here. What ends an escape (`\n`, `%20`) belongs to no word.
fn is_word_start(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., last] => !is_key_byte(*last),
    }
}
