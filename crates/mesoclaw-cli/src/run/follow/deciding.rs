//! The part of following a turn that asks somebody: one request after the other, each once.

use std::collections::BTreeSet;

use mesoclaw_api::ops::approval::{Approval, ApprovalResolve, Resolution};
use mesoclaw_api::{ApprovalId, ErrorCode};

use crate::exit::CliResult;
use crate::output::short_id;
use crate::run::approve::Reply;
use crate::run::approve::dialog::{Decided, decide};
use crate::run::conversation::is_lost;
use crate::run::follow::Follower;
use crate::run::stops::Stop;
use crate::run::view::Show;

/// What a model is told where nobody can be asked.
const NOBODY: &str = "nobody can be asked: the answer goes to a pipe";

impl Follower<'_> {
    /// Decides about the requests among what was shown. True = the person wants out.
    pub(super) async fn decide_all(&mut self, shows: &[Show]) -> CliResult<bool> {
        let closed: BTreeSet<&ApprovalId> = shows
            .iter()
            .filter_map(|show| match show {
                Show::Decided { approval_id, .. } => Some(approval_id),
                _ => None,
            })
            .collect();
        for show in shows {
            if let Show::Approval(approval) = show
                && !closed.contains(&approval.id)
                && self.asked.insert(approval.id.clone())
                && self.decide(approval).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Decides about one request. True = the person wants out.
    ///
    /// # Errors
    /// The terminal is gone, or the answer was refused.
    pub async fn decide(&mut self, approval: &Approval) -> CliResult<bool> {
        let decided = match &mut self.audience.judge {
            None => Decided::Here(Reply::deny(Some(NOBODY.to_owned()))),
            Some(judge) => {
                decide(
                    self.conversation,
                    &mut self.kept,
                    self.audience.stops,
                    *judge,
                    approval,
                )
                .await?
            }
        };
        match decided {
            Decided::Here(reply) => self.answer(approval, reply).await?,
            Decided::Elsewhere => {}
            Decided::Lost => {
                self.asked.remove(&approval.id);
            }
            Decided::Stopped(stop) => {
                let has_turn = self.view.is_some();
                let wants_out = self.stopped(stop).await;
                if has_turn {
                    // The stop takes the question back by itself where it arrives first.
                    let params = Reply::deny(None).params(approval);
                    self.conversation.call::<ApprovalResolve>(params).await.ok();
                }
                return Ok(wants_out || stop == Stop::Terminate);
            }
        }
        Ok(false)
    }

    async fn answer(&mut self, approval: &Approval, reply: Reply) -> CliResult<()> {
        let params = reply.params(approval);
        match self.conversation.call::<ApprovalResolve>(params).await {
            Ok(resolved) => self.tell_grants(&resolved),
            // Somebody else was first, or the turn is over: the event tells what counts.
            Err(error) if matches!(error.code, ErrorCode::Conflict | ErrorCode::NotFound) => {
                self.tell(&error.message)
            }
            // The next news is that the connection is lost; the question comes again after it.
            Err(error) if is_lost(error.code) => {
                self.asked.remove(&approval.id);
                Ok(())
            }
            // A rule that cannot be stored: the request is still open and is asked about again.
            Err(error)
                if matches!(error.code, ErrorCode::Validation | ErrorCode::InvalidParams) =>
            {
                self.tell(&error.message)?;
                Box::pin(self.decide(approval)).await.map(|_| ())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn tell_grants(&mut self, resolved: &Resolution) -> CliResult<()> {
        for id in &resolved.grants {
            self.tell(&format!(
                "stored as a grant; `mesoclaw grant revoke {}` ends it",
                short_id(id.as_str())
            ))?;
        }
        Ok(())
    }

    fn tell(&mut self, text: &str) -> CliResult<()> {
        match &mut self.audience.judge {
            Some(judge) if judge.is_present() => judge.say(&format!("({text})\n")),
            Some(_) | None => Ok(()),
        }
    }
}
