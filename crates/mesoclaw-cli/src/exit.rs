//! What a command ends with: an exit code, or an error that carries one.

use std::io;
use std::path::Path;

use mesoclaw_api::{ApiError, ErrorCode, TurnOutcome};
use mesoclaw_config::ConfigError;
use mesoclaw_ipc::IpcError;

/// Everything went well.
pub const OK: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// The daemon cannot be reached, or does not run.
pub const UNREACHABLE: u8 = 3;
/// Denied by policy or approval.
pub const DENIED: u8 = 5;
/// Time ran out.
pub const TIMEOUT: u8 = 124;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGTERM.
pub const TERMINATED: u8 = 143;

/// How a command that did not go well ends.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An operation failed, in the daemon or here; it is reported with its hint.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The reader of the output went away: end quietly.
    #[error("the reader of the output went away")]
    BrokenPipe,
    /// Everything was said already; only the exit code is left.
    #[error("ended with exit code {0}")]
    Said(u8),
}

/// What commands answer.
pub type CliResult<T = u8> = Result<T, CliError>;

impl CliError {
    /// A mistake on the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Api(ApiError::new(ErrorCode::InvalidParams, message))
    }

    /// A mistake on the command line, with what to do instead.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Api(ApiError::new(ErrorCode::InvalidParams, message).with_hint(hint))
    }

    /// An action on a file failed.
    pub fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::Api(ApiError::new(
            ErrorCode::Io,
            format!("could not {action} {}: {error}", path.display()),
        ))
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Api(error) => error.code.exit_code(),
            Self::BrokenPipe => OK,
            Self::Said(code) => *code,
        }
    }
}

impl From<io::Error> for CliError {
    /// Only for writing to stdout: reading and files say which file.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Api(ApiError::new(
                ErrorCode::Io,
                format!("could not write the output: {error}"),
            )),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Api(config_error(&error))
    }
}

impl From<IpcError> for CliError {
    fn from(error: IpcError) -> Self {
        Self::Api(error.into())
    }
}

/// A configuration error as an operation error, with what to do next.
pub fn config_error(error: &ConfigError) -> ApiError {
    let code = match error {
        ConfigError::ReadFile { .. }
        | ConfigError::WriteFile { .. }
        | ConfigError::CreateDirectory { .. }
        | ConfigError::CurrentDirectory { .. } => ErrorCode::Io,
        ConfigError::ParseFile { .. }
        | ConfigError::InvalidValue { .. }
        | ConfigError::UnknownKey { .. }
        | ConfigError::UnusedKey { .. }
        | ConfigError::DoubledKey { .. }
        | ConfigError::MissingCompanion { .. }
        | ConfigError::PatchNotObject { .. }
        | ConfigError::EnvironmentNotUtf8 { .. }
        | ConfigError::Assemble { .. }
        | ConfigError::NoHomeDirectory
        | ConfigError::ExpandHome { .. }
        | _ => ErrorCode::Config,
    };
    let api = ApiError::new(code, mesoclaw_api::error::chain(error));
    match error {
        ConfigError::UnknownKey { .. } => {
            api.with_hint("`mesoclaw config show` lists all settings")
        }
        ConfigError::NoHomeDirectory => api.with_hint("set MESOCLAW_HOME to a directory"),
        _ => api,
    }
}

/// The exit code of a turn that ended.
pub fn of_outcome(outcome: &TurnOutcome, was_denied: bool) -> u8 {
    match outcome {
        TurnOutcome::Completed if was_denied => DENIED,
        TurnOutcome::Completed => OK,
        TurnOutcome::Cancelled => ErrorCode::Cancelled.exit_code(),
        TurnOutcome::Interrupted => FAILED,
        TurnOutcome::LimitReached { .. } => ErrorCode::LimitReached.exit_code(),
        TurnOutcome::Failed { error_code, .. } => error_code.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::item::TurnLimit;

    use super::*;

    #[test]
    fn outcomes_have_the_exit_codes_of_the_table() {
        let failed = |error_code| TurnOutcome::Failed {
            error_code,
            message: String::new(),
            hint: None,
        };
        let cases = [
            (TurnOutcome::Completed, false, 0),
            (TurnOutcome::Completed, true, 5),
            (TurnOutcome::Cancelled, false, 130),
            (TurnOutcome::Interrupted, false, 1),
            (
                TurnOutcome::LimitReached {
                    limit: TurnLimit::Time,
                    message: String::new(),
                },
                false,
                8,
            ),
            (failed(ErrorCode::AgentNotConfigured), false, 6),
            (failed(ErrorCode::AgentAuth), false, 6),
            (failed(ErrorCode::AgentRateLimit), true, 7),
            (failed(ErrorCode::AgentContextLength), false, 8),
            (failed(ErrorCode::Internal), false, 1),
        ];
        for (outcome, was_denied, expected) in cases {
            assert_eq!(of_outcome(&outcome, was_denied), expected, "{outcome:?}");
        }
    }

    #[test]
    fn errors_have_the_exit_codes_of_the_table() {
        let cases = [
            (CliError::usage("x"), 2),
            (CliError::BrokenPipe, 0),
            (CliError::Said(TIMEOUT), 124),
            (ApiError::not_found("session", "x").into(), 4),
            (ApiError::new(ErrorCode::Unreachable, "x").into(), 3),
            (ApiError::new(ErrorCode::PolicyDenied, "x").into(), 5),
            (io::Error::from(io::ErrorKind::BrokenPipe).into(), 0),
            (io::Error::from(io::ErrorKind::StorageFull).into(), 1),
        ];
        for (error, expected) in cases {
            assert_eq!(error.exit_code(), expected, "{error:?}");
        }
    }
}
