//! Handlers of `usage.*`.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::usage::{BudgetStatus, GroupBy, SummaryParams, UsageApi, UsageSummary};
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
        let since = params.days.map(first_day);
        let by = params.by.unwrap_or(GroupBy::Model);
        let (total, groups) = self
            .inner
            .store
            .read(move |conn| {
                usage::summary(conn, by, params.session_id.as_ref(), since.as_deref())
            })
            .await
            .map_err(from_store)?;
        Ok(UsageSummary {
            total,
            groups,
            budget: self.inner.budget.status().await?,
        })
    }

    async fn budget(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<BudgetStatus> {
        self.inner.budget.status().await
    }
}

/// The first of so many days, today the last.
fn first_day(days: u32) -> String {
    let moment = Timestamp::from_unix_ms(time::unix_ms() - i64::from(days - 1) * DAY_MS);
    let mut day = moment.as_str().to_owned();
    day.truncate(10);
    day
}
