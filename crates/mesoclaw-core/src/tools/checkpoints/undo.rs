//! Puts the files of a turn back as they were before it.

use std::path::PathBuf;

use mesoclaw_api::ops::checkpoint::{Undone, UndoneFile};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, SessionId, Timestamp, TurnId};
use mesoclaw_store::repo::checkpoint::{self, After, Before, CheckpointRow, FileRow};
use mesoclaw_tools::restore::{Now, look, put_back};

use crate::error::from_store;
use crate::images::hex;
use crate::tools::blocking;
use crate::tools::checkpoints::CheckpointFiles;

impl CheckpointFiles {
    /// Puts the files of a turn back, or tells only what would be done.
    ///
    /// # Errors
    /// There is no such turn, or nothing to undo.
    pub async fn undo(
        &self,
        session_id: SessionId,
        turn_id: Option<TurnId>,
        dry_run: bool,
    ) -> ApiResult<Undone> {
        let row = self.row(session_id, turn_id).await?;
        let mut files = Vec::new();
        // The last change first: a file that was created in a directory goes before anything else.
        for file in row.files.iter().rev() {
            if file.change().is_none() {
                continue;
            }
            let (is_restored, note) = match self.restore(file, dry_run).await {
                Ok(note) => (true, note),
                Err(note) => (false, note),
            };
            files.push(UndoneFile {
                path: file.path.clone(),
                is_restored,
                note,
            });
        }
        let is_done = files.iter().all(|file| file.is_restored);
        if !dry_run && is_done {
            self.mark(&row).await?;
        }
        Ok(Undone {
            turn_id: row.turn_id,
            files,
            commands: row.commands,
        })
    }

    async fn row(
        &self,
        session_id: SessionId,
        turn_id: Option<TurnId>,
    ) -> ApiResult<CheckpointRow> {
        let is_named = turn_id.is_some();
        let row = self
            .store
            .read(move |conn| match &turn_id {
                Some(turn_id) => checkpoint::get(conn, &session_id, turn_id),
                None => checkpoint::last_undoable(conn, &session_id),
            })
            .await
            .map_err(from_store)?;
        let what = if is_named {
            "the turn changed no file"
        } else {
            "no turn of this session changed a file that is not undone"
        };
        let row = row.ok_or_else(|| ApiError::new(ErrorCode::NotFound, what))?;
        if row.undone_at.is_some() {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                "the changes of this turn were undone before",
            ));
        }
        Ok(row)
    }

    async fn mark(&self, row: &CheckpointRow) -> ApiResult<()> {
        let (session_id, turn_id) = (row.session_id.clone(), row.turn_id.clone());
        self.store
            .write(move |tx| checkpoint::mark_undone(tx, &session_id, &turn_id, &Timestamp::now()))
            .await
            .map(|_| ())
            .map_err(from_store)
    }

    /// Puts one file back; the sentence says what was done, or why nothing was.
    async fn restore(&self, file: &FileRow, dry_run: bool) -> Result<String, String> {
        let path = PathBuf::from(&file.path);
        let now = blocking({
            let path = path.clone();
            move || look(&path)
        })
        .await?;
        if is_as_before(file, &now) {
            return Ok("it is as it was".to_owned());
        }
        check_unchanged(file, &now)?;
        let before = match &file.before {
            Before::Absent => None,
            Before::File { sha256: None, .. } => {
                return Err(
                    "what it was before is not kept: it was too large, or too many \
                            turns changed files since"
                        .to_owned(),
                );
            }
            Before::File {
                sha256: Some(hash),
                mode,
                ..
            } => Some((self.contents.get(hash.clone()).await?, *mode)),
        };
        let note = if before.is_some() {
            "put back"
        } else {
            "removed: it was not there before"
        };
        if dry_run {
            return Ok(note.to_owned());
        }
        blocking(move || put_back(&path, before, &now)).await?;
        Ok(note.to_owned())
    }
}

/// Whether it was put back before, when other files of the turn could not be.
fn is_as_before(file: &FileRow, now: &Now) -> bool {
    match (&file.before, now) {
        (Before::Absent, Now::Nothing) => true,
        (Before::File { sha256, .. }, Now::File { sha256: now, .. }) => {
            sha256.as_ref() == Some(&hex(now))
        }
        (Before::Absent, Now::File { .. }) | (Before::File { .. }, Now::Nothing) => false,
    }
}

/// Somebody who changed the file since has the last word.
fn check_unchanged(file: &FileRow, now: &Now) -> Result<(), String> {
    let is_unchanged = match (&file.after, now) {
        // The daemon was killed between the change and the note of it: nobody knows.
        (None, _) => {
            return Err("the change was cut off in the middle; compare it by hand".to_owned());
        }
        (Some(After::Gone), Now::Nothing) => true,
        (Some(After::File(hash)), Now::File { sha256, .. }) => *hash == hex(sha256),
        (Some(After::Gone), Now::File { .. }) | (Some(After::File(_)), Now::Nothing) => false,
    };
    if is_unchanged {
        Ok(())
    } else {
        Err("it was changed again since the turn, so it stays as it is".to_owned())
    }
}
