//! Requests for approval: rows that somebody answers, not calls that block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::caller::Surface;
use crate::ids::{ApprovalId, CallId, GrantId, SessionId, TurnId};
use crate::item::ApprovalDecision;
use crate::macros::operations;
use crate::ops::grant::GrantScope;
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

/// One part of what a call would do: a stage of a command line, a file, an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What it would do, as one line: `rm -rf target`, `write src/main.rs`.
    pub what: String,
    /// How much that could harm.
    pub risk: Risk,
    /// Id of the rule that judged it; `policy.show` explains them.
    pub rule: String,
    /// Why, in words.
    pub reason: String,
    /// The program that would run, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// A call that waits for a person, or did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// The session; `None` for a tool that was run by itself.
    pub session_id: Option<SessionId>,
    /// The turn; `None` for a tool that was run by itself.
    pub turn_id: Option<TurnId>,
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
    /// Id of the rule that asks.
    pub rule: String,
    /// The parts it consists of, each judged.
    pub steps: Vec<Step>,
    /// The directory it would run in.
    pub cwd: String,
    /// Whether it could use the network.
    pub network: bool,
    /// What keeps the call inside its bounds, or that nothing does.
    pub sandbox: String,
    /// What would change in files, as a unified diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Patterns a grant for this call would have; a person may edit them.
    pub patterns: Vec<String>,
    /// SHA-256 over tool, arguments, directory, environment, programs and files. Something else
    /// than what was shown is not run.
    pub digest: String,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it counts as denied; `None` while its turn is broken off.
    pub expires_at: Option<Timestamp>,
    /// What was decided; `None` while it waits.
    pub decision: Option<ApprovalDecision>,
    /// When it was decided.
    pub resolved_at: Option<Timestamp>,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<Surface>,
    /// For how much it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ApprovalScope>,
    /// What the person said with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_reason: Option<String>,
}

/// Which requests.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParams {
    /// Only of this session.
    pub session_id: Option<SessionId>,
    /// Also those that were answered; the newest 200 then.
    pub include_resolved: bool,
}

/// Name a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetParams {
    /// The request: its id, or an unambiguous beginning of at least 4 characters.
    pub approval_id: ApprovalId,
}

/// An answer of a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Let it run.
    Approve,
    /// Do not.
    Deny,
}

/// For how much an approval counts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalScope {
    /// This call.
    #[default]
    Once,
    /// Calls like it in this session.
    Session,
    /// Calls like it in this workspace.
    Project,
    /// Calls like it everywhere.
    Always,
}

impl ApprovalScope {
    /// The scope of the grant that is stored; `None` when nothing is.
    pub fn grant(self) -> Option<GrantScope> {
        match self {
            Self::Once => None,
            Self::Session => Some(GrantScope::Session),
            Self::Project => Some(GrantScope::Project),
            Self::Always => Some(GrantScope::Always),
        }
    }
}

/// Answer a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveParams {
    /// The request: its id, or an unambiguous beginning of at least 4 characters.
    pub approval_id: ApprovalId,
    /// The answer.
    pub answer: Answer,
    /// Why not: the model sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how much an approval counts; others than `once` store grants.
    #[serde(default)]
    pub scope: ApprovalScope,
    /// Patterns of those grants; without them, the ones of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<Vec<String>>,
    /// The grants end after so many seconds; without it, with their scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_secs: Option<u64>,
    /// The digest that was looked at; a request with another one is not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The answer, as it was stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Resolution {
    /// The request.
    pub approval: Approval,
    /// Grants that were stored with it.
    pub grants: Vec<GrantId>,
}

operations! { ApprovalApi;
    /// List the requests that wait for an answer, oldest first.
    ApprovalList = list: "approval.list", Get "/approvals", Read, Json, Free, Merge,
        ListParams => Vec<Approval>;
    /// Read one request.
    ApprovalGet = get: "approval.get", Get "/approvals/{approval_id}", Read, Json, Free, Merge,
        GetParams => Approval;
    /// Answer a request; the first answer wins, a later one gets `MESO_CONFLICT`.
    ApprovalResolve = resolve: "approval.resolve", Post "/approvals/{approval_id}/resolve", Owner, Json, Free, Merge,
        ResolveParams => Resolution;
}
