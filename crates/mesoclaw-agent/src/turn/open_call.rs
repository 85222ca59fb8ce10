//! One call of a round: where it is, and what is remembered of it when it is closed.

use mesoclaw_api::{CallId, ItemBody};

use crate::turn::effect::{Call, Effect};
use crate::turn::repetition::{Ending, Trace};

/// One call of a round.
pub(super) struct OpenCall {
    pub call: Call,
    pub state: CallState,
    /// Whether the turn was tainted when the call was given to the policy.
    pub was_tainted: bool,
    /// Of a closed call.
    pub trace: Option<Trace>,
}

/// Where a call is; the diagram is in the module documentation of `turn`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CallState {
    Checking,
    Awaiting,
    Running,
    /// It has a result.
    Closed,
}

/// The sentence a model gets instead of a result.
pub(super) struct Refusal {
    pub ending: Ending,
    pub output: String,
}

impl OpenCall {
    pub fn new(call: Call) -> Self {
        Self {
            call,
            state: CallState::Checking,
            was_tainted: false,
            trace: None,
        }
    }

    /// Nothing more happens to it. Gives the name of the tool.
    pub fn close(&mut self, ending: Ending, output: &str) -> String {
        self.state = CallState::Closed;
        self.trace = Some(Trace::new(&self.call, ending, output));
        self.call.tool.clone()
    }

    /// What ends the work that others do for this call.
    pub fn stop(&self) -> Option<Effect> {
        match self.state {
            CallState::Running => Some(Effect::AbortTool(self.call.call_id.clone())),
            CallState::Awaiting => Some(Effect::WithdrawApproval(self.call.call_id.clone())),
            CallState::Checking | CallState::Closed => None,
        }
    }
}

impl Refusal {
    /// An error the model should react to.
    pub fn failure(output: String) -> Self {
        Self {
            ending: Ending::Failed,
            output,
        }
    }
}

/// The stored result of a call that did not run, or not to its end.
pub(super) fn not_run(call_id: CallId, tool: String, output: String) -> ItemBody {
    ItemBody::ToolResult {
        call_id,
        tool,
        output,
        success: false,
        duration_ms: None,
        diff: None,
        provenance: None,
    }
}
