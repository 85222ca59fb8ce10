//! Files that belong to the owner alone: read with care, replaced as a whole, guarded by a lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::platform;

const LOCK_FILE: &str = "keystore.lock";

/// Longer than a call to the keyring takes under the lock of another process.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
const TRY_EVERY: Duration = Duration::from_millis(10);

/// Nobody else changes keys while this lives.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    /// The lock goes with the file, also when the process dies.
    _file: File,
}

/// Waits until no other thread or process changes keys in the directory, which is created if needed.
pub(crate) fn lock(directory: &Path) -> Result<DirectoryLock, KeyError> {
    ensure_directory(directory)?;
    let path = directory.join(LOCK_FILE);
    let failed = |source| write_failed(&path, source);
    let file = platform::open_lock_file(&path).map_err(failed)?;
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(DirectoryLock { _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(TRY_EVERY);
            }
            Err(TryLockError::WouldBlock) => return Err(KeyError::Wait { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Creates the directory for the owner alone, and refuses one that others can write.
fn ensure_directory(directory: &Path) -> Result<(), KeyError> {
    platform::create_private_directory(directory)
        .map_err(|source| write_failed(directory, source))?;
    let found = fs::metadata(directory).map_err(|source| read_failed(directory, source))?;
    distrust(directory, platform::problem_of_directory(&found))
}

/// The bytes of a file of ours, or `None` when it is not there.
///
/// # Errors
/// When it is a symbolic link, belongs to somebody else, others may read it, or it is longer than
/// `limit_bytes`.
pub(crate) fn read_private(
    path: &Path,
    limit_bytes: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let failed = |source| read_failed(path, source);
    if !check_place(path)? {
        return Ok(None);
    }
    let file = match platform::open_to_read(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    // The name may have changed hands since it was looked at; the open file cannot.
    let found = file.metadata().map_err(failed)?;
    distrust(path, platform::problem_of_file(&found))?;
    if found.len() > limit_bytes {
        distrust(path, Some("is much too long"))?;
    }
    // One byte more than there is, so that the buffer never moves and leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(found.len() as usize + 1));
    file.take(found.len())
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Some(bytes))
}

/// Replaces a file: a reader, or a power cut, finds the old bytes or the new ones.
///
/// The caller holds the lock of the directory.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    check_place(path)?;
    let temporary = temporary_name(path);
    write_and_rename(&temporary, path, bytes).map_err(|source| {
        // The first failure is the one to report; a file left behind is replaced by the next write.
        fs::remove_file(&temporary).ok();
        write_failed(path, source)
    })
}

/// Removes a file; fine when it is not there.
pub(crate) fn remove(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(write_failed(path, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether something is there, which then is a file of ours.
fn check_place(path: &Path) -> Result<bool, KeyError> {
    match fs::symlink_metadata(path) {
        Ok(found) => distrust(path, platform::problem_of_file(&found)).map(|()| true),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(read_failed(path, source)),
    }
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Whoever left one behind is gone: the lock of the directory is ours.
    fs::remove_file(temporary).ok();
    let mut file = platform::create_private_file(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    platform::sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

fn distrust(path: &Path, problem: Option<&'static str>) -> Result<(), KeyError> {
    match problem {
        None => Ok(()),
        Some(problem) => Err(KeyError::TrustFile {
            path: path.to_owned(),
            problem,
        }),
    }
}

fn read_failed(path: &Path, source: io::Error) -> KeyError {
    KeyError::ReadFile {
        path: path.to_owned(),
        source,
    }
}

fn write_failed(path: &Path, source: io::Error) -> KeyError {
    KeyError::WriteFile {
        path: path.to_owned(),
        source,
    }
}
