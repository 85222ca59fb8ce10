//! The audit: every decision and every action, in a chain of hashes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Surface;
use crate::ids::{CallId, SessionId, TurnId};
use crate::macros::operations;
use crate::time::Timestamp;

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// The policy judged a call.
    Decision,
    /// A person answered a request for approval, or time ran out.
    Approval,
    /// A call ended.
    Result,
    /// A grant was stored.
    Granted,
    /// A grant was taken back.
    Revoked,
    /// Files were put back.
    Undone,
}

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Number, from 1, without gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: AuditKind,
    /// Who acted: the surface of the turn, or of the person who answered.
    pub surface: Surface,
    /// The session.
    pub session_id: Option<SessionId>,
    /// The turn.
    pub turn_id: Option<TurnId>,
    /// The call.
    pub call_id: Option<CallId>,
    /// Name of the tool.
    pub tool: Option<String>,
    /// What would run or ran, as a line for people, secrets left out, cut at 4,000 characters.
    pub text: String,
    /// SHA-256 of the call: what an approval was bound to.
    pub digest: Option<String>,
    /// `allow`, `ask`, `deny`; `approved`, `denied`, `timed_out`, `withdrawn`; `ok`, `failed`;
    /// the scope of a grant; `revoked`.
    pub outcome: String,
    /// The rule that decided, or the grant.
    pub rule: Option<String>,
    /// Run time in milliseconds.
    pub duration_ms: Option<u64>,
    /// Hash of the entry before; 64 zeros for the first.
    pub prev_hash: String,
    /// SHA-256 over `prev_hash` and this entry.
    pub hash: String,
}

/// Which entries. Without `before` and `after`: the newest.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParams {
    /// Only of this session.
    pub session_id: Option<SessionId>,
    /// Only of this tool.
    pub tool: Option<String>,
    /// Only of this kind.
    pub kind: Option<AuditKind>,
    /// Only entries before this number; the newest of them.
    pub before: Option<i64>,
    /// Only entries after this number; the oldest of them.
    pub after: Option<i64>,
    /// At most so many, 1 to 1,000; default 100.
    pub limit: Option<u32>,
}

/// Name an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetParams {
    /// Its number.
    pub id: i64,
}

/// Check the chain.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerifyParams {
    /// A head that was noted earlier: it must still be in the chain.
    pub head: Option<String>,
}

/// What the check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// Whether everything fits.
    pub is_intact: bool,
    /// Entries there.
    pub entries: u64,
    /// Hash of the last entry: note it elsewhere to find out later whether the end was cut off.
    pub head: String,
    /// What does not fit, with the number of the first such entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

operations! { AuditApi;
    /// List entries, in the order of their numbers.
    AuditList = list: "audit.list", Get "/audit", Read, Json, Free, Merge,
        ListParams => Vec<AuditEntry>;
    /// Read one entry.
    AuditGet = get: "audit.get", Get "/audit/{id}", Read, Json, Free, Merge,
        GetParams => AuditEntry;
    /// Check the chain of hashes.
    AuditVerify = verify: "audit.verify", Get "/audit/verify", Read, Json, Free, Merge,
        VerifyParams => Verified;
}
