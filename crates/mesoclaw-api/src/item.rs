//! Conversation items: what a session is made of, in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ErrorCode;
use crate::ids::{ApprovalId, CallId, ItemId, SessionId, TurnId};
use crate::time::Timestamp;

/// One entry of a conversation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Id, unique in the database.
    pub id: ItemId,
    /// The conversation.
    pub session_id: SessionId,
    /// The turn it belongs to; `None` for messages put in from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// Place in the conversation, ascending; `0` while not stored.
    pub position: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it says.
    pub body: ItemBody,
}

/// What an item says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemBody {
    /// What the person said.
    User {
        /// The text.
        text: String,
        /// Images said with it, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<ImageRef>,
    },
    /// What the model said.
    Assistant {
        /// The text; a part of it while `complete` is false.
        text: String,
        /// False while the text still grows, and for ever when the turn broke off.
        complete: bool,
        /// `provider:model`.
        model: String,
    },
    /// What the model thought before it spoke.
    Reasoning {
        /// The text.
        text: String,
    },
    /// The model asks for a tool.
    ToolCall {
        /// Id of the call, repeated by the result.
        call_id: CallId,
        /// Name of the tool.
        tool: String,
        /// Arguments; a string when the model did not send valid JSON.
        args: Value,
        /// What the provider wants back with the call, unread by us.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<CallSignature>,
    },
    /// What a tool answered, or why it did not run.
    ToolResult {
        /// Id of the call.
        call_id: CallId,
        /// Name of the tool.
        tool: String,
        /// The text the model sees.
        output: String,
        /// Whether the tool did its work.
        success: bool,
        /// Run time in milliseconds; `None` when it did not run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// What changed in files, as a unified diff, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diff: Option<String>,
        /// Where the text comes from; `None` for words of our own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    },
    /// A decision of a person about a call.
    Approval {
        /// The request.
        approval_id: ApprovalId,
        /// The call it is about.
        call_id: CallId,
        /// What was decided.
        decision: ApprovalDecision,
        /// What the person said with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something the person should know that is no answer: a retry, a shortened history.
    Notice {
        /// The text.
        text: String,
    },
    /// How the turn ended.
    Outcome {
        /// The ending.
        outcome: TurnOutcome,
        /// What the turn used.
        usage: Usage,
    },
    /// A system message put in from outside.
    System {
        /// The text.
        text: String,
    },
}

/// Where the text of a tool comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The place, for people and models: `shell`, `file src/main.rs`, `web https://docs.rs/`.
    pub source: String,
    /// Whether it is from outside the workspace, so that what a model does after reading it needs
    /// the consent of a person.
    pub taints: bool,
    /// Random mark of this text: prompts put the text between two lines that carry it, so that
    /// nothing in the text can end it.
    pub fence: String,
}

/// An image of a message. The image itself is stored once a content, under its hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ImageRef {
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// Name of the file it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Size of the content.
    pub size_bytes: u64,
}

/// A proof of the provider that a call is its own; it means nothing to another model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CallSignature {
    /// `provider:model` that gave it.
    pub model: String,
    /// The proof.
    pub data: String,
}

/// How a request for approval ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    /// May run.
    Approved,
    /// May not run.
    Denied,
    /// Nobody answered in time; counts as denied.
    TimedOut,
}

/// How a turn ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TurnOutcome {
    /// The model gave its final answer.
    Completed,
    /// A person stopped it.
    Cancelled,
    /// The daemon ended in the middle of it; `turn.continue` goes on.
    Interrupted,
    /// A limit ended it.
    LimitReached {
        /// Which one.
        limit: TurnLimit,
        /// The sentence for people.
        message: String,
    },
    /// An error ended it.
    Failed {
        /// For programs.
        error_code: ErrorCode,
        /// For people.
        message: String,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

impl TurnOutcome {
    /// Whether `turn.continue` can take up the turn.
    pub fn is_resumable(&self) -> bool {
        match self {
            Self::Completed => false,
            Self::Cancelled
            | Self::Interrupted
            | Self::LimitReached { .. }
            | Self::Failed { .. } => true,
        }
    }

    /// The word in the `status` field.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::LimitReached { .. } => "limit_reached",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A limit of a turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnLimit {
    /// Model calls (`agent_max_turns`).
    ModelCalls,
    /// Continuations of a cut answer (`agent_max_continuations`).
    Continuations,
    /// Wall time (`agent_turn_timeout_secs`).
    Time,
    /// Tokens or money (`budget_*`).
    Budget,
    /// The same call, an unknown tool or the same error over and over (`max_tool_retries`).
    Repetition,
}

/// Tokens and model calls.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// The part of `input_tokens` that was read from a cache.
    pub cached_tokens: u64,
    /// The part of `input_tokens` that was written to a cache, where that has a price of its own.
    pub cache_write_tokens: u64,
    /// Tokens the model wrote, its thinking included.
    pub output_tokens: u64,
    /// The part of `output_tokens` that was thinking, where the provider tells.
    pub reasoning_tokens: u64,
    /// Requests to a model.
    pub model_calls: u32,
}

impl Usage {
    /// Adds another usage to this one; numbers that no longer fit stay at the largest.
    pub fn add(&mut self, other: &Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.cache_write_tokens = self
            .cache_write_tokens
            .saturating_add(other.cache_write_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
        self.model_calls = self.model_calls.saturating_add(other.model_calls);
    }
}
