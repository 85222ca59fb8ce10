//! Tools, and running one by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{CallId, SessionId};
use crate::macros::operations;
use crate::ops::NoParams;

/// A tool.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToolInfo {
    /// Name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
    /// Other names it answers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Name a tool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetParams {
    /// Its name, or another name it answers to.
    pub name: String,
}

/// Run a tool by itself. The policy is the one that holds for calls of a model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteParams {
    /// Its name.
    pub name: String,
    /// Its arguments: an object.
    pub args: Value,
    /// Chosen by the client, to know requests for approval and progress by; without it, random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// The session whose workspace and grants count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The workspace when no session is given, an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// What a tool answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToolRun {
    /// The text, as a model would see it.
    pub output: String,
    /// Whether the tool did its work.
    pub success: bool,
    /// `duration_ms`, `diff` where files changed, `taint` where the text comes from outside.
    pub metadata: Option<Value>,
}

operations! { ToolApi;
    /// List the tools.
    ToolList = list: "tool.list", Get "/tools", Read, Json, Free, Merge,
        NoParams => Vec<ToolInfo>;
    /// Read one tool.
    ToolGet = get: "tool.get", Get "/tools/{name}", Read, Json, Free, Merge,
        GetParams => ToolInfo;
    /// Run a tool; where the policy asks, the answer comes after the approval.
    ToolExecute = execute: "tool.execute", Post "/tools/{name}/execute", Write, Json, Free, Merge,
        ExecuteParams => ToolRun;
}
