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

/// The text with nothing hidden, for what a person has to judge: a command, a path, a reason.
///
/// As [`for_terminal`], but a carriage return is shown, and so is every character that has no
/// width or is a blank other than a space. Line feeds stay; tabs become `^I`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            '\r' => shown.push_str("^M"),
            '\t' => shown.push_str("^I"),
            c if is_hidden(c) => push(&mut shown, format_args!("<U+{:04X}>", u32::from(c))),
            c => shown.push_str(&for_terminal(c.encode_utf8(&mut [0; 4]))),
        }
    }
    shown
}

/// Each character outside ASCII once, with its number, at most ten of them.
pub fn outside_ascii(text: &str) -> Vec<String> {
    const MOST: usize = 10;
    let mut found: Vec<char> = Vec::new();
    for character in text.chars().filter(|c| !c.is_ascii()) {
        if !found.contains(&character) {
            found.push(character);
        }
    }
    let more = found.len().saturating_sub(MOST);
    let mut words: Vec<String> = found
        .into_iter()
        .take(MOST)
        .map(|c| {
            let shown = visible(c.encode_utf8(&mut [0; 4]));
            if shown.starts_with('<') {
                shown
            } else {
                format!("{shown} (U+{:04X})", u32::from(c))
            }
        })
        .collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words
}

/// Characters without ink: no width, fillers, tags, variation selectors, blanks that are no space.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{00A0}'
            | '\u{00AD}'
            | '\u{034F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{1680}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2000}'..='\u{200F}'
            | '\u{202F}'
            | '\u{205F}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3000}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
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
    fn nothing_is_hidden_from_a_judge() {
        let cases = [
            ("rm -rf x", "rm -rf x"),
            ("a\r\nb\tc", "a^M\nb^Ic"),
            ("ls\u{200b}\u{feff}\u{ad}", "ls<U+200B><U+FEFF><U+00AD>"),
            ("a\u{a0}b\u{3000}c", "a<U+00A0>b<U+3000>c"),
            ("\u{202e}x\u{e0041}", "<U+202E>x<U+E0041>"),
            ("\x1b[2K\x08", "^[[2K^H"),
            ("naïve", "naïve"),
        ];
        for (text, expected) in cases {
            assert_eq!(visible(text), expected, "{text:?}");
            assert_eq!(for_terminal(&visible(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn characters_that_look_like_others_are_named() {
        for (text, expected) in [
            ("plain", Vec::new()),
            ("l\u{455} \u{455}", vec!["\u{455} (U+0455)".to_owned()]),
            ("a\u{200b}", vec!["<U+200B>".to_owned()]),
        ] {
            assert_eq!(outside_ascii(text), expected, "{text:?}");
        }
        let many: String = ('à'..='ï').collect();
        assert_eq!(outside_ascii(&many).last().unwrap(), "6 more");
    }

    #[test]
    fn one_line_has_no_line_end() {
        assert_eq!(one_line("a\nb\tc\x1b"), "a b c^[");
    }
}
