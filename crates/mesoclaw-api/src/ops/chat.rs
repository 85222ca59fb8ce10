//! Talking: send a message, stop a turn, take up one that broke off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, QueueId, SessionId, TurnId};
use crate::item::ImageRef;
use crate::macros::operations;
use crate::time::Timestamp;

/// Say something.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SendParams {
    /// The session; without one a new session is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The message, 1 byte to 4 MiB.
    pub text: String,
    /// Chosen by the client, unique for the message: sending again after a lost connection does
    /// not say it twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// `provider:model` or `hint:fast|reasoning|vision|summarize` for this message only; without
    /// one the session's, else the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The directory the client is in, an absolute path: the workspace of a session that has none
    /// yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Images said with it, at most 16 and 5 MiB together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<NewImage>,
}

/// An image to send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    /// The file's content in base64: PNG, JPEG, GIF or WebP.
    pub data: String,
    /// Name of the file, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The message is stored; news of the turn come as events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// The session.
    pub session_id: SessionId,
    /// The turn that answers it; `None` while the message waits.
    pub turn_id: Option<TurnId>,
    /// Its place in the queue when a turn is running; `None` when it began at once.
    pub queue_id: Option<QueueId>,
    /// The stored user message; `None` while it waits.
    pub item_id: Option<ItemId>,
    /// Whether a message with this `client_message_id` was already there.
    pub is_duplicate: bool,
}

/// A message that waits for the running turn to end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QueuedMessage {
    /// Id.
    pub id: QueueId,
    /// The text as it will be sent.
    pub text: String,
    /// `provider:model` it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Images said with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageRef>,
    /// When it was said.
    pub created_at: Timestamp,
}

/// Stop a turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelParams {
    /// The session.
    pub session_id: SessionId,
    /// Only this turn; without it, whatever runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
}

/// Whether something was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CancelAnswer {
    /// False when nothing ran (any more).
    pub cancelled: bool,
}

/// Take up a turn that broke off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContinueParams {
    /// The session.
    pub session_id: SessionId,
    /// `provider:model` for the rest; without one the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

operations! { ChatApi;
    /// Say something; answers as soon as the message is stored.
    ChatSend = send: "chat.send", Post "/chat/send", Write, Accepted, Free, Merge,
        SendParams => Sent;
    /// Stop the running turn of a session; what was said so far stays.
    TurnCancel = cancel: "turn.cancel", Post "/sessions/{session_id}/cancel", Write, Json, Free, Merge,
        CancelParams => CancelAnswer;
    /// Take up the last turn of a session where it broke off.
    TurnContinue = resume: "turn.continue", Post "/sessions/{session_id}/continue", Write, Accepted, Free, Merge,
        ContinueParams => Sent;
}
