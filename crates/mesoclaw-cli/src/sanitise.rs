//! Makes text harmless for a terminal: what a model, a file or a name says can never move the
//! cursor, change a title or hide text. Nothing here is applied to a pipe.

use std::borrow::Cow;

use crate::output::push;

/// The text as it may be shown on a terminal.
///
/// Line feed and tab stay; a carriage return disappears, so that `\r\n` is one line end; every other
/// control character and every character that changes the direction of writing is spelled out.
/// Each character is judged alone, so a text may be handed over in pieces.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\r' => {}
            c if !is_unsafe(c) => safe.push(c),
            c if c.is_ascii() => {
                // The usual caret notation: ESC is `^[`, DEL is `^?`.
                safe.push('^');
                safe.push(char::from(u8::try_from(c).unwrap_or_default() ^ 0x40));
            }
            c => push(&mut safe, format_args!("<U+{:04X}>", u32::from(c))),
        }
    }
    Cow::Owned(safe)
}

/// One line of [`for_terminal`]: line feeds and tabs become spaces.
pub fn one_line(text: &str) -> String {
    for_terminal(text).replace(['\n', '\t'], " ")
}

fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{061C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        let cases = [
            ("plain, naïve, 日本語\n\tend", "plain, naïve, 日本語\n\tend"),
            ("\x1b[31mred\x1b[0m", "^[[31mred^[[0m"),
            ("\x1b]0;title\x07", "^[]0;title^G"),
            ("a\r\nb\rc", "a\nbc"),
            ("\x08\x7f\0", "^H^?^@"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("\u{202e}evil\u{2066}", "<U+202E>evil<U+2066>"),
            ("\u{200f}x\u{2028}", "<U+200F>x<U+2028>"),
        ];
        for (text, expected) in cases {
            assert_eq!(for_terminal(text), expected, "{text:?}");
        }
    }

    #[test]
    fn no_control_byte_survives_in_any_character() {
        for character in (0..=0x2_FFFF).filter_map(char::from_u32) {
            let shown = for_terminal(&character.to_string()).into_owned();
            assert!(
                shown
                    .chars()
                    .all(|c| matches!(c, '\n' | '\t') || !c.is_control()),
                "{character:?}"
            );
        }
    }

    #[test]
    fn pieces_are_as_safe_as_the_whole() {
        let text = "a\x1b[2Jb\r\n\u{202e}c";
        let whole = for_terminal(text).into_owned();
        let pieces: String = text
            .chars()
            .map(|c| for_terminal(&c.to_string()).into_owned())
            .collect();
        assert_eq!(pieces, whole);
    }

    #[test]
    fn one_line_has_no_line_end() {
        assert_eq!(one_line("a\nb\tc\x1b"), "a b c^[");
    }
}
