//! Asks somebody about one request and waits for the answer: of the person here, of somebody
//! elsewhere, or for a stop. What else happens meanwhile is kept for later.

use std::collections::VecDeque;

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::ops::grant::{GrantTest, TestParams};
use mesoclaw_api::{ApprovalId, BoxFuture, Event, Surface, TurnId};
use mesoclaw_ipc::Client;

use crate::exit::CliResult;
use crate::output::error_text;
use crate::request::{Extent, body, headline};
use crate::run::approve::asker::Typed;
use crate::run::approve::{Question, Reply, Step, preview_text};
use crate::run::conversation::{Conversation, News};
use crate::run::stops::{Stop, Stops};

/// Most pieces of news that are kept while a question is open. What does not fit is read again.
const MOST_KEPT: usize = 4096;

/// Somebody who decides about requests.
pub trait Judge: Send {
    /// Whether there is a person. Without one every answer is no.
    fn is_present(&self) -> bool;

    /// Shows text.
    ///
    /// # Errors
    /// The reader of the output is gone.
    fn say(&mut self, text: &str) -> CliResult<()>;

    /// How many columns a line may have.
    fn columns(&self) -> usize;

    /// Shows a prompt and begins to read; what was typed before does not count.
    ///
    /// # Errors
    /// Nothing can be read.
    fn ask(&mut self, prompt: String) -> CliResult<()>;

    /// What is typed. Cancel safe.
    fn next(&mut self) -> BoxFuture<'_, Typed>;

    /// Takes the prompt back.
    fn withdraw(&mut self) -> BoxFuture<'_, ()>;
}

/// How a question ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decided {
    /// The person here answered.
    Here(Reply),
    /// It needs no answer any more: somebody else gave one, or its turn ended.
    Elsewhere,
    /// The connection ended; the question comes again.
    Lost,
    /// A stop from outside.
    Stopped(Stop),
}

/// Asks about one request.
///
/// # Errors
/// The terminal is gone.
pub async fn decide(
    conversation: &mut Conversation,
    kept: &mut VecDeque<News>,
    stops: &mut Stops,
    judge: &mut dyn Judge,
    approval: &Approval,
) -> CliResult<Decided> {
    if kept.iter().any(|news| closing(news, approval).is_some()) {
        return Ok(Decided::Elsewhere);
    }
    if !judge.is_present() {
        let reason = "nobody can be asked: the input is no terminal";
        return Ok(Decided::Here(Reply::deny(Some(reason.to_owned()))));
    }
    let width = judge.columns();
    judge.say(&headline(approval, width))?;
    judge.say(&body(approval, Extent::AtPrompt, width))?;
    let mut question = Question::new(approval);
    judge.say(&question.choices(width))?;
    judge.ask(question.prompt())?;
    loop {
        let typed = tokio::select! {
            biased;
            stop = stops.next() => {
                judge.withdraw().await;
                judge.say("\n")?;
                return Ok(Decided::Stopped(stop));
            }
            news = conversation.next() => {
                let closed = closing(&news, approval);
                let is_lost = matches!(news, News::Lost);
                keep(kept, news);
                if is_lost {
                    judge.withdraw().await;
                    judge.say("\n")?;
                    return Ok(Decided::Lost);
                }
                if let Some(note) = closed {
                    judge.withdraw().await;
                    judge.say(&format!("\n({note})\n"))?;
                    return Ok(Decided::Elsewhere);
                }
                continue;
            }
            typed = judge.next() => typed,
        };
        let step = match typed {
            Typed::Line(line) => question.take(&line),
            Typed::Several => Question::take_several(),
            Typed::End | Typed::Withdrawn => Step::Answer(Reply::deny(None)),
        };
        match step {
            Step::Answer(reply) => return Ok(Decided::Here(reply)),
            Step::Again(text) => judge.say(&text)?,
            Step::ShowAll => judge.say(&body(approval, Extent::Whole, width))?,
            Step::Preview => {
                let text = preview(&conversation.link.client, approval, &question, width).await;
                judge.say(&text)?;
            }
        }
        judge.say(&question.choices(width))?;
        judge.ask(question.prompt())?;
    }
}

/// What the patterns of a question would allow, in words.
pub async fn preview(
    client: &Client,
    approval: &Approval,
    question: &Question,
    width: usize,
) -> String {
    let mut text = String::new();
    for pattern in question.patterns() {
        let params = TestParams {
            tool: Some(approval.tool.clone()),
            pattern: pattern.clone(),
            command: None,
            args: None,
            workspace: None,
            session_id: approval.session_id.clone(),
        };
        match client.call::<GrantTest>(params).await {
            Ok(tested) => text.push_str(&preview_text(pattern, &tested, width)),
            Err(error) => {
                text.push_str(&error_text(&error));
                text.push('\n');
            }
        }
    }
    text
}

/// Who answered, in words; `None` when these news do not close the question.
fn closing(news: &News, approval: &Approval) -> Option<String> {
    let News::Event(frame) = news else {
        return None;
    };
    closing_event(&frame.event, &approval.id, approval.turn_id.as_ref())
}

fn closing_event(event: &Event, id: &ApprovalId, turn: Option<&TurnId>) -> Option<String> {
    match event {
        Event::ApprovalResolved {
            approval_id,
            decision,
            by,
            ..
        } if approval_id == id => Some(elsewhere_text(*decision, *by)),
        Event::TurnFinished { turn_id, .. } if Some(turn_id) == turn => {
            Some("the turn ended; the question is closed".to_owned())
        }
        _ => None,
    }
}

/// An answer that was given elsewhere.
pub fn elsewhere_text(decision: ApprovalDecision, by: Option<Surface>) -> String {
    let what = match decision {
        ApprovalDecision::Approved => "allowed",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => return "nobody answered in time: denied".to_owned(),
    };
    match by.map(place) {
        Some(place) => format!("{what} {place}"),
        None => what.to_owned(),
    }
}

fn place(surface: Surface) -> &'static str {
    match surface {
        Surface::Tui => "in the full-screen interface",
        Surface::Cli => "on another command line",
        Surface::Pipe => "in a pipe",
        Surface::Http => "over HTTP",
        Surface::Tool | Surface::Job | Surface::Internal => "by the daemon",
    }
}

/// Keeps news for later; too many become the order to read what is stored.
fn keep(kept: &mut VecDeque<News>, news: News) {
    if kept.len() >= MOST_KEPT {
        kept.clear();
        kept.push_back(News::Lagged);
    }
    kept.push_back(news);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_this_request_closes_its_question() {
        let resolved = |id: &str, decision, by| Event::ApprovalResolved {
            approval_id: id.into(),
            session_id: Some("s".into()),
            decision,
            by,
        };
        let ended = |turn: &str| Event::TurnFinished {
            session_id: "s".into(),
            turn_id: turn.into(),
            outcome: mesoclaw_api::TurnOutcome::Cancelled,
            usage: mesoclaw_api::Usage::default(),
        };
        for (event, expected) in [
            (
                resolved("a", ApprovalDecision::Approved, Some(Surface::Tui)),
                Some("allowed in the full-screen interface"),
            ),
            (
                resolved("a", ApprovalDecision::Denied, Some(Surface::Cli)),
                Some("denied on another command line"),
            ),
            (
                resolved("a", ApprovalDecision::TimedOut, None),
                Some("nobody answered in time: denied"),
            ),
            (resolved("b", ApprovalDecision::Approved, None), None),
            (ended("t"), Some("the turn ended; the question is closed")),
            (ended("u"), None),
        ] {
            let note = closing_event(&event, &"a".into(), Some(&"t".into()));
            assert_eq!(note.as_deref(), expected, "{event:?}");
        }
        assert_eq!(closing_event(&ended("t"), &"a".into(), None), None);
    }

    #[test]
    fn news_that_do_not_fit_become_the_order_to_read_again() {
        let mut kept = VecDeque::new();
        for _ in 0..=MOST_KEPT {
            keep(&mut kept, News::Lost);
        }
        assert_eq!(kept.len(), 2);
        assert!(matches!(kept.front(), Some(News::Lagged)));
    }
}
