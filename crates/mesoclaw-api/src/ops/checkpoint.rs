//! Checkpoints: what files were before a turn changed them, and putting them back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{SessionId, TurnId};
use crate::macros::operations;
use crate::time::Timestamp;

/// How a turn changed a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It had another content.
    Changed,
    /// It is gone.
    Deleted,
}

/// A file a turn changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Absolute path.
    pub path: String,
    /// How.
    pub change: Change,
    /// Size before, in bytes; `None` when it was not there.
    pub bytes_before: Option<u64>,
    /// Whether what was there before is kept: files that are too large are not.
    pub is_kept: bool,
}

/// The changes of one turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// The session.
    pub session_id: SessionId,
    /// The turn.
    pub turn_id: TurnId,
    /// When it changed the first file.
    pub at: Timestamp,
    /// The files.
    pub files: Vec<FileChange>,
    /// Commands of the turn whose changes cannot be put back.
    pub commands: Vec<String>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
}

/// Which checkpoints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    /// The session.
    pub session_id: SessionId,
}

/// Put files back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoParams {
    /// The session.
    pub session_id: SessionId,
    /// The turn; without it, the last one that changed files and was not undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// Tell only what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was done about one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UndoneFile {
    /// Absolute path.
    pub path: String,
    /// Whether it is again as it was.
    pub is_restored: bool,
    /// What was done, or why nothing was.
    pub note: String,
}

/// What was put back and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// The turn.
    pub turn_id: TurnId,
    /// Its files.
    pub files: Vec<UndoneFile>,
    /// Commands of the turn whose changes, if any, are still there.
    pub commands: Vec<String>,
}

operations! { CheckpointApi;
    /// List the turns of a session that changed files, the latest first.
    CheckpointList = list: "checkpoint.list", Get "/sessions/{session_id}/checkpoints", Read, Json, Free, Merge,
        ListParams => Vec<Checkpoint>;
    /// Put the files of a turn back as they were before it.
    CheckpointUndo = undo: "checkpoint.undo", Post "/sessions/{session_id}/undo", Write, Json, Session, Merge,
        UndoParams => Undone;
}
