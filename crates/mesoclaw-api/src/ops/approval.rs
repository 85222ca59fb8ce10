//! Requests for approval: rows that somebody answers, not calls that block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ApprovalId, CallId, SessionId, TurnId};
use crate::item::ApprovalDecision;
use crate::macros::operations;
use crate::time::Timestamp;

/// How much a call could harm.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Looks only.
    Low,
    /// Changes something that can be changed back.
    Medium,
    /// Changes something for good, or reaches outside.
    High,
}

/// A call that waits for a person, or did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// The session.
    pub session_id: SessionId,
    /// The turn.
    pub turn_id: TurnId,
    /// The call.
    pub call_id: CallId,
    /// Name of the tool.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// How much it could harm.
    pub risk: Risk,
    /// Why it asks.
    pub reason: String,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// What was decided; `None` while it waits.
    pub decision: Option<ApprovalDecision>,
    /// When it was decided.
    pub resolved_at: Option<Timestamp>,
}

/// Which requests.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParams {
    /// Only of this session.
    pub session_id: Option<SessionId>,
}

/// An answer of a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Let it run, this once.
    Approve,
    /// Do not.
    Deny,
}

/// Answer a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveParams {
    /// The request.
    pub approval_id: ApprovalId,
    /// The answer.
    pub answer: Answer,
    /// Why not: the model sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

operations! { ApprovalApi;
    /// List the requests that wait for an answer, oldest first.
    ApprovalList = list: "approval.list", Get "/approvals", Read, Json, Free, Merge,
        ListParams => Vec<Approval>;
    /// Answer a request; the first answer wins, a later one gets `MESO_CONFLICT`.
    ApprovalResolve = resolve: "approval.resolve", Post "/approvals/{approval_id}/resolve", Owner, Json, Free, Merge,
        ResolveParams => Approval;
}
