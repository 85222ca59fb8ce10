//! Questions of a turn that wait for a person.

use std::time::Duration;

use mesoclaw_agent::turn::{Call, Event};
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{ApprovalId, CallId, Event as ApiEvent, Timestamp};
use tokio::time::Instant;

use crate::session::teller::Step;
use crate::session::turn::RunningTurn;
use crate::session::write::Write;

/// A question that waits.
pub(super) struct OpenApproval {
    pub(super) id: ApprovalId,
    pub(super) deadline: Instant,
}

impl RunningTurn {
    pub(super) fn open_approval(&mut self, call: Call, reason: String, steps: &mut Vec<Step>) {
        let timeout = Duration::from_secs(self.config.config.approval_timeout_secs.into());
        let approval = Approval {
            id: ApprovalId::random(),
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            risk: self.tools.risk(&call),
            call_id: call.call_id.clone(),
            tool: call.tool,
            args: call.args,
            reason,
            requested_at: Timestamp::now(),
            decision: None,
            resolved_at: None,
        };
        self.approvals.insert(
            call.call_id,
            OpenApproval {
                id: approval.id.clone(),
                deadline: Instant::now() + timeout,
            },
        );
        steps.push(Step::from(Write::OpenApproval(approval.clone())));
        steps.push(Step::from(ApiEvent::ApprovalRequested { approval }));
    }

    pub(super) fn withdraw_approval(&mut self, call_id: &CallId, steps: &mut Vec<Step>) {
        let Some(open) = self.approvals.remove(call_id) else {
            return;
        };
        steps.push(Step::from(Write::WithdrawApproval {
            turn_id: self.turn_id.clone(),
            call_id: call_id.clone(),
        }));
        steps.push(Step::from(ApiEvent::ApprovalResolved {
            approval_id: open.id,
            session_id: self.session_id.clone(),
            decision: ApprovalDecision::Denied,
        }));
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
            let decision = ApprovalDecision::TimedOut;
            let resolved = self
                .parts
                .approvals
                .resolve(approval_id.clone(), decision, None)
                .await;
            match resolved {
                Ok(_) => self.feed(
                    Event::ApprovalResolved {
                        call_id,
                        approval_id,
                        decision,
                        reason: None,
                    },
                    steps,
                ),
                // Somebody answered in the same moment: that answer is in the mailbox.
                Err(error) => tracing::debug!(%error, "approval answered while it timed out"),
            }
        }
    }
}
