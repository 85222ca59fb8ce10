//! Sessions, their items, and the messages that wait in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, QueueId, SessionId};
use crate::item::{Item, TurnOutcome, Usage};
use crate::macros::operations;
use crate::ops::Done;
use crate::ops::chat::QueuedMessage;
use crate::time::Timestamp;

/// A conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// Name for people.
    pub title: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something last happened in it.
    pub updated_at: Timestamp,
    /// The surface that made it.
    pub source: String,
    /// The chat of a channel it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_key: Option<String>,
    /// `provider:model` that answers here when a message names none; `None` = the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where its tools work; `None` when its first message named no directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
}

/// The directory a session works in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Workspace {
    /// The directory the client was started in, absolute, without links.
    pub root: String,
    /// The repository it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_root: Option<String>,
    /// Why nothing in it counts as the session's own: it is a home, a system directory or above
    /// one, so every access asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_broad: Option<String>,
}

/// What a session is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Nothing.
    Idle,
    /// A turn runs.
    Running,
    /// A turn waits for an approval.
    Waiting,
    /// The last turn was cut off by the end of the daemon and can be continued.
    Interrupted,
}

/// A conversation in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionSummary {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Messages of the user and the assistant in it.
    pub message_count: u64,
    /// What it is doing.
    pub state: SessionState,
    /// Messages that wait for the running turn to end.
    pub queued: u32,
}

/// A conversation with what is known about it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionDetail {
    /// The session and its counts.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// Tokens of all its turns.
    pub usage: Usage,
    /// How the last turn ended; `None` when there was none or it still runs.
    pub last_outcome: Option<TurnOutcome>,
}

/// Make a session.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CreateParams {
    /// Name; without one the first message gives it.
    pub title: Option<String>,
    /// The directory its tools work in, an absolute path.
    pub workspace: Option<String>,
}

/// Page through sessions.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListParams {
    /// At most so many, 1 to 10,000; default all up to 1,000.
    pub limit: Option<u32>,
    /// Skip so many.
    pub offset: Option<u32>,
}

/// Name one session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionParams {
    /// The session.
    pub session_id: SessionId,
}

/// Find a session by what a person typed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveParams {
    /// Exact id, or exact title (the newest of several wins), or an unambiguous beginning of an id
    /// of at least 4 characters.
    pub name: String,
    /// Make a session of that title when there is none.
    #[serde(default)]
    pub create: bool,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    /// The session.
    pub session: Session,
    /// Whether it was made just now.
    pub created: bool,
}

/// Rename a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameParams {
    /// The session.
    pub session_id: SessionId,
    /// New name, 1 to 200 characters.
    pub title: String,
}

/// Choose the model of a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetModelParams {
    /// The session.
    pub session_id: SessionId,
    /// `provider:model` or `hint:...`; `None` = the default again.
    #[serde(default)]
    pub model: Option<String>,
}

/// Copy a session, wholly or up to one of its items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForkParams {
    /// The session to copy.
    pub session_id: SessionId,
    /// The last item to take along; without one, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<ItemId>,
    /// Name of the copy; default: the old name with ` (fork)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Page through the items of a session. Without `before` and `after`: the newest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemsParams {
    /// The session.
    pub session_id: SessionId,
    /// Only items before this position; the newest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Only items after this position; the oldest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// At most so many, 1 to 1,000; default 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Some items, oldest first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<Item>,
    /// Whether there are more in the direction asked for.
    pub has_more: bool,
}

/// Search the contents of all sessions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchParams {
    /// Words; all must occur, the last one may be a beginning. Nothing in it is syntax.
    pub query: String,
    /// Only this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// At most so many, 1 to 200; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A place where the words were found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// The session.
    pub session_id: SessionId,
    /// Its name.
    pub title: String,
    /// The item.
    pub item_id: ItemId,
    /// Its place in the session.
    pub position: i64,
    /// When it was said.
    pub created_at: Timestamp,
    /// `user` or `assistant`.
    pub role: String,
    /// The words in their surroundings, the hits between `[` and `]`.
    pub snippet: String,
}

/// Change a message that waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueUpdateParams {
    /// The session.
    pub session_id: SessionId,
    /// The message.
    pub queue_id: QueueId,
    /// Its new text.
    pub text: String,
}

/// Name a message that waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueParams {
    /// The session.
    pub session_id: SessionId,
    /// The message.
    pub queue_id: QueueId,
}

operations! { SessionApi;
    /// Make a session.
    SessionCreate = create: "session.create", Post "/sessions", Write, Created, Free, Merge,
        CreateParams => Session;
    /// List sessions, the latest first.
    SessionList = list: "session.list", Get "/sessions", Read, Json, Free, Merge,
        ListParams => Vec<SessionSummary>;
    /// Find a session by id or title.
    SessionResolve = resolve: "session.resolve", Post "/sessions/resolve", Write, Json, Global("session.resolve"), Merge,
        ResolveParams => Resolved;
    /// Search the contents of all sessions.
    SessionSearch = search: "session.search", Get "/sessions/search", Read, Json, Free, Merge,
        SearchParams => Vec<SearchHit>;
    /// Read one session.
    SessionGet = get: "session.get", Get "/sessions/{session_id}", Read, Json, Free, Merge,
        SessionParams => SessionDetail;
    /// Rename a session.
    SessionRename = rename: "session.rename", Put "/sessions/{session_id}", Write, Json, Session, Merge,
        RenameParams => Session;
    /// Choose the model that answers in a session when a message names none.
    SessionSetModel = set_model: "session.set_model", Put "/sessions/{session_id}/model", Write, Json, Session, Merge,
        SetModelParams => Session;
    /// Delete a session and everything in it; a running turn is cancelled first.
    SessionDelete = delete: "session.delete", Delete "/sessions/{session_id}", Write, NoContent, Session, Merge,
        SessionParams => Done;
    /// Copy a session, wholly or up to one of its items.
    SessionFork = fork: "session.fork", Post "/sessions/{session_id}/fork", Write, Created, Session, Merge,
        ForkParams => Session;
    /// Page through the items of a session.
    SessionItems = items: "session.items", Get "/sessions/{session_id}/items", Read, Json, Free, Merge,
        ItemsParams => ItemPage;
    /// List the messages that wait for the running turn to end.
    QueueList = queue_list: "queue.list", Get "/sessions/{session_id}/queue", Read, Json, Free, Merge,
        SessionParams => Vec<QueuedMessage>;
    /// Change a message that waits.
    QueueUpdate = queue_update: "queue.update", Put "/sessions/{session_id}/queue/{queue_id}", Write, Json, Free, Merge,
        QueueUpdateParams => QueuedMessage;
    /// Take back a message that waits.
    QueueRemove = queue_remove: "queue.remove", Delete "/sessions/{session_id}/queue/{queue_id}", Write, NoContent, Free, Merge,
        QueueParams => Done;
}
