//! Handlers of `audit.*`.

use mesoclaw_api::ops::audit::{
    AuditApi, AuditEntry, GetParams, ListParams, Verified, VerifyParams,
};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode};
use mesoclaw_store::repo::audit;

use crate::core::Core;
use crate::error::from_store;

/// Entries of one answer at most.
const MAX_LIMIT: u32 = 1_000;

impl AuditApi for Core {
    async fn list(&self, _cx: CallCtx, params: ListParams) -> ApiResult<Vec<AuditEntry>> {
        if params
            .limit
            .is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit))
        {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("limit is 1 to {MAX_LIMIT}"),
            ));
        }
        if params.before.is_some() && params.after.is_some() {
            return Err(ApiError::new(
                ErrorCode::Validation,
                "give `before` or `after`, not both",
            ));
        }
        self.inner
            .store
            .read(move |conn| audit::list(conn, &params))
            .await
            .map_err(from_store)
    }

    async fn get(&self, _cx: CallCtx, params: GetParams) -> ApiResult<AuditEntry> {
        self.inner
            .store
            .read(move |conn| audit::get(conn, params.id))
            .await
            .map_err(from_store)?
            .ok_or_else(|| ApiError::not_found("entry of the audit", params.id))
    }

    async fn verify(&self, _cx: CallCtx, params: VerifyParams) -> ApiResult<Verified> {
        self.inner
            .store
            .read(move |conn| audit::verify(conn, params.head.as_deref()))
            .await
            .map_err(from_store)
    }
}
