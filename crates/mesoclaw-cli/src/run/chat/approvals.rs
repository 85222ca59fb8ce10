//! Calls that wait for an answer, what a turn changed, and the rules: the slash commands about what
//! the agent may do.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::approval::{Approval, ApprovalList, ListParams};
use mesoclaw_api::ops::checkpoint::{CheckpointUndo, UndoParams};
use mesoclaw_api::ops::policy::PolicyShow;
use mesoclaw_api::ops::session::{SessionGet, SessionParams, SessionState};

use crate::cmd::policy::summary;
use crate::cmd::undo;
use crate::exit::CliResult;
use crate::run::chat::{Chat, Flow};
use crate::sanitise::visible;
use crate::workspace;

impl Chat {
    /// `/approvals`: asks about what waits in this session, one after the other.
    pub(super) async fn answer_waiting(&mut self) -> CliResult<Flow> {
        let session_id = self.current()?;
        let waiting = self.waiting().await?;
        if waiting.is_empty() {
            self.editor.print("(nothing waits for an answer)\n")?;
            return Ok(Flow::Go);
        }
        for approval in &waiting {
            let wants_out = self
                .with_follower_for(async |follower| follower.decide(approval).await)
                .await?;
            if wants_out {
                return Ok(Flow::Go);
            }
        }
        // An answer takes up a turn that was broken off.
        let detail = self
            .conversation
            .call::<SessionGet>(SessionParams { session_id })
            .await?;
        match detail.summary.state {
            SessionState::Running | SessionState::Waiting => self.watch_running().await,
            SessionState::Idle | SessionState::Interrupted => Ok(Flow::Go),
        }
    }

    /// Says how many calls wait for an answer, when some do.
    pub(super) async fn tell_waiting(&mut self) -> CliResult<()> {
        let waiting = self.waiting().await?;
        let text = match waiting.len() {
            0 => return Ok(()),
            1 => "(a call waits for an answer: /approvals)\n".to_owned(),
            count => format!("({count} calls wait for an answer: /approvals)\n"),
        };
        self.editor.print(&text)
    }

    async fn waiting(&self) -> CliResult<Vec<Approval>> {
        let params = ListParams {
            session_id: self.conversation.session_id.clone(),
            include_resolved: false,
        };
        Ok(self.conversation.call::<ApprovalList>(params).await?)
    }

    /// `/undo`
    pub(super) async fn undo(&mut self) -> CliResult<()> {
        let params = UndoParams {
            session_id: self.current()?,
            turn_id: None,
            dry_run: false,
        };
        let undone = self.conversation.call::<CheckpointUndo>(params).await?;
        self.editor.print(&undo::report(&undone, false))
    }

    /// `/policy`
    pub(super) async fn tell_policy(&mut self) -> CliResult<()> {
        let policy = self.conversation.call::<PolicyShow>(NoParams {}).await?;
        self.editor.print(&summary(&policy))
    }

    /// `/workspace`
    pub(super) async fn tell_workspace(&mut self) -> CliResult<()> {
        let text = match self.conversation.session_id.clone() {
            Some(session_id) => {
                let params = SessionParams { session_id };
                let detail = self.conversation.call::<SessionGet>(params).await?;
                workspace::text(detail.summary.session.workspace.as_ref())
            }
            None => workspace::here().map_or_else(
                || workspace::text(None),
                |here| format!("{} (from the first message on)", visible(&here)),
            ),
        };
        self.editor.print(&format!("workspace: {text}\n"))
    }
}
