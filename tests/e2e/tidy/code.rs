//! Rust source with everything blanked that is not code, so that a word in a comment or a text is
//! not taken for one in the program. Lines keep their number and their length.

use std::iter::Peekable;
use std::str::CharIndices;

/// The code of a source: comments, and what stands in texts, are spaces.
pub fn code_of(source: &str) -> String {
    let mut code = Blanker {
        source,
        chars: source.char_indices().peekable(),
        out: String::with_capacity(source.len()),
    };
    while let Some((at, char)) = code.chars.next() {
        let rest = &source[at..];
        match char {
            '/' if rest.starts_with("//") => code.blank_to(line_end(rest), at),
            '/' if rest.starts_with("/*") => code.blank_to(comment_end(rest), at),
            '"' => code.blank_text(at, text_end(rest)),
            'r' | 'b' | 'c' if is_word_start(source, at) && raw_hashes(rest).is_some() => {
                let (begin, n_hashes) = raw_hashes(rest).expect("just seen");
                code.blank_text(at, raw_end(rest, begin, n_hashes));
            }
            '\'' => code.char_or_lifetime(at, rest),
            other => code.out.push(other),
        }
    }
    code.out
}

struct Blanker<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    out: String,
}

impl Blanker<'_> {
    /// Blanks `length` bytes from `at`; the first character is taken already.
    fn blank_to(&mut self, length: usize, at: usize) {
        for char in self.source[at..at + length].chars() {
            self.out.push(if char == '\n' { '\n' } else { ' ' });
        }
        while self
            .chars
            .next_if(|(next, _)| *next < at + length)
            .is_some()
        {}
    }

    /// The same for a text, whose quotes stay: `feature = ""` can still be seen.
    fn blank_text(&mut self, at: usize, length: usize) {
        let begin = self.out.len();
        self.blank_to(length, at);
        if length >= 2 {
            self.out.replace_range(begin..=begin, "\"");
            let end = self.out.len();
            self.out.replace_range(end - 1..end, "\"");
        }
    }

    fn char_or_lifetime(&mut self, at: usize, rest: &str) {
        let mut chars = rest.char_indices().skip(1);
        let (first, second) = (chars.next(), chars.next());
        match (first, second) {
            (Some((_, '\\')), Some((after, _))) => {
                let escaped = after + rest[after..].chars().next().map_or(0, char::len_utf8);
                let end = rest[escaped..]
                    .find('\'')
                    .map_or(rest.len(), |n| escaped + n + 1);
                self.blank_to(end, at);
            }
            (Some(_), Some((close, '\''))) => self.blank_to(close + 1, at),
            _ => self.out.push('\''),
        }
    }
}

fn line_end(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// Comments may stand in comments.
fn comment_end(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn text_end(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Where the text of `r#"`, `br"` and the like begins, and how many hashes it has.
fn raw_hashes(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let n_hashes = rest[prefix.len()..].find('"')?;
    Some((prefix.len() + n_hashes + 1, n_hashes))
}

fn raw_end(rest: &str, begin: usize, n_hashes: usize) -> usize {
    let close = format!("\"{}", "#".repeat(n_hashes));
    let found = rest[begin..].find(&close);
    found.map_or(rest.len(), |at| begin + at + close.len())
}

fn is_word_start(source: &str, at: usize) -> bool {
    !source[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_')
}

#[test]
fn only_code_is_left() {
    for (source, expected) in [
        ("let a = 1; // unsafe\nb", "let a = 1;          \nb"),
        ("a /* x /* y */ z */ b", "a                   b"),
        (r#"f("un\"safe")"#, r#"f("        ")"#),
        ("f(r#\"a\"b\"#, 'c')", "f(\"      \",    )"),
        ("fn a<'b>(c: &'b str)", "fn a<'b>(c: &'b str)"),
        (r"x('\'', '\u{1}', '/')", "x(    ,        ,    )"),
        ("br\"x\" bar\"y\"", "\"   \" bar\" \""),
        ("\"two\nlines\"", "\"   \n     \""),
    ] {
        assert_eq!(code_of(source), expected, "{source}");
    }
}
