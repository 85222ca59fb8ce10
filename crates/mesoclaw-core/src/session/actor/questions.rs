//! Questions of turns that were broken off: whether they still count, and what was answered.

use mesoclaw_agent::turn::Event;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{CallId, Item, ItemBody};
use mesoclaw_store::repo::{approval, item};

use crate::session::actor::Actor;
use crate::session::teller::Step;
use crate::session::turn::approvals::withdrawal;

impl Actor {
    /// Whether a call of an earlier turn has no result yet.
    pub(super) async fn is_open(&self, call_id: &CallId) -> bool {
        match self.history().await {
            Ok((history, _)) => is_open(&history, call_id),
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "history not read");
                false
            }
        }
    }

    /// Takes back the questions of a turn that was broken off: a new message goes past it.
    pub(super) async fn left_questions(&mut self) -> Vec<Step> {
        if !std::mem::take(&mut self.may_have_left) {
            return Vec::new();
        }
        let id = self.session_id.clone();
        let open = self
            .parts
            .store
            .read(move |conn| approval::list_open(conn, Some(&id)));
        let open = match open.await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "approvals not read");
                return Vec::new();
            }
        };
        open.into_iter()
            .filter_map(|left| Some((left.turn_id.clone()?, left)))
            .flat_map(|(turn_id, left)| {
                withdrawal(left.id, &self.session_id, &turn_id, &left.call_id)
            })
            .collect()
    }

    /// Stores answers that no turn heard of, because the daemon ended in the moment they were
    /// given: the turn that is taken up acts on them. Nothing has run by them, for a call begins
    /// only once its turn has stored the answer.
    pub(super) async fn hear_answers(&self, decided: Option<&Event>) {
        let now = match decided {
            Some(Event::ApprovalResolved { approval_id, .. }) => Some(approval_id),
            _ => None,
        };
        let (history, answered) = match self.history().await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "answers not read");
                return;
            }
        };
        for unheard in answered {
            let is_heard = now == Some(&unheard.id)
                || history.iter().any(|item| {
                    matches!(&item.body, ItemBody::Approval { approval_id, .. }
                        if *approval_id == unheard.id)
                });
            if is_heard || !is_open(&history, &unheard.call_id) {
                continue;
            }
            self.keep_decision(event_of(unheard)).await;
        }
    }

    /// What a turn of this session would see, and the requests that somebody answered.
    async fn history(&self) -> Result<(Vec<Item>, Vec<Approval>), mesoclaw_store::StoreError> {
        let id = self.session_id.clone();
        let limit = self.parts.config.current();
        let limit = limit.config.context_max_history_messages;
        self.parts
            .store
            .read(move |conn| {
                let history = item::history(conn, &id, limit, None)?;
                let mut answered = approval::list_latest(conn, Some(&id))?;
                answered.retain(|row| row.turn_id.is_some() && row.resolved_by.is_some());
                Ok((history, answered))
            })
            .await
    }
}

/// Whether a call has no result yet.
fn is_open(history: &[Item], call_id: &CallId) -> bool {
    let mut is_open = false;
    for item in history {
        match &item.body {
            ItemBody::ToolCall { call_id: id, .. } if id == call_id => is_open = true,
            ItemBody::ToolResult { call_id: id, .. } if id == call_id => is_open = false,
            _ => {}
        }
    }
    is_open
}

fn event_of(answered: Approval) -> Option<Event> {
    let decision: ApprovalDecision = answered.decision?;
    Some(Event::ApprovalResolved {
        call_id: answered.call_id,
        approval_id: answered.id,
        decision,
        reason: answered.answer_reason,
    })
}
