//! Takes out of a text what a person would not see of it: escape sequences of terminals are left
//! out, invisible characters are spelled out. What stays is what a person reads, so nothing can be
//! said to the model behind the person's back.

use std::borrow::Cow;
use std::fmt::Write;

/// What a character is by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    CarriageReturn,
    /// Begins an escape sequence.
    Escape,
    /// Another control character.
    Control,
    /// A variation selector: right after a character that is shown.
    Selector,
    /// Joins or separates its neighbours without being seen: right between two letters or pictures.
    Joiner,
    /// Changes the direction of writing, has no width, or says something in characters nobody sees.
    Invisible,
}

/// The text without escape sequences and control characters (line feed and tab stay, other line
/// ends become line feeds), with invisible characters as `<U+200B>`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| kind(c) == Kind::Plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    // The character before, if it was kept as it is.
    let mut before: Option<char> = None;
    while let Some(c) = chars.next() {
        let is_kept = match kind(c) {
            Kind::Plain => true,
            Kind::Selector => before.is_some_and(has_variants),
            Kind::Joiner => {
                let after = chars.as_str().chars().next();
                before.is_some_and(|c| !c.is_ascii())
                    && after.is_some_and(|c| !c.is_ascii() && kind(c) == Kind::Plain)
            }
            Kind::CarriageReturn => {
                if !chars.as_str().starts_with('\n') {
                    out.push('\n');
                }
                before = None;
                continue;
            }
            Kind::Escape => {
                chars = after_sequence(c, chars.as_str()).chars();
                before = None;
                continue;
            }
            Kind::Control => {
                before = None;
                continue;
            }
            Kind::Invisible => false,
        };
        if is_kept {
            out.push(c);
        } else {
            // Writing into a string cannot fail.
            write!(out, "<U+{:04X}>", u32::from(c)).ok();
        }
        before = is_kept.then_some(c);
    }
    if out == text {
        return Cow::Borrowed(text);
    }
    Cow::Owned(out)
}

/// Whether a selector may choose how this character looks: other scripts and signs, and the few of
/// ASCII that emoji are made of. Never what marks of templates begin with: a space that is put into
/// one would part the selector from its character.
fn has_variants(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
        || (!c.is_ascii() && kind(c) == Kind::Plain && !c.is_whitespace())
}

fn kind(c: char) -> Kind {
    match c {
        '\n' | '\t' | ' '..='~' => Kind::Plain,
        '\r' => Kind::CarriageReturn,
        '\u{1B}' | '\u{90}' | '\u{98}' | '\u{9B}' | '\u{9D}'..='\u{9F}' => Kind::Escape,
        c if c.is_control() => Kind::Control,
        '\u{FE00}'..='\u{FE0F}' => Kind::Selector,
        '\u{200C}' | '\u{200D}' => Kind::Joiner,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}' => Kind::Invisible,
        _ => Kind::Plain,
    }
}

/// What follows an escape sequence that begins with `first`. Of a sequence without an end only the
/// beginning is left out: the rest is shown instead of being lost.
fn after_sequence(first: char, rest: &str) -> &str {
    let mut chars = rest.chars();
    let second = match first {
        '\u{1B}' => match chars.next() {
            Some(c) => c,
            None => return rest,
        },
        '\u{90}' => 'P',
        '\u{98}' => 'X',
        '\u{9B}' => '[',
        '\u{9D}' => ']',
        '\u{9E}' => '^',
        _ => '_',
    };
    match second {
        '[' => after_control_sequence(chars.as_str()),
        ']' | 'P' | 'X' | '^' | '_' => after_string(chars.as_str()),
        ' '..='/' => after_short_sequence(chars.as_str()),
        '0'..='~' => chars.as_str(),
        _ => rest,
    }
}

/// Parameters, then one letter.
fn after_control_sequence(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|c| matches!(c, ' '..='?'));
    rest.strip_prefix(|c| matches!(c, '@'..='~'))
        .unwrap_or(rest)
}

/// Intermediate characters, then one more.
fn after_short_sequence(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|c| matches!(c, ' '..='/'));
    rest.strip_prefix(|c| matches!(c, '0'..='~'))
        .unwrap_or(rest)
}

/// Text up to a terminator. Any other control character breaks it off, so each part of a text is
/// looked at for an end only once.
fn after_string(rest: &str) -> &str {
    let Some((text, _)) = rest.split_once(char::is_control) else {
        return rest;
    };
    let end = rest.get(text.len()..).unwrap_or_default();
    ["\u{7}", "\u{9C}", "\u{1B}\\"]
        .iter()
        .find_map(|terminator| end.strip_prefix(terminator))
        .unwrap_or(rest)
}
