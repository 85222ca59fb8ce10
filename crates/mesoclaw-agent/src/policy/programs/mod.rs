//! Programs: what is known about them, as data, and what that says about a call.

mod arguments;
mod assessment;
mod files;
mod here;
mod interpreted;
mod positional;
mod printf;
mod sed;
mod special;
mod starters;
mod table;

pub(super) use assessment::{Assessment, Certainty, Inner, Level, PathUse, Role};
pub use table::{KnownProgram, known_programs};

use super::rules::rule;
use super::shell::Word;
use table::{Entry, find};

/// Whether a shell runs this name itself.
pub(super) fn is_builtin(name: &str) -> bool {
    find(name).is_some_and(|entry| entry.builtin)
}

/// Whether a program of this name is refused at every level.
pub(super) fn is_forbidden(name: &str) -> bool {
    find(name).is_some_and(|entry| entry.risk == Level::Forbidden)
}

/// What the words of a call say without looking at the disk. `bases` are the directories it could
/// run in.
pub(super) fn assess(words: &[Word], bases: &[String], is_built_in: bool) -> Assessment {
    let Some(name) = words.first() else {
        return Assessment::new(Level::Low, rule::SHELL_EMPTY, "does nothing");
    };
    let short = name.text.rsplit('/').next().unwrap_or(&name.text);
    let Some(entry) = find(short) else {
        return Assessment::new(
            Level::High,
            rule::PROGRAM_UNKNOWN,
            format!("the policy does not know `{short}`"),
        );
    };
    let call = Call {
        name: short,
        entry,
        words,
        start: 1,
        bases,
        is_built_in,
    };
    let mut assessment = assess_call(&call);
    interpreted::add(&mut assessment, &call);
    assessment
}

/// A call of a known program.
#[derive(Clone, Copy)]
struct Call<'a> {
    /// How it is called in reasons: `git`, `git remote`.
    name: &'a str,
    entry: &'a Entry,
    words: &'a [Word],
    /// Where its arguments start.
    start: usize,
    bases: &'a [String],
    is_built_in: bool,
}

impl<'a> Call<'a> {
    fn args(&self) -> &'a [Word] {
        self.words.get(self.start..).unwrap_or_default()
    }

    /// What the entry says of a plain call.
    fn plain(&self) -> Assessment {
        let entry = self.entry;
        let (rule, reason) = match entry.risk {
            Level::Forbidden => (rule::PROGRAM_FORBIDDEN, "is never run"),
            Level::Low if entry.wraps => (rule::PROGRAM_WRAPPER, "starts another program"),
            Level::Low => (rule::PROGRAM_KNOWN, "looks only"),
            Level::Medium if entry.code => (rule::PROGRAM_CODE, "runs code of the project"),
            Level::Medium => (rule::PROGRAM_KNOWN, "changes files of the workspace"),
            _ if entry.interpreter => (rule::PROGRAM_INTERPRETER, "runs whatever it is given"),
            _ if entry.network => (rule::PROGRAM_KNOWN, "reaches the network"),
            Level::High => (rule::PROGRAM_KNOWN, "may do harm that cannot be undone"),
            Level::Always => (rule::PROGRAM_KNOWN, "changes what starts programs later"),
        };
        let why = entry.why.as_deref().unwrap_or(reason);
        let mut assessment = Assessment::new(entry.risk, rule, format!("`{}` {why}", self.name));
        assessment.network = entry.network;
        assessment.machine = entry.machine;
        assessment.code = entry.code;
        assessment.repository = entry.repository;
        assessment
    }

    /// The call does something that is not known.
    fn unknown(&self, what: &str) -> Assessment {
        let level = self.entry.risk.max(Level::High);
        let mut assessment = Assessment::new(
            level,
            if level == Level::Forbidden {
                rule::PROGRAM_FORBIDDEN
            } else {
                rule::PROGRAM_OPTION
            },
            format!(
                "`{}` with {what}, which is not known to be harmless",
                self.name
            ),
        );
        assessment.network = self.entry.network || self.entry.unknown_network;
        assessment
    }
}

fn assess_call(call: &Call<'_>) -> Assessment {
    let entry = call.entry;
    // Nothing but a question about the program itself.
    let is_question = entry.risk != Level::Forbidden
        && !call.is_built_in
        && call.start == 1
        && matches!(call.args(), [only] if matches!(only.text.as_str(), "--version" | "--help"));
    // What stands for several versions asks the project which one.
    if is_question && entry.code {
        let reason = format!("`{}` may be chosen by the project", call.name);
        let mut assessment = Assessment::new(Level::Medium, rule::PROGRAM_CODE, reason);
        here::add(&mut assessment, call, false);
        return assessment;
    }
    if is_question {
        return Assessment::new(
            Level::Low,
            rule::PROGRAM_KNOWN,
            format!("`{}` tells about itself", call.name),
        );
    }
    match entry.special {
        Some(special) => special::assess(special, call),
        None => arguments::assess(call),
    }
}

#[cfg(test)]
mod tests;
