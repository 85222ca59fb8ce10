//! What Windows does in its own way: no file modes, no user number, a named pipe for the socket.
//!
//! Files and directories below the user's profile are private there through inherited rights.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::paths::{Locations, fnv1a};

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Directories cannot be synchronised there; the rename itself is journalled.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn user_id() -> u32 {
    0
}

pub(crate) fn is_own_directory(path: &Path) -> bool {
    path.is_dir()
}

/// A pipe whose name follows from the runtime directory.
pub(crate) fn socket_endpoint(runtime_dir: &Path, _locations: &Locations) -> PathBuf {
    let hash = fnv1a(runtime_dir.as_os_str().as_encoded_bytes());
    PathBuf::from(format!(r"\\.\pipe\mesoclaw-{hash:016x}"))
}
