//! `ModelFiles`: the model files of the embedded engine, as the core sees them.

use std::sync::Arc;

use mesoclaw_api::BoxFuture;
use mesoclaw_api::ops::model::{ImportParams, ModelFile, PullParams};

/// A flag that long work looks at between two steps.
pub trait CancelToken: Send + Sync {
    /// Whether the work should end.
    fn is_cancelled(&self) -> bool;
}

/// Takes news of a transfer.
pub trait ProgressSink: Send + Sync {
    /// So much is there; called at most a few times a second.
    fn progress(&self, progress: PullProgress);
}

/// News of a transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PullProgress {
    /// What is going on, in words (`downloading`, `checking`, ...).
    pub stage: &'static str,
    /// Bytes there so far.
    pub received_bytes: u64,
    /// Bytes in all, where known.
    pub total_bytes: Option<u64>,
}

/// Keeps the model files of the embedded engine.
pub trait ModelFiles: Send + Sync {
    /// The catalogue and what is installed, in catalogue order, then by id.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelFile>, ModelFilesError>>;

    /// One model.
    fn info(&self, model_id: &str) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>>;

    /// Fetches a file, checks it, and only then installs it.
    ///
    /// # Cancellation
    /// By the token; what arrived is kept and taken up by the next pull.
    fn pull(
        &self,
        params: PullParams,
        progress: Arc<dyn ProgressSink>,
        cancel: Arc<dyn CancelToken>,
    ) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>>;

    /// Copies a file of this machine, after checking it.
    fn import(&self, params: ImportParams) -> BoxFuture<'_, Result<ModelFile, ModelFilesError>>;

    /// Deletes an installed file; a loaded model is unloaded first.
    fn remove(&self, model_id: &str) -> BoxFuture<'_, Result<(), ModelFilesError>>;

    /// Id of the model in memory now.
    fn loaded(&self) -> Option<String>;

    /// Id of the catalogue model that suits this machine's memory.
    fn recommended(&self) -> String;
}

/// Why a model file could not be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ModelFilesError {
    /// The class of the failure.
    pub kind: ModelFilesErrorKind,
    /// For people, with the cause in it.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The class of a model file failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModelFilesErrorKind {
    /// No such model, file or package.
    NotFound,
    /// The file is damaged, truncated, or of a kind the engine cannot run.
    BadFile,
    /// The hash is not the expected one.
    HashMismatch,
    /// An argument is not acceptable.
    Invalid,
    /// It is there already, or being fetched.
    Conflict,
    /// The source could not be reached.
    Network,
    /// Disk: full, not readable, not writable.
    Io,
    /// Somebody stopped it.
    Cancelled,
}
