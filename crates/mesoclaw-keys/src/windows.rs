//! What Windows does in its own way: files below the user's profile are private there through
//! inherited rights, so there are no modes to set or to look at.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(crate) fn open_lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Directories cannot be synchronised there; the rename itself is journalled.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Why keys are not kept in this file.
pub(crate) fn problem_of_file(found: &Metadata) -> Option<&'static str> {
    if found.is_symlink() {
        Some("is a symbolic link")
    } else if found.is_file() {
        None
    } else {
        Some("is no regular file")
    }
}

/// Why keys are not kept in this directory.
pub(crate) fn problem_of_directory(found: &Metadata) -> Option<&'static str> {
    if found.is_dir() {
        None
    } else {
        Some("is no directory")
    }
}
