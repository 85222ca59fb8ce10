//! What a session and this day cost: `/usage`, and the line below an answer whose price is known.

use mesoclaw_api::Usage;
use mesoclaw_api::ops::usage::{Spent, SummaryParams, UsageGetSummary};

use crate::cmd::usage::{budget_text, footer, spent_in, spent_text};
use crate::exit::CliResult;
use crate::run::chat::Chat;

impl Chat {
    /// `/usage`
    pub(super) async fn count_usage(&mut self) -> CliResult<()> {
        let params = SummaryParams {
            session_id: Some(self.current()?),
            ..SummaryParams::default()
        };
        let usage = self.conversation.call::<UsageGetSummary>(params).await?;
        self.editor.print(&format!(
            "session: {}\n{}\n",
            spent_text(&usage.total),
            budget_text(&usage.budget)
        ))
    }

    /// What the session spent until now; `None` where nobody looks or nobody can say.
    pub(super) async fn spent(&self) -> Option<Spent> {
        if !self.editor.is_terminal() {
            return None;
        }
        let session_id = self.conversation.session_id.as_ref();
        spent_in(&self.conversation.link.client, session_id)
            .await
            .ok()
    }

    /// The line below an answer.
    pub(super) async fn tell_cost(&mut self, usage: &Usage, before: &Spent) -> CliResult<()> {
        let Some(after) = self.spent().await else {
            return Ok(());
        };
        match footer(usage, before, &after) {
            Some(footer) => self.editor.print(&format!("({})\n", footer.text())),
            None => Ok(()),
        }
    }
}
