//! Requests for approval: rows and events, not blocked calls.

use std::sync::Arc;

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{ApiError, ApiResult, ApprovalId, ErrorCode, Event, Timestamp};
use mesoclaw_store::Store;
use mesoclaw_store::repo::approval::{self, Resolve};

use crate::bus::Bus;
use crate::error::from_store;

/// See the module documentation.
pub(crate) struct Approvals {
    store: Store,
    bus: Arc<Bus>,
}

impl Approvals {
    pub fn new(store: Store, bus: Arc<Bus>) -> Self {
        Self { store, bus }
    }

    /// Writes a decision; the first one wins. Then tells everybody.
    ///
    /// # Errors
    /// `MESO_NOT_FOUND`, or `MESO_CONFLICT` with the decision that was first.
    pub async fn resolve(
        &self,
        approval_id: ApprovalId,
        decision: ApprovalDecision,
        reason: Option<String>,
    ) -> ApiResult<Approval> {
        let id = approval_id.clone();
        let now = Timestamp::now();
        let answer = self
            .store
            .write(move |tx| approval::resolve(tx, &id, decision, reason.as_deref(), &now))
            .await
            .map_err(from_store)?;
        match answer {
            Resolve::Done(approval) => {
                self.bus.publish(Event::ApprovalResolved {
                    approval_id,
                    session_id: approval.session_id.clone(),
                    decision,
                });
                Ok(approval)
            }
            Resolve::AlreadyResolved(approval) => Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "the request was answered before: {}",
                    match approval.decision {
                        Some(ApprovalDecision::Approved) => "approved",
                        Some(ApprovalDecision::Denied) => "denied",
                        Some(ApprovalDecision::TimedOut) | None => "nobody answered in time",
                    }
                ),
            )),
            Resolve::NotFound => Err(ApiError::not_found("request for approval", approval_id)),
        }
    }
}
