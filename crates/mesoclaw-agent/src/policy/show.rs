//! Text made safe to look at: nothing in an approval may hide, move or colour something.

use std::fmt::Write as _;

/// `text` with every control, invisible and direction-changing character written out, as
/// `\u{202e}`. A tab becomes `\t` and a line break `\n`.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if is_hidden(c) => {
                // Writing to a string does not fail.
                write!(shown, "\\u{{{:x}}}", u32::from(c)).ok();
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// The words as a command line that a shell would read the same way, with [`escaped`] characters.
pub fn shell_words<T: AsRef<str>>(words: &[T]) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shell_word(word.as_ref()));
    }
    line
}

fn shell_word(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word.chars().all(|c| {
            c.is_alphanumeric()
                || matches!(
                    c,
                    '-' | '_'
                        | '.'
                        | '/'
                        | '='
                        | ':'
                        | ','
                        | '+'
                        | '@'
                        | '%'
                        | '~'
                        | '^'
                        | '*'
                        | '?'
                        | '['
                        | ']'
                        | '{'
                        | '}'
                        | '<'
                        | '>'
                )
        });
    if is_plain {
        return escaped(word);
    }
    format!("'{}'", escaped(word).replace('\'', "'\\''"))
}

/// Whether a character is not visible as itself: controls, format characters, separators other
/// than the plain space, variation selectors, tags and private use.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control() || is_format(c) || (c.is_whitespace() && c != ' ')
}

/// Invisible or direction-changing characters beyond the ASCII controls.
fn is_format(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f..=0x1160 | 0x17b4..=0x17b5
        | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164
        | 0xd800..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a | 0xe_0000..=0x10_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("naïve \u{a0}日本", "naïve \\u{a0}日本"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(
            shell_words(&["git", "commit", "-m", "it's done", ""]),
            "git commit -m 'it'\\''s done' ''"
        );
    }
}
