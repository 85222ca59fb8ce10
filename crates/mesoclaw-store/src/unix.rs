//! What Unix does in its own way: file modes.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Takes the rights of group and others away where there are any.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let of_others = std::fs::metadata(path)?.permissions().mode() & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Makes a rename in the directory survive a power cut.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The path with the links of its directory resolved: SQLite is told to follow none, and a linked
/// home directory is not what that is meant against.
pub(crate) fn with_real_directory(path: &Path) -> io::Result<PathBuf> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut real = directory.canonicalize()?;
    if let Some(name) = path.file_name() {
        real.push(name);
    }
    Ok(real)
}

#[cfg(test)]
#[path = "unix/tests.rs"]
mod tests;
