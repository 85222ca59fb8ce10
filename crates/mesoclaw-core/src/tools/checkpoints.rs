//! What files were before a turn changed them: contents in files named after their hash, rows in
//! the database, and putting them back.

mod content;
mod undo;

use std::path::PathBuf;
use std::sync::Arc;

use mesoclaw_agent::tool::{Checkpoints, FileImage};
use mesoclaw_api::{BoxFuture, SessionId, Timestamp, TurnId};
use mesoclaw_store::Store;
use mesoclaw_store::repo::checkpoint::{self, After, Before};

use crate::config_service::ConfigService;
use crate::images::hex;
use crate::tools::checkpoints::content::Contents;

/// Keeps contents and rows of all turns.
pub(crate) struct CheckpointFiles {
    store: Store,
    contents: Contents,
    config: Arc<ConfigService>,
    /// Held while contents and rows are changed together: what one call keeps, another must not
    /// drop before there is a row that names it.
    changing: tokio::sync::Mutex<()>,
}

impl CheckpointFiles {
    /// `dir` is where contents are kept: outside of every workspace, ours alone.
    pub fn new(store: Store, dir: PathBuf, config: Arc<ConfigService>) -> Self {
        Self {
            store,
            contents: Contents::new(dir),
            config,
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps the contents of a file that was not touched by the turn so far.
    async fn keep(
        &self,
        session_id: SessionId,
        turn_id: TurnId,
        path: String,
        before: Option<FileImage>,
    ) -> Result<(), String> {
        let _changing = self.changing.lock().await;
        let (session, turn, known) = (session_id.clone(), turn_id.clone(), path.clone());
        let is_recorded = self
            .store
            .read(move |conn| checkpoint::is_recorded(conn, &session, &turn, &known))
            .await
            .map_err(|error| cannot(&error))?;
        if is_recorded {
            return Ok(());
        }
        let before = match before {
            None => Before::Absent,
            Some(image) => {
                let sha256 = match image.content {
                    Some(content) => Some(self.contents.put(content).await?),
                    None => None,
                };
                Before::File {
                    bytes: image.bytes,
                    mode: Some(image.mode),
                    sha256,
                }
            }
        };
        self.store
            .write(move |tx| {
                let now = Timestamp::now();
                checkpoint::record_before(tx, &session_id, &turn_id, &path, &before, &now)
            })
            .await
            .map_err(|error| cannot(&error))?;
        self.collect().await;
        Ok(())
    }

    /// Drops the contents of the oldest turns beyond `checkpoint_max_bytes`, and contents nobody
    /// refers to. What cannot be dropped now is dropped the next time.
    async fn collect(&self) {
        let max_bytes = self.config.current().config.checkpoint_max_bytes;
        let dropped = self
            .store
            .write(move |tx| checkpoint::drop_beyond(tx, max_bytes))
            .await;
        match dropped {
            Ok(hashes) => self.contents.remove(hashes).await,
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "checkpoints not bounded");
            }
        }
    }

    /// Removes contents that no row refers to: those of sessions that were deleted, and what a
    /// killed daemon left. To be called at start.
    pub async fn sweep(&self) {
        let _changing = self.changing.lock().await;
        match self.store.read(checkpoint::referenced).await {
            Ok(referenced) => self.contents.retain(referenced).await,
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "checkpoints not swept");
            }
        }
    }
}

fn cannot(error: &mesoclaw_store::StoreError) -> String {
    tracing::error!(error = %mesoclaw_api::error::chain(error), "checkpoint");
    "what the file was before could not be written down, so it is not changed; \
     `mesoclaw doctor` checks the database"
        .to_owned()
}

/// The checkpoint of one turn.
pub(crate) struct TurnCheckpoints {
    files: Arc<CheckpointFiles>,
    session_id: SessionId,
    turn_id: TurnId,
}

impl TurnCheckpoints {
    pub fn new(files: Arc<CheckpointFiles>, session_id: SessionId, turn_id: TurnId) -> Self {
        Self {
            files,
            session_id,
            turn_id,
        }
    }
}

impl Checkpoints for TurnCheckpoints {
    fn max_file_bytes(&self) -> u64 {
        self.files.config.current().config.checkpoint_file_max_bytes
    }

    fn before_write(
        &self,
        path: PathBuf,
        before: Option<FileImage>,
    ) -> BoxFuture<'static, Result<(), String>> {
        let files = Arc::clone(&self.files);
        let (session_id, turn_id) = (self.session_id.clone(), self.turn_id.clone());
        Box::pin(async move {
            let path = text_of(&path)?;
            files.keep(session_id, turn_id, path, before).await
        })
    }

    fn after_write(
        &self,
        path: PathBuf,
        sha256: Option<[u8; 32]>,
    ) -> BoxFuture<'static, Result<(), String>> {
        let store = self.files.store.clone();
        let (session_id, turn_id) = (self.session_id.clone(), self.turn_id.clone());
        Box::pin(async move {
            let path = text_of(&path)?;
            let after = sha256.map_or(After::Gone, |hash| After::File(hex(&hash)));
            store
                .write(move |tx| checkpoint::record_after(tx, &session_id, &turn_id, &path, &after))
                .await
                .map(|_| ())
                .map_err(|error| cannot(&error))
        })
    }
}

/// For a tool that is run by itself, outside of every session: there is nothing to undo it in.
pub(crate) struct Unkept;

impl Checkpoints for Unkept {
    fn max_file_bytes(&self) -> u64 {
        0
    }

    fn before_write(
        &self,
        _path: PathBuf,
        _before: Option<FileImage>,
    ) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn after_write(
        &self,
        _path: PathBuf,
        _sha256: Option<[u8; 32]>,
    ) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Rows hold text: a path that is none cannot be undone, so it is not changed.
fn text_of(path: &std::path::Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        format!(
            "the name of {} is no valid text, so its change could not be undone; it is not changed",
            path.display()
        )
    })
}
