//! What was used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::SessionId;
use crate::item::Usage;
use crate::macros::operations;

/// Which turns to count.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SummaryParams {
    /// Only of this session.
    pub session_id: Option<SessionId>,
    /// Only turns of the last so many days, 1 to 3,650.
    pub days: Option<u32>,
}

/// Tokens by model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UsageSummary {
    /// All together.
    pub total: Usage,
    /// One row a model, the most used first.
    pub by_model: Vec<ModelUsage>,
}

/// Tokens of one model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelUsage {
    /// `provider:model`.
    pub model: String,
    /// What it used.
    pub usage: Usage,
}

operations! { UsageApi;
    /// Sum up tokens and model calls.
    UsageGetSummary = summary: "usage.summary", Get "/usage", Read, Json, Free, Merge,
        SummaryParams => UsageSummary;
}
