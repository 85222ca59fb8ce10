//! Questions of a turn that wait for a person.

use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::policy::Verdict;
use mesoclaw_agent::turn::{Call, Event};
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::ApprovalScope;
use mesoclaw_api::{
    ApprovalId, CallId, ErrorCode, Event as ApiEvent, SessionId, Surface, Timestamp, TurnId,
};
use tokio::time::Instant;

use crate::approvals::{Answered, request};
use crate::session::teller::Step;
use crate::session::turn::RunningTurn;
use crate::session::write::CallWrite;
use crate::tools::judge::{Asked, Judged};

/// A question that waits.
pub(super) struct OpenApproval {
    pub(super) id: ApprovalId,
    pub(super) deadline: Instant,
}

impl RunningTurn {
    pub(super) fn open_approval(&mut self, call: &Call, reason: String, steps: &mut Vec<Step>) {
        let timeout = Duration::from_secs(self.config.config.approval_timeout_secs.into());
        // The verdict that asks was kept a moment ago.
        let Some(asked) = self.judged.get(&call.call_id) else {
            return;
        };
        let keys = &self.parts.calls.keys;
        let mut approval = request(&asked.call.judged, asked.call.diff.clone(), reason, keys);
        approval.session_id = Some(self.session_id.clone());
        approval.turn_id = Some(self.turn_id.clone());
        approval.call_id = call.call_id.clone();
        approval.expires_at = Some(Timestamp::now().plus(timeout));
        self.approvals.insert(
            call.call_id.clone(),
            OpenApproval {
                id: approval.id.clone(),
                deadline: Instant::now() + timeout,
            },
        );
        let approval = Box::new(approval);
        steps.push(Step::from(CallWrite::OpenApproval(approval.clone())));
        steps.push(Step::from(ApiEvent::ApprovalRequested { approval }));
    }

    pub(super) fn withdraw_approval(&mut self, call_id: &CallId, steps: &mut Vec<Step>) {
        if let Some(open) = self.approvals.remove(call_id) {
            let (session_id, turn_id) = (&self.session_id, &self.turn_id);
            steps.extend(withdrawal(open.id, session_id, turn_id, call_id));
        }
    }

    /// Takes back everything that waits.
    pub(super) fn withdrawals(&self) -> impl Iterator<Item = Step> {
        self.approvals.iter().flat_map(|(call_id, open)| {
            withdrawal(open.id.clone(), &self.session_id, &self.turn_id, call_id)
        })
    }

    /// A grant was stored: it answers the questions that it covers.
    pub async fn reconsider(&mut self, by: Surface, scope: ApprovalScope) {
        let waiting: Vec<(CallId, ApprovalId)> = self
            .approvals
            .iter()
            .map(|(call_id, open)| (call_id.clone(), open.id.clone()))
            .collect();
        let mut steps = Vec::new();
        for (call_id, approval_id) in waiting {
            let Some(judged) = self.covered(&call_id).await else {
                continue;
            };
            let answer = Answered {
                decision: ApprovalDecision::Approved,
                reason: None,
                by,
                scope,
                grants: Vec::new(),
            };
            // The row may still be on its way to the disk.
            self.teller.flushed().await;
            let resolved = self.parts.approvals.resolve(approval_id.clone(), answer);
            if resolved.await.is_err() {
                // Somebody answered in the same moment: that answer is in the mailbox.
                continue;
            }
            self.approvals.remove(&call_id);
            if let Some(kept) = self.judged.get_mut(&call_id) {
                kept.call.judged = judged;
            }
            let event = Event::ApprovalResolved {
                call_id,
                approval_id,
                decision: ApprovalDecision::Approved,
                reason: None,
            };
            self.feed(event, &mut steps);
        }
        self.teller.put(steps).await;
    }

    /// The verdict on a call that waits, if grants let it run as it is.
    async fn covered(&mut self, call_id: &CallId) -> Option<Judged> {
        let kept = self.judged.get(call_id)?;
        let digest = kept.call.judged.decision.digest.clone();
        let taint = kept.asked.taint.clone().or_else(|| self.taint.clone());
        let asked = Asked {
            taint,
            ..kept.asked.clone()
        };
        let toolbox = Arc::clone(&self.parts.toolbox);
        let judged = toolbox.judge(&asked).await.ok()?;
        let is_allowed = matches!(judged.decision.verdict, Verdict::Allow { .. });
        let is_same = judged.decision.digest == digest;
        (is_allowed && is_same).then_some(judged)
    }

    pub(super) async fn time_out_approvals(&mut self, steps: &mut Vec<Step>) {
        let now = Instant::now();
        let due: Vec<(CallId, ApprovalId)> = self
            .approvals
            .iter()
            .filter(|(_, open)| open.deadline <= now)
            .map(|(call_id, open)| (call_id.clone(), open.id.clone()))
            .collect();
        // The row may still be on its way to the disk.
        self.teller.flushed().await;
        for (call_id, approval_id) in due {
            self.approvals.remove(&call_id);
            let answer = Answered::timed_out(Surface::Internal);
            let decision = answer.decision;
            let resolved = self
                .parts
                .approvals
                .resolve(approval_id.clone(), answer)
                .await;
            if let Err(error) = resolved {
                tracing::debug!(%error, "approval not timed out");
                if error.code == ErrorCode::Conflict {
                    // Somebody answered in the same moment: that answer is in the mailbox.
                    continue;
                }
            }
            let event = Event::ApprovalResolved {
                call_id,
                approval_id,
                decision,
                reason: None,
            };
            self.feed(event, steps);
        }
    }
}

/// Takes a request back: its call is over.
pub(crate) fn withdrawal(
    approval_id: ApprovalId,
    session_id: &SessionId,
    turn_id: &TurnId,
    call_id: &CallId,
) -> [Step; 2] {
    [
        Step::from(CallWrite::WithdrawApproval {
            turn_id: turn_id.clone(),
            call_id: call_id.clone(),
        }),
        Step::from(ApiEvent::ApprovalResolved {
            approval_id,
            session_id: Some(session_id.clone()),
            decision: ApprovalDecision::Denied,
            by: None,
        }),
    ]
}
