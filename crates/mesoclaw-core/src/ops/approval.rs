//! Handlers of `approval.*`.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Answer, Approval, ApprovalApi, ListParams, ResolveParams};
use mesoclaw_api::{ApiResult, CallCtx};
use mesoclaw_store::repo::approval;

use crate::core::Core;
use crate::error::from_store;
use crate::session::Command;

impl ApprovalApi for Core {
    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<Approval>> {
        self.inner
            .store
            .read(move |conn| approval::list_open(conn, params.session_id.as_ref()))
            .await
            .map_err(from_store)
    }

    async fn resolve(&self, _cx: CallCtx, params: ResolveParams) -> ApiResult<Approval> {
        let decision = match params.answer {
            Answer::Approve => ApprovalDecision::Approved,
            Answer::Deny => ApprovalDecision::Denied,
        };
        let approval = self
            .inner
            .approvals
            .resolve(params.approval_id, decision, params.reason.clone())
            .await?;
        // The actor is started when there is none: after a restart the answer takes the
        // interrupted turn up again.
        let command = Command::Approval {
            call_id: approval.call_id.clone(),
            approval_id: approval.id.clone(),
            decision,
            reason: params.reason,
        };
        self.inner.sessions.send(&approval.session_id, command)?;
        Ok(approval)
    }
}
