//! What is looked for: every spelling of every known value, behind a filter that lets almost no
//! other place of a text through.

use mesoclaw_api::Secret;
use zeroize::{Zeroize, Zeroizing};

use super::shapes;

/// Digits of numbers to the base 16.
const CAPITALS: &[u8; 16] = b"0123456789ABCDEF";
const SMALL: &[u8; 16] = b"0123456789abcdef";

/// Base64 of a longer text spells the whole groups of three bytes of the value in it alike, wherever
/// it stands; the one or two bytes before and behind share a digit with their neighbours. Fewer
/// bytes than these are found by chance.
const SHORTEST_INSIDE_BYTES: usize = 9;

/// One bit for each hash of three bytes.
const N_FILTER_WORDS: usize = 1024;

pub(super) struct Needles {
    values: Vec<Secret<String>>,
    /// The longest first, so that the first match is the longest.
    spellings: Vec<Zeroizing<Vec<u8>>>,
    filter: Box<[u64; N_FILTER_WORDS]>,
}

impl Needles {
    pub(super) fn n_values(&self) -> usize {
        self.values.len()
    }

    pub(super) fn knows(&self, value: &Secret<String>) -> bool {
        self.values.iter().any(|known| is_same(known, value))
    }

    pub(super) fn with(&self, value: &Secret<String>) -> Self {
        let known = self.values.iter().cloned();
        Self::of(known.chain([value.clone()]).collect())
    }

    pub(super) fn without(&self, value: &Secret<String>) -> Self {
        let others = self.values.iter().filter(|known| !is_same(known, value));
        Self::of(others.cloned().collect())
    }

    fn of(values: Vec<Secret<String>>) -> Self {
        let mut spellings: Vec<_> = values.iter().flat_map(spellings).collect();
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        let mut filter = Box::new([0; N_FILTER_WORDS]);
        let known = spellings
            .iter()
            .filter_map(|spelling| spelling.first_chunk());
        for beginning in known.chain(shapes::BEGINNINGS) {
            let hash = hash(*beginning);
            filter[hash >> 6] |= 1 << (hash & 63);
        }
        Self {
            values,
            spellings,
            filter,
        }
    }

    /// Whether something that is looked for may begin with these bytes.
    pub(super) fn may_begin(&self, bytes: [u8; 3]) -> bool {
        let hash = hash(bytes);
        self.filter[hash >> 6] & (1 << (hash & 63)) != 0
    }

    /// The length of the longest known spelling at this place.
    pub(super) fn longest_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let mut spellings = self.spellings.iter();
        let found = spellings.find(|spelling| rest.starts_with(spelling))?;
        Some(found.len())
    }
}

impl Default for Needles {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl Drop for Needles {
    fn drop(&mut self) {
        self.filter.zeroize();
    }
}

fn is_same(a: &Secret<String>, b: &Secret<String>) -> bool {
    a.expose() == b.expose()
}

/// The upper 16 bits of a product: below 1024 words of 64 bits.
fn hash(bytes: [u8; 3]) -> usize {
    let [a, b, c] = bytes.map(u32::from);
    let number = a | b << 8 | c << 16;
    (number.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// The value as it is, in JSON, in an address, in hexadecimal digits, and in base64, alone or
/// somewhere in a longer text. Spellings that are equal are found and dropped later.
fn spellings(value: &Secret<String>) -> Vec<Zeroizing<Vec<u8>>> {
    let value = value.expose().as_bytes();
    let mut plain = Zeroizing::new(Vec::with_capacity(value.len()));
    plain.extend_from_slice(value);
    let mut spellings = vec![
        plain,
        json(value),
        percent(value, CAPITALS),
        percent(value, SMALL),
        hex(value, CAPITALS),
        hex(value, SMALL),
        base64(value, *b"+/"),
        base64(value, *b"-_"),
    ];
    for n_skipped in 0..3 {
        let rest = value.get(n_skipped..).unwrap_or_default();
        let (groups, _) = rest.as_chunks::<3>();
        let inside = groups.as_flattened();
        if inside.len() >= SHORTEST_INSIDE_BYTES {
            spellings.extend([base64(inside, *b"+/"), base64(inside, *b"-_")]);
        }
    }
    spellings
}

/// What stands between the quotes. The buffers here never move: they have room for the worst case.
fn json(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(6 * value.len()));
    for &byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                push_hex(&mut out, byte, SMALL);
            }
            _ => out.push(byte),
        }
    }
    out
}

fn percent(value: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(3 * value.len()));
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            push_hex(&mut out, byte, digits);
        }
    }
    out
}

fn hex(value: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(2 * value.len()));
    for &byte in value {
        push_hex(&mut out, byte, digits);
    }
    out
}

fn push_hex(out: &mut Vec<u8>, byte: u8, digits: &[u8; 16]) {
    out.push(digits[usize::from(byte >> 4)]);
    out.push(digits[usize::from(byte & 15)]);
}

/// Without the `=` at the end, which some leave out.
fn base64(value: &[u8], last_two: [u8; 2]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(4 * value.len().div_ceil(3)));
    for group in value.chunks(3) {
        let byte = |n: usize| group.get(n).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..=group.len() {
            let digit = (bits >> (18 - 6 * n) & 63) as u8;
            out.push(match digit {
                0..26 => b'A' + digit,
                26..52 => b'a' + digit - 26,
                52..62 => b'0' + digit - 52,
                62 => last_two[0],
                _ => last_two[1],
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_others_spell_them() {
        let check = |value: &str, expected: [&str; 8]| {
            let found = spellings(&Secret::new(value.to_owned()));
            let found: Vec<_> = found.iter().map(|s| str::from_utf8(s).unwrap()).collect();
            assert_eq!(found, expected, "{value}");
        };
        check(
            "foobar",
            [
                "foobar",
                "foobar",
                "foobar",
                "foobar",
                "666F6F626172",
                "666f6f626172",
                "Zm9vYmFy",
                "Zm9vYmFy",
            ],
        );
        check(
            "a\"\n\u{1}?é",
            [
                "a\"\n\u{1}?é",
                "a\\\"\\n\\u0001?é",
                "a%22%0A%01%3F%C3%A9",
                "a%22%0a%01%3f%c3%a9",
                "61220A013FC3A9",
                "61220a013fc3a9",
                "YSIKAT/DqQ",
                "YSIKAT_DqQ",
            ],
        );
        check(
            "a>?+/",
            [
                "a>?+/",
                "a>?+/",
                "a%3E%3F%2B%2F",
                "a%3e%3f%2b%2f",
                "613E3F2B2F",
                "613e3f2b2f",
                "YT4/Ky8",
                "YT4_Ky8",
            ],
        );
    }

    #[test]
    fn buffers_have_room_for_the_worst_case() {
        let worst = "\u{1}".repeat(50);
        let worst = worst.as_bytes();
        for (spelling, room) in [
            (json(worst), 300),
            (percent(worst, CAPITALS), 150),
            (hex(worst, CAPITALS), 100),
            (base64(worst, *b"+/"), 68),
        ] {
            assert!(spelling.len() <= room && spelling.capacity() == room);
        }
    }
}
