//! Reads stdin within its limit and composes the prompt from words and stdin.

use std::io::Read;

use mesoclaw_api::{ApiError, ErrorCode};

use crate::exit::{CliError, CliResult};
use crate::output::bytes;
use crate::run::plan::{PLACE, StdinUse};

/// The most bytes of stdin without `--max-input`.
pub const DEFAULT_MAX_INPUT: u64 = 10 * 1024 * 1024;

/// The most bytes the daemon takes as one message.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Reads a text of at most `limit` bytes. `place` names where it comes from.
///
/// # Errors
/// It cannot be read, is longer than `limit`, or is not UTF-8 text without NUL characters.
pub fn read_text(reader: impl Read, limit: u64, place: &str) -> CliResult<String> {
    let mut data = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut data)
        .map_err(|error| {
            ApiError::new(ErrorCode::Io, format!("could not read {place}: {error}"))
        })?;
    if data.len() as u64 > limit {
        return Err(ApiError::new(
            ErrorCode::LimitReached,
            format!("{place} holds more than {} ({limit} bytes)", bytes(limit)),
        )
        .with_hint("pass on a part of it, for example with `head -c`, or raise --max-input")
        .into());
    }
    if data.contains(&0) {
        return Err(not_text(&format!("{place} is binary: it has NUL bytes")));
    }
    let text = String::from_utf8(data).map_err(|error| {
        not_text(&format!(
            "{place} is not UTF-8 text: {}",
            error.utf8_error()
        ))
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The prompt.
///
/// # Errors
/// There is nothing in it, or more than one message can hold.
pub fn compose(words: &[String], usage: StdinUse, stdin: &str) -> CliResult<String> {
    let stdin = stdin.trim_end_matches(['\n', '\r']);
    let prompt = match usage {
        StdinUse::Ignore | StdinUse::IgnoreWithNote => words.join(" "),
        StdinUse::Whole => stdin.to_owned(),
        StdinUse::Append if stdin.trim().is_empty() => words.join(" "),
        StdinUse::Append => format!("{}\n\n{}", words.join(" "), fenced(stdin)),
        StdinUse::Place => placed(words, stdin),
    };
    if prompt.trim().is_empty() {
        return Err(no_prompt());
    }
    check_size(&prompt)?;
    Ok(prompt)
}

/// Refuses a prompt that is more than one message can hold.
///
/// # Errors
/// It is.
pub fn check_size(prompt: &str) -> CliResult<()> {
    if prompt.len() > MAX_MESSAGE_BYTES {
        return Err(ApiError::new(
            ErrorCode::LimitReached,
            format!(
                "the prompt has {}; a message holds at most {}",
                bytes(prompt.len() as u64),
                bytes(MAX_MESSAGE_BYTES as u64)
            ),
        )
        .with_hint("pass on a part of it, for example with `head -c`")
        .into());
    }
    Ok(())
}

/// The mistake of asking nothing.
pub fn no_prompt() -> CliError {
    CliError::usage_hint(
        "there is no prompt: no words, and nothing on stdin",
        "mesoclaw \"QUESTION\"\necho QUESTION | mesoclaw\nmesoclaw \"QUESTION\" < FILE\nmesoclaw chat",
    )
}

fn not_text(message: &str) -> CliError {
    CliError::usage_hint(message, "only text can be part of a prompt")
}

/// The words with the block at the first `-`; a second `-` is dropped, since the block stands there once.
fn placed(words: &[String], stdin: &str) -> String {
    let mut parts = words.split(|word| word == PLACE);
    let before = parts.next().unwrap_or_default().join(" ");
    let after: Vec<&str> = parts.flatten().map(String::as_str).collect();
    let block = if stdin.trim().is_empty() {
        String::new()
    } else {
        fenced(stdin)
    };
    [before, block, after.join(" ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The text between fences that are longer than any row of backticks in it.
pub fn fenced(text: &str) -> String {
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}\n{text}\n{fence}")
}

#[cfg(test)]
mod tests;
