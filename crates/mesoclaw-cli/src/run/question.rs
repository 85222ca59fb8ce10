//! Questions to a person on a terminal.

use std::io::{self, BufRead};

use mesoclaw_api::ApiResult;
use tokio::sync::oneshot;

use crate::exit::{CliError, CliResult};
use crate::output::Console;
use crate::run::stops::Stops;

/// A line a person typed; the end of the input or Ctrl-C ends the command.
///
/// # Errors
/// Stdin ended, or the person wants to leave.
pub async fn read_answer() -> CliResult<String> {
    // On a thread of its own, because a blocked read hears no signal.
    let (answer, typed) = oneshot::channel();
    std::thread::Builder::new()
        .name("answer".to_owned())
        .spawn(move || {
            let mut line = String::new();
            let count = io::stdin().lock().read_line(&mut line).unwrap_or(0);
            // Nobody waits any more after Ctrl-C.
            answer.send((count > 0).then_some(line)).ok();
        })?;
    let mut stops = Stops::listen(None)?;
    tokio::select! {
        stop = stops.next() => Err(CliError::Said(stop.exit_code())),
        line = typed => match line.ok().flatten() {
            Some(line) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
            None => Err(CliError::Said(crate::exit::INTERRUPTED)),
        },
    }
}

/// Whether an answer means yes.
pub fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// One question with a default in brackets.
///
/// # Errors
/// Stdin ended.
pub async fn question(console: Console, text: &str, default: &str) -> CliResult<String> {
    let shown = if default.is_empty() {
        format!("{text}: ")
    } else {
        format!("{text} [{default}]: ")
    };
    console.say(&shown);
    let answer = read_answer().await?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

/// A number from a list, or the text itself where it is none; `None` for a number outside.
pub fn by_number<'a, T>(answer: &str, list: &'a [T]) -> Picked<'a, T> {
    match answer.trim().parse::<usize>() {
        Ok(number) => match number.checked_sub(1).and_then(|at| list.get(at)) {
            Some(picked) => Picked::Item(picked),
            None => Picked::Nothing,
        },
        Err(_) => Picked::Text,
    }
}

/// What an answer to a numbered list means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Picked<'a, T> {
    /// One of the list.
    Item(&'a T),
    /// A number that is not in the list.
    Nothing,
    /// No number.
    Text,
}

/// Waits for an operation; Ctrl-C and SIGTERM end the wait.
///
/// # Errors
/// The operation's own, or the person wants to leave.
pub async fn or_stop<T>(work: impl Future<Output = ApiResult<T>>) -> CliResult<T> {
    let mut stops = Stops::listen(None)?;
    tokio::select! {
        stop = stops.next() => Err(CliError::Said(stop.exit_code())),
        result = work => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_is_yes() {
        for (answer, expected) in [("y", true), (" YES ", true), ("", false), ("n", false)] {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_list_is_answered_by_number_or_by_name() {
        let list = ["a", "b"];
        for (answer, expected) in [
            ("1", Picked::Item(&"a")),
            (" 2 ", Picked::Item(&"b")),
            ("0", Picked::Nothing),
            ("3", Picked::Nothing),
            ("b", Picked::Text),
            ("", Picked::Text),
        ] {
            assert_eq!(by_number(answer, &list), expected, "{answer:?}");
        }
    }
}
