//! What Unix does in its own way: owners, modes and symbolic links.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// Opens no symbolic link, and does not wait for the other end of a pipe.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

pub(crate) fn open_lock_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Makes a rename in the directory survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Why keys are not kept in this file.
pub(crate) fn problem_of_file(found: &Metadata) -> Option<&'static str> {
    if found.is_symlink() {
        Some("is a symbolic link")
    } else if !found.is_file() {
        Some("is no regular file")
    } else if is_foreign(found) {
        Some("belongs to another account")
    } else if found.mode() & OTHERS != 0 {
        Some("can be opened by other accounts")
    } else {
        None
    }
}

/// Why keys are not kept in this directory.
pub(crate) fn problem_of_directory(found: &Metadata) -> Option<&'static str> {
    if !found.is_dir() {
        Some("is no directory")
    } else if is_foreign(found) {
        Some("belongs to another account")
    } else if found.mode() & OTHERS_WRITE != 0 {
        Some("can be written by other accounts")
    } else {
        None
    }
}

fn is_foreign(found: &Metadata) -> bool {
    found.uid() != rustix::process::geteuid().as_raw()
}
