//! What there is to show of a turn.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{ApprovalId, CallId, Surface, TurnOutcome, Usage};
use serde_json::Value;

/// Something to show.
#[derive(Clone, PartialEq, Debug)]
pub enum Show {
    /// The model that answers.
    Model(String),
    /// A message of a person.
    User(String),
    /// The answer grew.
    Text(String),
    /// The next text is another part of the answer: a tool ran in between.
    NewPart,
    /// The thinking grew.
    Reasoning(String),
    /// The model wants a tool.
    ToolCall {
        /// The call.
        call_id: CallId,
        /// The tool.
        tool: String,
        /// Its arguments.
        args: Value,
    },
    /// A tool answered.
    ToolResult {
        /// The call.
        call_id: CallId,
        /// The tool.
        tool: String,
        /// What the model sees.
        output: String,
        /// Whether it did its work.
        success: bool,
        /// How long it took; `None` when it did not run.
        duration_ms: Option<u64>,
        /// What changed in files.
        diff: Option<String>,
        /// Where the text comes from, when that is outside the workspace.
        outside: Option<String>,
    },
    /// Somebody must decide.
    Approval(Box<Approval>),
    /// Somebody did.
    Decided {
        /// The request.
        approval_id: ApprovalId,
        /// What.
        decision: ApprovalDecision,
        /// Who; `None` when nobody did.
        by: Option<Surface>,
    },
    /// News that are no answer and pass: progress, a retry.
    Notice(String),
    /// News that are no answer and stay in the conversation: another model, a shortened history.
    Note(String),
    /// Another model answers from here on.
    ModelChanged {
        /// The model.
        model: String,
        /// Why the one before could not.
        reason: String,
    },
    /// The turn ended.
    Finished {
        /// How.
        outcome: TurnOutcome,
        /// What it used.
        usage: Usage,
    },
}

/// A call that was not allowed to run.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    /// The call.
    pub call_id: CallId,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// Why, as the model was told; empty while only the decision is known.
    pub why: String,
}
