//! From the errors of the crates below to errors of operations: the one place where that happens.

use mesoclaw_agent::model::ModelError;
use mesoclaw_agent::model_files::{ModelFilesError, ModelFilesErrorKind};
use mesoclaw_api::error::chain;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode};
use mesoclaw_config::ConfigError;
use mesoclaw_keys::KeyError;
use mesoclaw_store::StoreError;
use mesoclaw_store::repo::Lookup;

/// A failed database action; details go to the log, because they may name paths and SQL.
pub(crate) fn from_store(error: StoreError) -> ApiError {
    if matches!(error, StoreError::Closed) {
        return shutting_down();
    }
    tracing::error!(error = %chain(&error), "database");
    ApiError::new(ErrorCode::Db, "the database failed")
        .with_hint("`mesoclaw doctor` checks the database, `mesoclaw daemon logs` has the details")
}

/// A wrong key, value or file.
pub(crate) fn from_config(error: ConfigError) -> ApiError {
    let code = match &error {
        ConfigError::WriteFile { .. } | ConfigError::CreateDirectory { .. } => ErrorCode::Io,
        _ => ErrorCode::Config,
    };
    ApiError::new(code, chain(&error))
        .with_hint("`mesoclaw config show` lists all keys, docs/configuration.md explains them")
}

/// A model file that could not be had.
pub(crate) fn from_model_files(error: ModelFilesError) -> ApiError {
    let code = match error.kind {
        ModelFilesErrorKind::NotFound => ErrorCode::NotFound,
        ModelFilesErrorKind::BadFile | ModelFilesErrorKind::HashMismatch => ErrorCode::ModelFile,
        ModelFilesErrorKind::Invalid => ErrorCode::Validation,
        ModelFilesErrorKind::Conflict => ErrorCode::Conflict,
        ModelFilesErrorKind::Network => ErrorCode::AgentConnection,
        ModelFilesErrorKind::Io => ErrorCode::Io,
        ModelFilesErrorKind::Cancelled => ErrorCode::Cancelled,
    };
    ApiError {
        code,
        message: error.message,
        hint: error.hint,
    }
}

/// A key store that does not work.
pub(crate) fn from_keys(error: KeyError) -> ApiError {
    ApiError {
        code: ErrorCode::Credential,
        hint: error.hint().map(str::to_owned),
        message: chain(&error),
    }
}

/// A model that gave no answer.
pub(crate) fn from_model(error: ModelError) -> ApiError {
    ApiError {
        code: error.kind.code(),
        message: error.message,
        hint: error.hint,
    }
}

/// The daemon is on its way down.
pub(crate) fn shutting_down() -> ApiError {
    ApiError::new(ErrorCode::ShuttingDown, "the daemon is stopping")
        .with_hint("try again in a moment: the next client starts a new daemon")
}

/// The one thing a name led to.
///
/// # Errors
/// `MESO_NOT_FOUND`, or `MESO_VALIDATION` when several begin like that.
pub(crate) fn one<T>(found: Lookup<T>, what: &str, name: &str) -> ApiResult<T> {
    match found {
        Lookup::Found(found) => Ok(found),
        Lookup::Ambiguous => Err(ApiError::new(
            ErrorCode::Validation,
            format!(
                "several begin with `{}`: give more of the id",
                name.escape_debug()
            ),
        )),
        Lookup::NotFound => Err(ApiError::not_found(what, name)),
    }
}
