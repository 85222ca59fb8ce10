//! What Windows does in its own way: no file modes.
//!
//! Files and directories below the user's profile are private there through inherited rights.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Directories cannot be synchronised there; the rename itself is journalled.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn with_real_directory(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}
