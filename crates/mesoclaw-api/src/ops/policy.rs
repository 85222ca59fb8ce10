//! The policy, to look at and to try.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{GrantId, SessionId};
use crate::macros::operations;
use crate::ops::NoParams;
use crate::ops::approval::{Risk, Step};

/// A verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It runs.
    Allow,
    /// A person is asked.
    Ask,
    /// It does not run.
    Deny,
}

/// A rule of the policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Id, as verdicts name it.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What it leads to: a risk (`low`, `medium`, `high`), `ask` or `deny`.
    pub leads_to: String,
}

/// A program the policy knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KnownProgram {
    /// Its name.
    pub name: String,
    /// The risk of a plain call, or `varies` where it depends on the arguments.
    pub risk: String,
    /// What is known about it, in a line.
    pub note: String,
}

/// The policy as it holds now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// `strict`, `supervised` or `autonomous`.
    pub autonomy: String,
    /// What that level means, in a sentence.
    pub autonomy_text: String,
    /// What to know about the setting, when it is not one of the three words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// What keeps programs inside their bounds on this machine, or that nothing does.
    pub sandbox: String,
    /// Directories programs are taken from, in order.
    pub program_dirs: Vec<String>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The programs.
    pub programs: Vec<KnownProgram>,
}

/// Judge a call without running it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestParams {
    /// A command line for the tool `shell`; or `tool` and `args`.
    pub command: Option<String>,
    /// Name of a tool.
    pub tool: Option<String>,
    /// Its arguments.
    pub args: Option<Value>,
    /// Judge by this level instead of the one that holds.
    pub autonomy: Option<String>,
    /// The workspace, an absolute path; without it, that of `session_id`, else none.
    pub workspace: Option<String>,
    /// The session.
    pub session_id: Option<SessionId>,
    /// Judge as if the turn had read text from outside.
    pub tainted: bool,
}

/// How a call would be judged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The verdict, for a person at a terminal.
    pub verdict: VerdictWord,
    /// Why.
    pub reason: String,
    /// The rule that decided.
    pub rule: String,
    /// How much the call could harm.
    pub risk: Risk,
    /// Its parts, each judged.
    pub steps: Vec<Step>,
    /// Patterns a grant for it would have.
    pub patterns: Vec<String>,
    /// The grant that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// Whether it could use the network.
    pub network: bool,
    /// What keeps it inside its bounds.
    pub sandbox: String,
}

operations! { PolicyApi;
    /// Show the policy.
    PolicyShow = show: "policy.show", Get "/policy", Read, Json, Free, Merge,
        NoParams => Policy;
    /// Judge a call without running it.
    PolicyTest = test: "policy.test", Post "/policy/test", Read, Json, Free, Merge,
        TestParams => Judged;
}
