//! The lock that keeps a second daemon off the same data, and the note who holds it.
//!
//! The lock is the system's lock on the open file, held for life; the text in the file only tells
//! others whom to talk to. A file left by a dead daemon is therefore no obstacle.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mesoclaw_api::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Found;
use crate::platform::{self, Blocked};

/// [`holder`] takes a shared lock for a moment; a daemon that starts in that moment tries again.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Who holds the lock, and where to reach it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LockInfo {
    /// Process id of the daemon.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// Where it listens.
    pub socket: PathBuf,
    /// Its version.
    pub version: String,
}

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another daemon has it.
    #[error("another daemon runs on this data{}", named(info.as_ref()))]
    Held {
        /// Which; `None` when it did not say yet.
        info: Option<LockInfo>,
    },

    /// Something else is at the path.
    #[error("{} cannot be the lock file: {found}", path.display())]
    NotOurs {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: Found,
    },

    /// The file could not be opened.
    #[error("could not open the lock file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The system could not lock the file, for example on some network file systems.
    #[error("could not lock {}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The note in the file could not be written.
    #[error("could not write the lock file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to be the one daemon on some data, as long as this value lives.
#[derive(Debug)]
pub struct DaemonLock {
    file: File,
    path: PathBuf,
}

impl DaemonLock {
    /// Takes the lock and writes down who has it. Blocks for at most 50 ms.
    ///
    /// # Errors
    /// [`LockError::Held`] names the daemon that has it; others say why the file cannot be used.
    pub fn acquire(path: &Path, info: &LockInfo) -> Result<Self, LockError> {
        let file = take(path)?;
        let write = |source| LockError::Write {
            path: path.to_owned(),
            source,
        };
        let mut text = serde_json::to_vec(info).map_err(|error| write(error.into()))?;
        text.push(b'\n');
        platform::write_lock_text(&file, path, &text).map_err(write)?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }
}

impl Drop for DaemonLock {
    fn drop(&mut self) {
        // The file stays: deleting it would let two daemons lock two files of one name.
        if let Err(error) = platform::write_lock_text(&self.file, &self.path, b"") {
            tracing::warn!(path = %self.path.display(), %error, "could not empty the lock file");
        }
    }
}

/// What the lock file says, whether or not anybody holds the lock. `None` when it says nothing or
/// is not a file of this user.
pub fn read(path: &Path) -> Option<LockInfo> {
    serde_json::from_slice(&platform::read_lock_text(path)?).ok()
}

/// The daemon that holds the lock now; `None` when nobody does.
pub fn holder(path: &Path) -> Option<LockInfo> {
    if is_held(path) { read(path) } else { None }
}

/// Whether somebody holds the lock now.
pub(crate) fn is_held(path: &Path) -> bool {
    let Ok(file) = platform::open_existing(path) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn take(path: &Path) -> Result<File, LockError> {
    let mut file = open(path)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) if platform::is_at(&file, path) => return Ok(file),
            // Somebody removed the file after it was opened: a lock on it would keep nobody out.
            Ok(()) => file = open(path)?,
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(source)) => {
                return Err(LockError::Lock {
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
    Err(LockError::Held { info: read(path) })
}

fn open(path: &Path) -> Result<File, LockError> {
    platform::open_private(path, false).map_err(|blocked| match blocked {
        Blocked::Found(found) => LockError::NotOurs {
            path: path.to_owned(),
            found,
        },
        Blocked::Io(source) => LockError::Open {
            path: path.to_owned(),
            source,
        },
    })
}

fn named(info: Option<&LockInfo>) -> String {
    info.map(|info| {
        format!(
            ": pid {}, version {}, started {}, at {}",
            info.pid,
            info.version,
            info.started_at,
            info.socket.display()
        )
    })
    .unwrap_or_default()
}
