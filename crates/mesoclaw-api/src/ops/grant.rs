//! Grants: approvals that count for more than one call, with the pattern of the calls they cover.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ApprovalId, GrantId, SessionId};
use crate::macros::operations;
use crate::time::Timestamp;

/// Where a grant counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// In one session.
    Session,
    /// In sessions of one workspace.
    Project,
    /// Everywhere.
    Always,
}

/// A stored approval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Id.
    pub id: GrantId,
    /// Where it counts.
    pub scope: GrantScope,
    /// Name of the tool.
    pub tool: String,
    /// The calls it covers: `cargo test *`, `src/**`, `docs.rs`.
    pub pattern: String,
    /// The session, for that scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The root of the workspace, for the scopes session and project: relative paths and programs
    /// of the pattern are those of this place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The programs of the pattern as they were found when it was granted, absolute. Another
    /// program of the same name is not covered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// The request it came from.
    pub approval_id: ApprovalId,
    /// When it was granted.
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Calls that ran because of it.
    pub uses: u64,
}

/// Which grants.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParams {
    /// Also those that ended or were taken back.
    pub include_ended: bool,
}

/// Try a pattern before granting it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestParams {
    /// Name of the tool; `shell` when left out.
    pub tool: Option<String>,
    /// The pattern.
    pub pattern: String,
    /// A command to hold against it.
    pub command: Option<String>,
    /// Arguments of another tool to hold against it.
    pub args: Option<Value>,
    /// The workspace, an absolute path; without it, that of `session_id`, else none.
    pub workspace: Option<String>,
    /// The session.
    pub session_id: Option<SessionId>,
}

/// What a pattern would allow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// What it would allow, in sentences.
    pub allows: Vec<String>,
    /// Calls of the past that it would have covered, the latest first.
    pub past: Vec<String>,
    /// Whether it covers the given call; `None` when none was given.
    pub covers: Option<bool>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Name a grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeParams {
    /// The grant: its id, or an unambiguous beginning of at least 4 characters.
    pub grant_id: GrantId,
}

operations! { GrantApi;
    /// List the grants that count, the newest first.
    GrantList = list: "grant.list", Get "/grants", Read, Json, Free, Merge,
        ListParams => Vec<Grant>;
    /// Tell what a pattern would allow; stores nothing.
    GrantTest = test: "grant.test", Post "/grants/test", Read, Json, Free, Merge,
        TestParams => Tested;
    /// Take a grant back; it counts no more at once.
    GrantRevoke = revoke: "grant.revoke", Delete "/grants/{grant_id}", Owner, Json, Free, Merge,
        RevokeParams => Grant;
}
