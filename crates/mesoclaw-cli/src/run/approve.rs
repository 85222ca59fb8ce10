//! The plain numbered prompt for a call that needs a yes: lines in, an answer out. Pure; reading
//! fresh lines is in `approve/asker.rs`, waiting for them in `approve/dialog.rs`.
//!
//! Invariant: only a line that is exactly one of the choices lets something run. An empty line, the
//! end of the input and everything else does not.

pub mod asker;
pub mod dialog;
pub mod on_stderr;

use mesoclaw_api::ops::approval::{Answer, Approval, ApprovalScope, ResolveParams};
use mesoclaw_api::ops::grant::Tested;

use crate::cli::parse_span;
use crate::output::push;
use crate::request::push_field;
use crate::sanitise::visible;

/// From so many columns on the choices stand in fewer lines.
const WIDE: usize = 78;

/// Calls of the past a preview names.
const PAST_SHOWN: usize = 5;

/// What a person answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// For how much it counts.
    pub scope: ApprovalScope,
    /// Patterns of the grants; `None` = no grant.
    pub patterns: Option<Vec<String>>,
    /// Why not.
    pub reason: Option<String>,
    /// When the grants end.
    pub expires_in_secs: Option<u64>,
}

impl Reply {
    /// No, with or without a reason.
    pub fn deny(reason: Option<String>) -> Self {
        Self {
            answer: Answer::Deny,
            scope: ApprovalScope::Once,
            patterns: None,
            reason,
            expires_in_secs: None,
        }
    }

    fn allow(scope: ApprovalScope, patterns: Option<Vec<String>>, secs: Option<u64>) -> Self {
        Self {
            answer: Answer::Approve,
            scope,
            patterns,
            reason: None,
            expires_in_secs: secs,
        }
    }

    /// The answer to this request as it was shown.
    pub fn params(self, approval: &Approval) -> ResolveParams {
        ResolveParams {
            approval_id: approval.id.clone(),
            answer: self.answer,
            reason: self.reason,
            scope: self.scope,
            patterns: self.patterns,
            expires_in_secs: self.expires_in_secs,
            digest: Some(approval.digest.clone()),
        }
    }
}

/// What follows from a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Say this, then ask again.
    Again(String),
    /// Show the request with everything, then ask again.
    ShowAll,
    /// Tell what the patterns would allow, then ask again.
    Preview,
    /// That is the answer.
    Answer(Reply),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Choosing,
    Editing { at: usize },
    Placing,
}

/// A question that is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    state: State,
    patterns: Vec<String>,
}

impl Question {
    /// The question about a request.
    pub fn new(approval: &Approval) -> Self {
        Self {
            state: State::Choosing,
            patterns: approval.patterns.clone(),
        }
    }

    /// The patterns as they are now.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// The choices, for lines of `width` characters.
    pub fn choices(&self, width: usize) -> String {
        let text = match self.state {
            State::Choosing if self.patterns.is_empty() => {
                "  1 allow once  5 deny  6 show all\n  (5 WHY tells the model why not)\n"
            }
            State::Choosing if width >= WIDE => {
                "  1 allow once  2 allow this session  3 always (shows rule)  4 edit  5 deny\n  \
                 6 show all  (5 WHY tells the model why not)\n"
            }
            State::Choosing => {
                "  1 allow once  2 allow this session\n  3 always (shows rule)  4 edit  5 deny\n  \
                 6 show all\n  (5 WHY tells the model why not)\n"
            }
            State::Editing { .. } => "  (type another rule; Enter keeps it)\n",
            State::Placing => {
                "  1 this session  2 this project\n  3 everywhere  4 back\n  \
                 (1 2h ends it after two hours)\n"
            }
        };
        text.to_owned()
    }

    /// What stands in front of the line.
    pub fn prompt(&self) -> String {
        match self.state {
            State::Choosing => "choice [5]: ".to_owned(),
            State::Placing => "where [4]: ".to_owned(),
            State::Editing { at } => {
                let pattern = self.patterns.get(at).map(|pattern| visible(pattern));
                format!(
                    "rule [{}]: ",
                    pattern.unwrap_or_default().replace('\n', "^J")
                )
            }
        }
    }

    /// Takes a line.
    pub fn take(&mut self, line: &str) -> Step {
        let line = line.trim();
        match self.state {
            State::Choosing => self.choose(line),
            State::Editing { at } => self.edit(at, line),
            State::Placing => self.place(line),
        }
    }

    /// More than one line came at once: it was pasted, and nobody read the question before.
    pub fn take_several() -> Step {
        Step::Again("(several lines came at once: none was taken)\n".to_owned())
    }

    fn choose(&mut self, line: &str) -> Step {
        let (number, rest) = split(line);
        match number {
            "" => Step::Answer(Reply::deny(None)),
            "1" if rest.is_empty() => Step::Answer(Reply::allow(ApprovalScope::Once, None, None)),
            "5" | "n" | "no" | "deny" => Step::Answer(Reply::deny(reason(rest))),
            "6" if rest.is_empty() => Step::ShowAll,
            "2" | "3" | "4" if self.patterns.is_empty() => {
                Step::Again("(no rule can cover this call: 1 allows it this once)\n".to_owned())
            }
            "2" => self.grant(ApprovalScope::Session, rest),
            "3" if rest.is_empty() => {
                self.state = State::Placing;
                Step::Preview
            }
            "4" if rest.is_empty() => {
                self.state = State::Editing { at: 0 };
                Step::Again(String::new())
            }
            _ => Step::Again(
                "(that is none of the choices: a number from 1 to 6, or Enter to deny)\n"
                    .to_owned(),
            ),
        }
    }

    fn edit(&mut self, at: usize, line: &str) -> Step {
        if let (Some(pattern), false) = (self.patterns.get_mut(at), line.is_empty()) {
            line.clone_into(pattern);
        }
        if at + 1 < self.patterns.len() {
            self.state = State::Editing { at: at + 1 };
            return Step::Again(String::new());
        }
        self.state = State::Placing;
        Step::Preview
    }

    fn place(&mut self, line: &str) -> Step {
        let (number, rest) = split(line);
        match number {
            "1" => self.grant(ApprovalScope::Session, rest),
            "2" => self.grant(ApprovalScope::Project, rest),
            "3" => self.grant(ApprovalScope::Always, rest),
            "" | "4" => {
                self.state = State::Choosing;
                Step::Again(String::new())
            }
            _ => Step::Again(
                "(that is none of the choices: a number from 1 to 4, or Enter to go back)\n"
                    .to_owned(),
            ),
        }
    }

    fn grant(&self, scope: ApprovalScope, rest: &str) -> Step {
        let span = rest.strip_prefix("for ").unwrap_or(rest).trim();
        if span.is_empty() {
            return Step::Answer(Reply::allow(scope, Some(self.patterns.clone()), None));
        }
        match parse_span(span) {
            Ok(secs) => Step::Answer(Reply::allow(scope, Some(self.patterns.clone()), Some(secs))),
            Err(error) => Step::Again(format!("(`{}`: {error})\n", visible(span))),
        }
    }
}

/// What patterns would allow, for lines of `width` characters.
pub fn preview_text(pattern: &str, tested: &Tested, width: usize) -> String {
    let mut text = String::new();
    push_field(&mut text, "rule: ", pattern, width);
    for sentence in &tested.allows {
        push_field(&mut text, "  allows: ", sentence, width);
    }
    for call in tested.past.iter().take(PAST_SHOWN) {
        push_field(&mut text, "  before: ", call, width);
    }
    if let Some(more) = tested.past.len().checked_sub(PAST_SHOWN).filter(|n| *n > 0) {
        push(
            &mut text,
            format_args!("    ({more} more calls of the past)\n"),
        );
    }
    text
}

fn split(line: &str) -> (&str, &str) {
    match line.split_once(char::is_whitespace) {
        Some((number, rest)) => (number, rest.trim()),
        None => (line, ""),
    }
}

fn reason(rest: &str) -> Option<String> {
    let rest = match rest.split_once(char::is_whitespace) {
        Some(("because", why)) => why.trim(),
        Some(_) | None => rest,
    };
    (!rest.is_empty()).then(|| rest.to_owned())
}

#[cfg(test)]
mod tests;
