//! What a turn wants done.

use mesoclaw_api::{CallId, Event as ApiEvent, ItemBody, ItemId, TurnOutcome, Usage};
use serde_json::Value;

use crate::model::ModelRequest;

/// What a turn wants done. The driver does them in this order.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Store an entry (or store it again with more in it), then tell of it: the driver publishes
    /// `item.stored` once the entry is durable.
    Persist {
        /// Id of the entry; of this turn, numbered by the machine.
        item_id: ItemId,
        /// What it says.
        body: ItemBody,
    },
    /// Tell everybody. Comes after the entries stored before it are durable; text deltas do not
    /// wait for their own text.
    Emit(Box<ApiEvent>),
    /// Gather history, system text and tools; answer with `ContextReady` or `ContextFailed`.
    GatherContext,
    /// Ask the model; answer with `ModelDelta`s, `ModelRetrying`, `ModelFailed`.
    CallModel(Box<ModelRequest>),
    /// Stop the model call; nothing of it is delivered any more.
    AbortModel,
    /// Say whether a call may run; answer with `CallChecked`. Comes again for the same call when
    /// untrusted text arrived in between.
    CheckCall {
        /// The call.
        call: Call,
        /// Source of the first tainting text the prompt holds; `None` = there is none.
        taint: Option<String>,
    },
    /// Ask a person; answer with `ApprovalResolved`, also when time runs out.
    RequestApproval {
        /// The call.
        call: Call,
        /// Why it asks.
        reason: String,
    },
    /// Take an open question back: the call it is about is over.
    WithdrawApproval(CallId),
    /// Judge the call once more, then run its tool; answer with `ToolProgress` and `ToolDone`, or
    /// with `CallRefused` when it may not run any more. Comes once for each call.
    RunTool {
        /// The call.
        call: Call,
        /// As in `CheckCall`, as it is now.
        taint: Option<String>,
    },
    /// Stop a running tool; nothing of it is delivered any more.
    AbortTool(CallId),
    /// The turn is over: everything is stored and told. Always the last effect of a turn.
    Finish {
        /// How.
        outcome: TurnOutcome,
        /// What it used.
        usage: Usage,
    },
}

/// A tool call the model made.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The call.
    pub call_id: CallId,
    /// Name of the tool.
    pub tool: String,
    /// Its arguments: a JSON object.
    pub args: Value,
}
