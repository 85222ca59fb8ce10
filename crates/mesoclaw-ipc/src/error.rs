//! What can go wrong between a client and the daemon, and what a person does about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use mesoclaw_api::error::chain;
use mesoclaw_api::{ApiError, ErrorCode};

/// What stands at a path where something else is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A device, a pipe or something else.
    Special,
    /// Something of another user, by its number.
    OfUser(u32),
    /// A directory that every user may write to.
    SharedDirectory,
    /// A socket that somebody listens on.
    Listening,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symlink => f.write_str("a symbolic link is there"),
            Self::Directory => f.write_str("a directory is there"),
            Self::File => f.write_str("a regular file is there"),
            Self::Special => f.write_str("a special file is there"),
            Self::OfUser(uid) => write!(f, "what is there belongs to user {uid}"),
            Self::SharedDirectory => f.write_str("that directory is shared with other users"),
            Self::Listening => f.write_str("another program listens there"),
        }
    }
}

/// An action on the local socket that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IpcError {
    /// The directory of the socket could not be made or made private.
    #[error("could not prepare the directory {}", path.display())]
    PrepareDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The directory of the socket is not one to trust.
    #[error("{} cannot hold the socket: {found}", path.display())]
    UntrustedDirectory {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: Found,
    },

    /// The path of the socket could not be looked at.
    #[error("could not look at {}", path.display())]
    Inspect {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The path of the socket is taken.
    #[error("could not listen at {}: {found}", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: Found,
    },

    /// A socket that nobody listens on could not be removed.
    #[error("could not remove the stale socket {}", path.display())]
    RemoveStale {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The socket could not be opened for listening.
    #[error("could not listen at {}", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// Nobody listens at the path.
    #[error("no daemon listens at {}", path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
    },

    /// What stands at the path is not a socket of this user.
    #[error("{} is not the daemon's socket: {found}", path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: Found,
    },

    /// The connection could not be made.
    #[error("could not connect to {}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The other end of the connection runs as another user.
    #[error("the other end of the connection is not this user{}", user(*uid))]
    ForeignPeer {
        /// Its number; `None` when the system does not tell.
        uid: Option<u32>,
    },

    /// The daemon did not answer the handshake.
    #[error("the daemon at {} did not answer within {} s", path.display(), after.as_secs())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },

    /// The connection ended before the daemon answered the handshake: it is going down, or it runs
    /// as another user.
    #[error("the daemon at {} closed the connection", path.display())]
    Closed {
        /// The socket.
        path: PathBuf,
    },

    /// The daemon answered the handshake with an error.
    #[error("the daemon refused the connection")]
    Refused(#[source] ApiError),

    /// The log file of the daemon could not be opened.
    #[error("could not open the log file {}", path.display())]
    OpenLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The daemon program could not be started.
    #[error("could not start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The daemon program ended before it listened.
    #[error("the daemon ended while it started ({status}){}", said(log_tail))]
    StartFailed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to stderr.
        log_tail: String,
    },

    /// The daemon did not listen in time.
    #[error("the daemon did not listen within {} ms{}", after.as_millis(), said(log_tail))]
    StartTimeout {
        /// How long was waited.
        after: Duration,
        /// The end of what it wrote to stderr.
        log_tail: String,
    },
}

impl IpcError {
    /// Whether it only says that no daemon is there, or not any more, so that one may be started.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Closed { .. })
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Absent { .. } => "start it with `mesoclaw daemon start`",
            Self::PrepareDirectory { .. } | Self::Inspect { .. } => {
                "check the rights of that directory, or set MESOCLAW_HOME to one of yours"
            }
            Self::UntrustedDirectory { .. } => {
                "set MESOCLAW_HOME to a directory of your own; `mesoclaw doctor` checks it"
            }
            Self::Occupied {
                found: Found::Listening,
                ..
            } => "stop that program (`mesoclaw daemon stop` if it is a daemon), then start again",
            Self::Occupied { .. } | Self::NotOurs { .. } => {
                "look at what is there and move it away, then start again"
            }
            Self::RemoveStale { .. } => "remove that file, then start again",
            Self::ForeignPeer { .. } => "run the client as the user the daemon runs as",
            Self::Bind { .. } | Self::Connect { .. } | Self::OpenLog { .. } => {
                "`mesoclaw doctor` checks files and rights"
            }
            Self::NoAnswer { .. } | Self::Closed { .. } => {
                "look at `mesoclaw daemon logs`, then `mesoclaw daemon restart`"
            }
            Self::Start { .. } => "check that the program is installed; `mesoclaw doctor` tells",
            Self::StartFailed { .. } | Self::StartTimeout { .. } => {
                "look at `mesoclaw daemon logs`, or run `mesoclaw daemon run` to see why"
            }
            Self::Refused(_) => return None,
        })
    }
}

impl From<IpcError> for ApiError {
    fn from(error: IpcError) -> Self {
        let hint = error.hint();
        if let IpcError::Refused(error) = error {
            return error;
        }
        let error = Self::new(ErrorCode::Unreachable, chain(&error));
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// The error of a call whose connection ended before the answer.
pub(crate) fn connection_ended() -> ApiError {
    ApiError::new(
        ErrorCode::Unreachable,
        "the connection to the daemon ended before the answer",
    )
    .with_hint("start the daemon with `mesoclaw daemon start`, or look at `mesoclaw daemon logs`")
}

fn user(uid: Option<u32>) -> String {
    uid.map(|uid| format!(" but user {uid}"))
        .unwrap_or_default()
}

fn said(log_tail: &str) -> String {
    if log_tail.is_empty() {
        String::new()
    } else {
        format!(", saying: {log_tail}")
    }
}
