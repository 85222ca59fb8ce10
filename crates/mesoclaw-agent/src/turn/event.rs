//! What happens to a turn.

use std::collections::BTreeMap;
use std::time::Duration;

use mesoclaw_api::item::ImageRef;
use mesoclaw_api::{CallId, Item};

use crate::model::{Image, ModelDelta, ModelError, ToolDefinition};
use crate::tool::ToolOutput;
use crate::turn::verdict::Verdict;

/// What happens to a turn.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A person said something: the turn begins.
    UserMessage {
        /// The text.
        text: String,
        /// Images said with it.
        images: Vec<ImageRef>,
    },
    /// A broken-off turn is taken up: the history says where. Calls that a person approved since
    /// then are run: those with an `Approval` entry after the last `Outcome` of the history, and
    /// those of an `ApprovalResolved` that comes at any time after this event.
    Resume,
    /// A person wants the turn to end.
    Cancel,
    /// The daemon goes down: store what is there and end as interrupted.
    Interrupt,
    /// The context of the prompt is there.
    ContextReady(Context),
    /// It could not be gathered.
    ContextFailed {
        /// Why.
        message: String,
    },
    /// The model call failed before it said anything and is tried again by the driver.
    ModelRetrying {
        /// Number of the coming try, from 2.
        attempt: u32,
        /// Wait before it.
        after: Duration,
        /// Why the last try failed.
        reason: String,
    },
    /// The model that was asked could not answer, and another one takes over before anything was
    /// said.
    ModelSwitched {
        /// `provider:model` that answers now.
        model: String,
        /// The same as its provider names it.
        provider_model: String,
        /// Why the one before could not.
        reason: String,
    },
    /// The budget runs low: the conversation says so, once a turn.
    BudgetLow {
        /// The sentence for people.
        message: String,
    },
    /// The budget is used up: no model is asked any more.
    BudgetExhausted {
        /// The sentence for people.
        message: String,
    },
    /// The model said something. After [`ModelDelta::Stop`] nothing more comes of this call.
    ModelDelta(ModelDelta),
    /// The model call failed for good. What was said before stays.
    ModelFailed(ModelError),
    /// Whether a call may run.
    CallChecked {
        /// The call.
        call_id: CallId,
        /// The verdict.
        verdict: Verdict,
    },
    /// A call must not run after all, though the policy or a person allowed it: what was judged
    /// changed since. Comes before the tool begins, so the call has no other end.
    CallRefused {
        /// The call.
        call_id: CallId,
        /// Why; the model sees it.
        reason: String,
    },
    /// A person decided about a call.
    ApprovalResolved {
        /// The call.
        call_id: CallId,
        /// The request.
        approval_id: mesoclaw_api::ApprovalId,
        /// What was decided; time-outs come as such.
        decision: mesoclaw_api::item::ApprovalDecision,
        /// What the person said with it.
        reason: Option<String>,
    },
    /// A running tool says how far it is.
    ToolProgress {
        /// The call.
        call_id: CallId,
        /// The news.
        text: String,
    },
    /// A tool ended.
    ToolDone {
        /// The call.
        call_id: CallId,
        /// What it said.
        output: ToolOutput,
        /// Run time.
        duration: Duration,
        /// Random mark for this output, at least 64 bits in hexadecimal. Stored where the text is
        /// somebody else's.
        fence: String,
    },
    /// The wall time of the turn is up.
    TurnTimedOut,
}

/// What a prompt is made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Context {
    /// System text.
    pub system: String,
    /// Stored items of the session before this turn's own, oldest first (for a resumed turn: with
    /// the items of the turns it takes up).
    pub history: Vec<Item>,
    /// Tools the model may call.
    pub tools: Vec<ToolDefinition>,
    /// Other names of these tools, with their own; the model is not told them, and may know them
    /// from elsewhere.
    pub aliases: BTreeMap<String, String>,
    /// Contents of the images of this turn and of the history, by their hash; of an image that is
    /// not here the model is told the name only.
    pub images: BTreeMap<String, Image>,
}
