//! What Windows does in its own way: private files, process groups, free space.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Child, Command};

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Options for a new file; the profile folder is private already.
pub(crate) fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Opens a file for reading; the caller has looked for links before.
pub(crate) fn open_without_links(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Directories cannot be flushed here; the file system's journal does it.
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Not known here.
pub(crate) fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

pub(crate) fn in_own_group(_command: &mut Command) {}

/// Kills the child.
pub(crate) fn kill_group(child: &mut Child) {
    // An error means that it has ended already.
    child.kill().ok();
}
