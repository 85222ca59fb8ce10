//! The decision table of the command line: what to do with the words and with stdin. Pure.

use crate::term::{StdinKind, StdoutKind};

/// The word that stands for what stdin holds.
pub const PLACE: &str = "-";

/// How the command was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `mesoclaw ...`
    Bare,
    /// `mesoclaw run ...`
    Run,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Talk line by line.
    Chat,
    /// Ask one question.
    Ask(StdinUse),
    /// Nothing was asked, and nobody will ask anything.
    NoPrompt,
}

/// What stdin is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StdinUse {
    /// Not looked at.
    Ignore,
    /// Not looked at, and a note says so.
    IgnoreWithNote,
    /// It is the prompt.
    Whole,
    /// It follows the words as a block.
    Append,
    /// It stands where `-` is.
    Place,
}

/// The decision table.
pub fn plan(form: Form, words: &[String], stdin: StdinKind, stdout: StdoutKind) -> Plan {
    match words {
        [] => without_words(form, stdin, stdout),
        [only] if only == PLACE => Plan::Ask(StdinUse::Whole),
        words if words.iter().any(|word| word == PLACE) => Plan::Ask(StdinUse::Place),
        _ => Plan::Ask(match stdin {
            StdinKind::Terminal => StdinUse::Ignore,
            StdinKind::File | StdinKind::PipeWithData => StdinUse::Append,
            StdinKind::SilentPipe | StdinKind::Other => StdinUse::IgnoreWithNote,
        }),
    }
}

fn without_words(form: Form, stdin: StdinKind, stdout: StdoutKind) -> Plan {
    match (stdin, stdout, form) {
        (StdinKind::Terminal, StdoutKind::Terminal, Form::Bare) => Plan::Chat,
        // A person who redirected the output is not asked for input.
        (StdinKind::Terminal, _, _) => Plan::NoPrompt,
        (
            StdinKind::File | StdinKind::PipeWithData | StdinKind::SilentPipe | StdinKind::Other,
            _,
            _,
        ) => Plan::Ask(StdinUse::Whole),
    }
}

/// Whether the plan depends on a pipe having data: only then it is waited for.
pub fn needs_patience(words: &[String]) -> bool {
    !words.is_empty() && !words.iter().any(|word| word == PLACE)
}

#[cfg(test)]
mod tests;
