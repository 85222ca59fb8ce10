//! What was used, what it cost, and how far that may go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::SessionId;
use crate::item::Usage;
use crate::macros::operations;
use crate::ops::NoParams;

/// Which model calls to count.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SummaryParams {
    /// Only of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Only of the last so many days, today included, 1 to 3,650. Days are those of UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// What the groups are; default by model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<GroupBy>,
}

/// What calls are put together by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The day in UTC, the latest first.
    Day,
    /// The session.
    Session,
    /// `provider:model`.
    Model,
    /// The scheduled job; calls of people have none and are left out.
    Job,
}

/// Tokens, money and time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UsageSummary {
    /// All together.
    pub total: Spent,
    /// One row a group; the most expensive first, then the one with the most tokens (days: the
    /// latest first).
    pub groups: Vec<UsageGroup>,
    /// How far today may go.
    pub budget: BudgetStatus,
}

/// What some model calls used.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// Tokens and calls.
    #[serde(flatten)]
    pub usage: Usage,
    /// Price of the calls whose price is known, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Calls whose price is not known.
    pub unpriced_calls: u32,
    /// Calls whose tokens the provider did not tell, so they were estimated.
    pub estimated_calls: u32,
    /// Calls that failed.
    pub failed_calls: u32,
    /// Mean milliseconds of a call that went well to its first token; `None` when there was none.
    pub first_token_ms: Option<u64>,
    /// Mean milliseconds of a call that went well to its end.
    pub latency_ms: Option<u64>,
}

/// A group of model calls.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UsageGroup {
    /// Day, session id, `provider:model` or job id.
    pub key: String,
    /// Name for people: the title of a session that still exists, otherwise the key.
    pub label: String,
    /// What it used.
    #[serde(flatten)]
    pub spent: Spent,
}

/// Limits of a day and what is used of them. Days are those of UTC.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BudgetStatus {
    /// Today.
    pub day: String,
    /// Input and output tokens of today.
    pub used_tokens: u64,
    /// `budget_daily_tokens`.
    pub limit_tokens: Option<u64>,
    /// Money of today, in millionths of a US dollar.
    pub used_microusd: u64,
    /// `budget_daily_usd`, in millionths of a US dollar.
    pub limit_microusd: Option<u64>,
    /// How it stands.
    pub state: BudgetState,
}

/// How a budget stands.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// There is none, or less than 80 % is used.
    Ok,
    /// 80 % or more is used: people are warned, scheduled work is stopped.
    Warning,
    /// All is used: nothing more is asked.
    Exhausted,
}

operations! { UsageApi;
    /// Sum up tokens, cost and time of model calls.
    UsageGetSummary = summary: "usage.summary", Get "/usage", Read, Json, Free, Merge,
        SummaryParams => UsageSummary;
    /// Tell how the budget of today stands.
    UsageGetBudget = budget: "usage.budget", Get "/usage/budget", Read, Json, Free, Merge,
        NoParams => BudgetStatus;
}
