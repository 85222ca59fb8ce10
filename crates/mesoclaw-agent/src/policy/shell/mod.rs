//! Command lines: read twice, by a strict lexer of our own that knows what it does not know, and
//! by a full shell grammar. What either does not understand, or what they take apart differently,
//! is not understood.

mod agreement;
mod bases;
mod grammar;
mod lexer;
mod screen;
mod script;
mod unwrap;
mod words;

pub(super) use bases::join;
pub(super) use script::{Cd, Part, Redirect, Run, Script};
pub(super) use words::Word;

use super::rules::rule;

/// Deepest nesting of groups, lists and shells within shells.
pub(super) const DEPTH_MAX: usize = 16;
/// Longest command in bytes.
pub(super) const BYTES_MAX: usize = 16 * 1024;
/// Most simple commands in one line.
pub(super) const PARTS_MAX: usize = 256;

/// Why a line is not judged part by part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unclear {
    /// The rule.
    pub rule: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether it is refused at every level.
    pub forbidden: bool,
}

impl Unclear {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            rule: rule::SHELL_UNCLEAR,
            reason: reason.into(),
            forbidden: false,
        }
    }

    fn forbidden(rule: &'static str, reason: impl Into<String>) -> Self {
        Self {
            rule,
            reason: reason.into(),
            forbidden: true,
        }
    }
}

/// Reads a command line. Never fails: what is not understood is in the script as such.
pub(super) fn read(line: &str) -> Script {
    match read_nested(line, 0) {
        Ok(parts) => Script {
            line: line.to_owned(),
            parts,
            unclear: None,
        },
        Err(unclear) => Script {
            line: line.to_owned(),
            parts: Vec::new(),
            unclear: Some(unclear),
        },
    }
}

/// Reads a line that stands `depth` shells deep.
fn read_nested(line: &str, depth: usize) -> Result<Vec<Part>, Unclear> {
    read_from(line, depth, &bases::Bases::start())
}

/// Reads a line whose relative paths start in one of `bases`.
fn read_from(line: &str, depth: usize, bases: &bases::Bases) -> Result<Vec<Part>, Unclear> {
    screen::screen(line)?;
    let tokens = lexer::lex(line)?;
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    grammar::read(line, &tokens, depth, bases)
}

#[cfg(test)]
mod tests;
