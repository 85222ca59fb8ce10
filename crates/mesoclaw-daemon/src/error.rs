//! Why a daemon did not start, or did not end in order.

use std::path::PathBuf;

use mesoclaw_api::error::chain;
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_config::ConfigError;
use mesoclaw_core::StoreError;
use mesoclaw_ipc::IpcError;
use mesoclaw_ipc::lock::LockError;

/// Why a daemon did not start, or did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Configuration or its folders.
    #[error("the configuration is not usable")]
    Configure(#[source] ConfigError),
    /// Another daemon runs, or the lock file is not ours.
    #[error("the daemon did not start")]
    Lock(#[source] LockError),
    /// The log folder.
    #[error("the log folder {} is not usable", path.display())]
    OpenLog {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: tracing_appender::rolling::InitError,
    },
    /// The database.
    #[error("the database is not usable")]
    OpenStore(#[source] StoreError),
    /// The socket.
    #[error("the socket is not usable")]
    Bind(#[source] IpcError),
    /// The runtime or signal handlers.
    #[error("the system refused what a daemon needs")]
    System(#[source] std::io::Error),
    /// The end was not in order.
    #[error("the daemon did not end in order")]
    Close(#[source] StoreError),
}

impl DaemonError {
    /// The same as an error of an operation, for the command line.
    pub fn api(&self) -> ApiError {
        let code = match self {
            Self::Configure(_) => ErrorCode::Config,
            Self::Lock(LockError::Held { .. }) => ErrorCode::Conflict,
            Self::Lock(_) | Self::OpenLog { .. } | Self::Bind(_) | Self::System(_) => ErrorCode::Io,
            Self::OpenStore(_) | Self::Close(_) => ErrorCode::Db,
        };
        ApiError::new(code, chain(self)).with_hint("`mesoclaw doctor` looks for the cause")
    }
}
