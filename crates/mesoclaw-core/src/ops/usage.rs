//! Handler of `usage.summary`.

use mesoclaw_api::ops::usage::{SummaryParams, UsageApi, UsageSummary};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, Timestamp, time};
use mesoclaw_store::repo::usage;

use crate::core::Core;
use crate::error::from_store;

const DAY_MS: i64 = 86_400_000;
const MAX_DAYS: u32 = 3650;

impl UsageApi for Core {
    async fn summary(&self, _cx: CallCtx, params: SummaryParams) -> ApiResult<UsageSummary> {
        if params
            .days
            .is_some_and(|days| !(1..=MAX_DAYS).contains(&days))
        {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("`days` must be 1 to {MAX_DAYS}"),
            ));
        }
        let since = params
            .days
            .map(|days| Timestamp::from_unix_ms(time::unix_ms() - i64::from(days) * DAY_MS));
        self.inner
            .store
            .read(move |conn| usage::summary(conn, params.session_id.as_ref(), since.as_ref()))
            .await
            .map_err(from_store)
    }
}
