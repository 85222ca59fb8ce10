//! Grammars of numbers within bounds.

use serde_json::Value;

use crate::grammar::{ByteSet, Grammar, NodeId};

/// Largest whole number that is written: every program reads it the same.
const MAX_INTEGER: i64 = 999_999_999_999_999;
/// Digits behind the point.
const MAX_DECIMALS: u32 = 6;

/// The bounds a schema sets.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Bounds {
    min: f64,
    max: f64,
    /// Whether `min` itself is not allowed.
    is_min_open: bool,
    /// Whether `max` itself is not allowed.
    is_max_open: bool,
}

impl Bounds {
    fn of(schema: &Value) -> Self {
        let limit = MAX_INTEGER as f64;
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        // The older form has a boolean beside the bound.
        let is_exclusive = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
        let open_min = number("exclusiveMinimum").unwrap_or(f64::NEG_INFINITY);
        let open_max = number("exclusiveMaximum").unwrap_or(f64::INFINITY);
        let min = number("minimum").unwrap_or(-limit).max(-limit);
        let max = number("maximum").unwrap_or(limit).min(limit);
        Self {
            min: min.max(open_min),
            max: max.min(open_max),
            is_min_open: open_min >= min || is_exclusive("exclusiveMinimum"),
            is_max_open: open_max <= max || is_exclusive("exclusiveMaximum"),
        }
    }

    /// The least and the greatest whole number inside.
    fn whole(self) -> (i64, i64) {
        let (least, greatest) = (self.min.ceil(), self.max.floor());
        let is_least_out = self.is_min_open && least <= self.min;
        let is_greatest_out = self.is_max_open && greatest >= self.max;
        (
            least as i64 + i64::from(is_least_out),
            greatest as i64 - i64::from(is_greatest_out),
        )
    }
}

/// A whole number within the bounds of the schema; `None` if there is none.
pub(super) fn integer(grammar: &mut Grammar, schema: &Value) -> Option<NodeId> {
    let (least, greatest) = Bounds::of(schema).whole();
    let parts = whole(grammar, least, greatest);
    (!parts.is_empty()).then(|| grammar.choice(&parts))
}

/// A number within the bounds of the schema, without an exponent; `None` if there is none.
pub(super) fn number(grammar: &mut Grammar, schema: &Value) -> Option<NodeId> {
    let bounds = Bounds::of(schema);
    let (least, greatest) = bounds.whole();
    let mut parts = whole(grammar, least, greatest);
    let fraction = fraction(grammar, bounds.is_min_open || bounds.is_max_open);
    // From one whole number up to the next, where both ends are inside the bounds.
    let from = (bounds.min.ceil() as i64).max(0);
    let up_to = bounds.max.floor() as i64 - 1;
    for whole in whole(grammar, from, up_to) {
        parts.push(grammar.sequence(&[whole, fraction]));
    }
    let from = (-bounds.max).ceil().max(0.0) as i64;
    let up_to = (-bounds.min).floor() as i64 - 1;
    let minus = grammar.literal("-");
    for whole in whole(grammar, from, up_to) {
        parts.push(grammar.sequence(&[minus, whole, fraction]));
    }
    if parts.is_empty() && bounds.min < bounds.max {
        parts.push(grammar.literal(&f64::midpoint(bounds.min, bounds.max).to_string()));
    }
    (!parts.is_empty()).then(|| grammar.choice(&parts))
}

/// The point and what follows it. A fraction of nothing but zeros would be the bound itself.
fn fraction(grammar: &mut Grammar, is_open: bool) -> NodeId {
    let point = grammar.literal(".");
    let digit = grammar.byte(ByteSet::of(&[(b'0', b'9')]));
    if is_open {
        let digits = grammar.repeat(digit, 0, MAX_DECIMALS - 1);
        let last = grammar.byte(ByteSet::of(&[(b'1', b'9')]));
        return grammar.sequence(&[point, digits, last]);
    }
    let digits = grammar.repeat(digit, 1, MAX_DECIMALS);
    grammar.sequence(&[point, digits])
}

/// The ways to write the whole numbers of a range; none for an empty range.
fn whole(grammar: &mut Grammar, least: i64, greatest: i64) -> Vec<NodeId> {
    let mut parts = Vec::new();
    if least > greatest {
        return parts;
    }
    if least < 0 {
        let minus = grammar.literal("-");
        let sizes = (greatest.min(-1).unsigned_abs(), least.unsigned_abs());
        for size in sized(grammar, sizes.0, sizes.1) {
            parts.push(grammar.sequence(&[minus, size]));
        }
    }
    if greatest >= 0 {
        let from = least.max(0).unsigned_abs();
        parts.extend(sized(grammar, from, greatest.unsigned_abs()));
    }
    parts
}

/// Numbers without a sign, by how many digits they have.
fn sized(grammar: &mut Grammar, least: u64, greatest: u64) -> Vec<NodeId> {
    let mut parts = Vec::new();
    let mut from = least;
    while from <= greatest {
        let longest = 10_u64.pow(from.to_string().len() as u32) - 1;
        let to = longest.min(greatest);
        parts.push(digits(grammar, &from.to_string(), &to.to_string()));
        from = longest + 1;
    }
    parts
}

/// Numbers of one length, from `low` to `high`.
fn digits(grammar: &mut Grammar, low: &str, high: &str) -> NodeId {
    let (Some(first), Some(last)) = (low.bytes().next(), high.bytes().next()) else {
        return grammar.literal("");
    };
    let (low_rest, high_rest) = (low.get(1..).unwrap_or(""), high.get(1..).unwrap_or(""));
    let n_rest = low_rest.len();
    let zeros = "0".repeat(n_rest);
    let nines = "9".repeat(n_rest);
    if low_rest == zeros && high_rest == nines {
        let head = grammar.byte(ByteSet::of(&[(first, last)]));
        let digit = grammar.byte(ByteSet::of(&[(b'0', b'9')]));
        let n_rest = n_rest as u32;
        let rest = grammar.repeat(digit, n_rest, n_rest);
        return grammar.sequence(&[head, rest]);
    }
    if first == last {
        let head = grammar.byte(ByteSet::of(&[(first, first)]));
        let rest = digits(grammar, low_rest, high_rest);
        return grammar.sequence(&[head, rest]);
    }
    let digit_of = |byte: u8| char::from(byte);
    let mut parts = Vec::new();
    let (mut from, mut to) = (first, last);
    if low_rest != zeros {
        parts.push(digits(grammar, low, &format!("{}{nines}", digit_of(first))));
        from += 1;
    }
    if high_rest != nines {
        parts.push(digits(grammar, &format!("{}{zeros}", digit_of(last)), high));
        to -= 1;
    }
    if from <= to {
        let low = format!("{}{zeros}", digit_of(from));
        let high = format!("{}{nines}", digit_of(to));
        parts.push(digits(grammar, &low, &high));
    }
    grammar.choice(&parts)
}
