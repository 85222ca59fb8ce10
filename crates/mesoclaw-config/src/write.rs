//! Writes a file so that a reader sees the old text or the new one, never a part.
//!
//! It does not lock: of two writers at the same time the later one wins.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ConfigError;
use crate::platform;

/// Replaces the file at `path`, which is then readable for its owner alone.
///
/// A symbolic link stays one: the file it points to is replaced.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), ConfigError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |source| ConfigError::WriteFile {
        path: path.to_owned(),
        source,
    };
    let directory = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    create_directory(directory)?;
    let temporary = temporary_name(&target, directory);
    write_and_rename(&temporary, &target, directory, text).map_err(|source| {
        // The first failure is the one to report; a file left behind is harmless.
        fs::remove_file(&temporary).ok();
        failed(source)
    })
}

/// Creates a directory and its parents, open to the owner alone; fine when it is there already.
pub(crate) fn create_directory(path: &Path) -> Result<(), ConfigError> {
    platform::create_private_directory(path).map_err(|source| ConfigError::CreateDirectory {
        path: path.to_owned(),
        source,
    })
}

fn write_and_rename(
    temporary: &Path,
    target: &Path,
    directory: &Path,
    text: &str,
) -> io::Result<()> {
    // Its name holds our process id, so whoever left one behind is gone.
    fs::remove_file(temporary).ok();
    let mut file = platform::create_private_file(temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, target)?;
    platform::sync_directory(directory)
}

fn temporary_name(target: &Path, directory: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    directory.join(format!(".{name}.{}.{number}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_and_replaced_and_nothing_is_left_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/config.toml");
        for text in ["one\n", "two\n"] {
            write_private(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let names: Vec<_> = fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["config.toml"]);
    }

    #[test]
    fn a_write_that_fails_names_the_path_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.toml");
        fs::create_dir(&path).unwrap();
        let error = write_private(&path, "x").unwrap_err();
        assert!(matches!(error, ConfigError::WriteFile { path: named, .. } if named == path));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
