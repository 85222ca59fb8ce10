//! Checkpoints: what files were before a turn changed them, and which turn was undone.
//!
//! The contents are files outside of the database, named after their hash; here is only what is
//! known about them.

mod budget;

use mesoclaw_api::ops::checkpoint::{Change, Checkpoint, FileChange};
use mesoclaw_api::{SessionId, Timestamp, TurnId};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, from_json, text, text_or_none};

pub use budget::{drop_beyond, referenced};

/// The longest text of a command, in characters.
const LONGEST_COMMAND: usize = 500;

/// What stands for the hash of a file that is gone.
const GONE: &str = "gone";

/// What was at a path before a turn first changed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Before {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Size in bytes.
        bytes: u64,
        /// Permission bits; `None` where the system has none.
        mode: Option<u32>,
        /// SHA-256 of the content in hexadecimal; `None` when the content is not kept.
        sha256: Option<String>,
    },
}

/// What was at a path when a turn had changed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum After {
    /// Nothing.
    Gone,
    /// A file with this SHA-256, in hexadecimal.
    File(String),
}

/// A file a turn touched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRow {
    /// Absolute path.
    pub path: String,
    /// What was there.
    pub before: Before,
    /// What was there afterwards; `None` when the change began and its end was not noted.
    pub after: Option<After>,
}

/// The files and commands of a turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointRow {
    /// The session.
    pub session_id: SessionId,
    /// The turn.
    pub turn_id: TurnId,
    /// When it first touched a file or ran a command.
    pub at: Timestamp,
    /// The files, in the order they were touched.
    pub files: Vec<FileRow>,
    /// Commands whose changes cannot be put back, in order.
    pub commands: Vec<String>,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
}

impl FileRow {
    /// How the file is another one than before; `None` when it is not. A change whose end was not
    /// noted counts as done.
    pub fn change(&self) -> Option<Change> {
        match (&self.before, &self.after) {
            (Before::Absent, Some(After::Gone)) => None,
            (Before::Absent, Some(After::File(_)) | None) => Some(Change::Created),
            (Before::File { .. }, Some(After::Gone)) => Some(Change::Deleted),
            (Before::File { sha256, .. }, Some(After::File(after)))
                if sha256.as_ref() == Some(after) =>
            {
                None
            }
            (Before::File { .. }, Some(After::File(_)) | None) => Some(Change::Changed),
        }
    }
}

impl CheckpointRow {
    /// The form the API has, without files that are as they were.
    pub fn to_api(&self) -> Checkpoint {
        Checkpoint {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            at: self.at.clone(),
            files: self.files.iter().filter_map(file_change).collect(),
            commands: self.commands.clone(),
            undone_at: self.undone_at.clone(),
        }
    }

    fn has_changes(&self) -> bool {
        self.files.iter().any(|file| file.change().is_some())
    }
}

fn file_change(file: &FileRow) -> Option<FileChange> {
    let change = file.change()?;
    let (bytes_before, is_kept) = match &file.before {
        Before::Absent => (None, true),
        Before::File { bytes, sha256, .. } => (Some(*bytes), sha256.is_some()),
    };
    Some(FileChange {
        path: file.path.clone(),
        change,
        bytes_before,
        is_kept,
    })
}

/// Whether it is noted what was at a path before this turn, so that it need not be kept again.
pub fn is_recorded(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    path: &str,
) -> StoreResult<bool> {
    let is_recorded = conn
        .prepare_cached(
            "SELECT 1 FROM checkpoint_files
             WHERE session_id = ?1 AND turn_id = ?2 AND path = ?3",
        )?
        .exists([session.as_str(), turn.as_str(), path])?;
    Ok(is_recorded)
}

/// Notes what is at a path before a turn changes it. The first time in a turn counts: true when
/// this was it. To be called when the content is safely kept.
pub fn record_before(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    path: &str,
    before: &Before,
    now: &Timestamp,
) -> StoreResult<bool> {
    begin(conn, session, turn, now)?;
    let (bytes, mode, sha256) = match before {
        Before::Absent => (None, None, None),
        Before::File {
            bytes,
            mode,
            sha256,
        } => (Some(*bytes), *mode, sha256.as_ref()),
    };
    let n_added = conn
        .prepare_cached(
            "INSERT INTO checkpoint_files
                 (session_id, turn_id, path, at, before_bytes, before_mode, before_sha256)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (session_id, turn_id, path) DO NOTHING",
        )?
        .execute(params![
            session.as_str(),
            turn.as_str(),
            path,
            now.as_str(),
            bytes,
            mode,
            sha256,
        ])?;
    Ok(n_added > 0)
}

/// Notes what is at a path after a turn changed it; the last time counts. A turn that was undone
/// and goes on can be undone again. False when it was not noted what was there before.
pub fn record_after(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    path: &str,
    after: &After,
) -> StoreResult<bool> {
    let after = match after {
        After::Gone => GONE,
        After::File(sha256) => sha256,
    };
    let n_changed = conn
        .prepare_cached(
            "UPDATE checkpoint_files SET after = ?4
             WHERE session_id = ?1 AND turn_id = ?2 AND path = ?3",
        )?
        .execute([session.as_str(), turn.as_str(), path, after])?;
    conn.prepare_cached(
        "UPDATE checkpoint_turns SET undone_at = NULL
         WHERE session_id = ?1 AND turn_id = ?2 AND undone_at IS NOT NULL",
    )?
    .execute([session.as_str(), turn.as_str()])?;
    Ok(n_changed > 0)
}

/// Notes a command whose changes cannot be put back, cut at 500 characters.
pub fn add_command(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    command: &str,
    now: &Timestamp,
) -> StoreResult<()> {
    begin(conn, session, turn, now)?;
    let command: String = command.chars().take(LONGEST_COMMAND).collect();
    conn.prepare_cached(
        "UPDATE checkpoint_turns SET commands = json_insert(commands, '$[#]', ?3)
         WHERE session_id = ?1 AND turn_id = ?2",
    )?
    .execute([session.as_str(), turn.as_str(), &command])?;
    Ok(())
}

/// The turns of a session that changed files, the latest first.
pub fn list(conn: &Connection, session: &SessionId) -> StoreResult<Vec<CheckpointRow>> {
    let mut rows = turns(conn, session, None)?;
    rows.retain(CheckpointRow::has_changes);
    Ok(rows)
}

/// One turn, whatever it did; `None` when it touched no file and ran no command.
pub fn get(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
) -> StoreResult<Option<CheckpointRow>> {
    Ok(turns(conn, session, Some(turn))?.pop())
}

/// The last turn of a session that changed files and was not undone.
pub fn last_undoable(conn: &Connection, session: &SessionId) -> StoreResult<Option<CheckpointRow>> {
    let candidates: Vec<TurnId> = all(
        conn.prepare_cached(
            "SELECT turn_id FROM checkpoint_turns
             WHERE session_id = ?1 AND undone_at IS NULL ORDER BY seq DESC",
        )?
        .query([session.as_str()])?,
        |row| text(row, "turn_id"),
    )?;
    for turn in candidates {
        let found = get(conn, session, &turn)?;
        if let Some(row) = found.filter(CheckpointRow::has_changes) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Notes that the files of a turn were put back. False when that was noted before, or when there
/// is nothing of this turn.
pub fn mark_undone(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    now: &Timestamp,
) -> StoreResult<bool> {
    let n_changed = conn
        .prepare_cached(
            "UPDATE checkpoint_turns SET undone_at = ?3
             WHERE session_id = ?1 AND turn_id = ?2 AND undone_at IS NULL",
        )?
        .execute([session.as_str(), turn.as_str(), now.as_str()])?;
    Ok(n_changed > 0)
}

/// Makes the row of a turn, unless it is there.
fn begin(
    conn: &Connection,
    session: &SessionId,
    turn: &TurnId,
    now: &Timestamp,
) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO checkpoint_turns (session_id, turn_id, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (session_id, turn_id) DO NOTHING",
    )?
    .execute([session.as_str(), turn.as_str(), now.as_str()])?;
    Ok(())
}

fn turns(
    conn: &Connection,
    session: &SessionId,
    turn: Option<&TurnId>,
) -> StoreResult<Vec<CheckpointRow>> {
    let mut rows = all(
        conn.prepare_cached(
            "SELECT session_id, turn_id, at, commands, undone_at FROM checkpoint_turns
             WHERE session_id = ?1 AND (?2 IS NULL OR turn_id = ?2) ORDER BY seq DESC",
        )?
        .query(params![session.as_str(), turn.map(TurnId::as_str)])?,
        |row| {
            let commands: String = row.get("commands")?;
            Ok(CheckpointRow {
                session_id: text(row, "session_id")?,
                turn_id: text(row, "turn_id")?,
                at: text(row, "at")?,
                files: Vec::new(),
                commands: from_json("the commands of a turn", &commands)?,
                undone_at: text_or_none(row, "undone_at")?,
            })
        },
    )?;
    for row in &mut rows {
        row.files = files(conn, &row.session_id, &row.turn_id)?;
    }
    Ok(rows)
}

fn files(conn: &Connection, session: &SessionId, turn: &TurnId) -> StoreResult<Vec<FileRow>> {
    all(
        conn.prepare_cached(
            "SELECT path, before_bytes, before_mode, before_sha256, after FROM checkpoint_files
             WHERE session_id = ?1 AND turn_id = ?2 ORDER BY seq",
        )?
        .query([session.as_str(), turn.as_str()])?,
        file,
    )
}

fn file(row: &Row<'_>) -> StoreResult<FileRow> {
    let bytes: Option<u64> = row.get("before_bytes")?;
    let after: Option<String> = row.get("after")?;
    Ok(FileRow {
        path: row.get("path")?,
        before: match bytes {
            None => Before::Absent,
            Some(bytes) => Before::File {
                bytes,
                mode: row.get("before_mode")?,
                sha256: row.get("before_sha256")?,
            },
        },
        after: after.map(|after| match after.as_str() {
            GONE => After::Gone,
            _ => After::File(after),
        }),
    })
}

#[cfg(test)]
mod tests;
