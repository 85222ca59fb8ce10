//! Files and directories below the user's own, which other users have no access to by default.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory and those above it that are missing; one that is there stays as it is.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// Makes a file that is not there yet.
pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
