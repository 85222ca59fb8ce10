//! The grammar of the characters of a JSON string.

use crate::grammar::{ByteSet, Grammar, NodeId};

/// One character of a string: valid UTF-8, or an escape that stands for a character by itself.
pub(super) fn character(grammar: &mut Grammar) -> NodeId {
    let set = |ranges: &[(u8, u8)]| ByteSet::of(ranges);
    let rest = grammar.byte(set(&[(0x80, 0xbf)]));
    let mut parts = vec![grammar.byte(set(&[(0x20, 0x7e)]).without(b"\"\\"))];
    for (first, second, n_rest) in [
        ((0xc2, 0xdf), (0x80, 0xbf), 0),
        ((0xe0, 0xe0), (0xa0, 0xbf), 1),
        ((0xe1, 0xec), (0x80, 0xbf), 1),
        ((0xed, 0xed), (0x80, 0x9f), 1),
        ((0xee, 0xef), (0x80, 0xbf), 1),
        ((0xf0, 0xf0), (0x90, 0xbf), 2),
        ((0xf1, 0xf3), (0x80, 0xbf), 2),
        ((0xf4, 0xf4), (0x80, 0x8f), 2),
    ] {
        let mut bytes = vec![grammar.byte(set(&[first])), grammar.byte(set(&[second]))];
        bytes.resize(2 + n_rest, rest);
        parts.push(grammar.sequence(&bytes));
    }
    let escape = grammar.literal("\\");
    let mut simple = ByteSet::default();
    for byte in *b"\"\\/bfnrt" {
        simple.insert(byte);
    }
    let simple = grammar.byte(simple);
    parts.push(grammar.sequence(&[escape, simple]));
    // Halves of a surrogate pair are left out: alone they are no character.
    let unicode = grammar.literal("\\u");
    let hex = grammar.byte(set(&[(b'0', b'9'), (b'a', b'f'), (b'A', b'F')]));
    let not_d = [
        (b'0', b'9'),
        (b'a', b'c'),
        (b'e', b'f'),
        (b'A', b'C'),
        (b'E', b'F'),
    ];
    let not_d = grammar.byte(set(&not_d));
    let d = grammar.byte(set(&[(b'd', b'd'), (b'D', b'D')]));
    let low = grammar.byte(set(&[(b'0', b'7')]));
    parts.push(grammar.sequence(&[unicode, not_d, hex, hex, hex]));
    parts.push(grammar.sequence(&[unicode, d, low, hex, hex]));
    grammar.choice(&parts)
}
