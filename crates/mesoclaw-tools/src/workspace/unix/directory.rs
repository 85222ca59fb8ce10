//! `Directory` and `OpenFile`: handles that were reached without following a link.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use super::metadata::seen;
use super::walk::{explain, open_below, open_directory};
use crate::error::FileError;
use crate::workspace::{Entry, EntryKind, Seen};

/// A directory by handle.
#[derive(Debug)]
pub struct Directory {
    handle: OwnedFd,
    path: PathBuf,
}

/// A regular file by handle, open for reading.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    seen: Seen,
    path: PathBuf,
}

impl Directory {
    /// Opens an absolute, resolved path.
    ///
    /// # Errors
    /// Nothing is there, it is no directory, or a link is on the way.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self {
            handle: open_directory(path)?,
            path: path.to_path_buf(),
        })
    }

    /// Opens a directory below this one; `relative` has no `..`.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn descend(&self, relative: &Path) -> Result<Self, FileError> {
        let path = self.path.join(relative);
        let handle = open_below(&self.handle, relative).map_err(|errno| explain(errno, &path))?;
        Ok(Self { handle, path })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file in it.
    ///
    /// # Errors
    /// Nothing is there, it is no regular file, or a link.
    pub fn open_file(&self, name: &OsStr) -> Result<OpenFile, FileError> {
        let path = self.path.join(name);
        let fail = |errno| explain(errno, &path);
        // Opening a device can already do something, so what is there is looked at first, and the
        // handle once more in case it was swapped.
        let before = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
        check_regular(&before, &path)?;
        self.open_listed_file(name)
    }

    /// Opens what a listing of this directory just called a regular file.
    ///
    /// # Errors
    /// As [`Directory::open_file`].
    pub fn open_listed_file(&self, name: &OsStr) -> Result<OpenFile, FileError> {
        let path = self.path.join(name);
        let fail = |errno| explain(errno, &path);
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let handle = openat(&self.handle, name, flags, Mode::empty()).map_err(fail)?;
        let stat = fstat(&handle).map_err(fail)?;
        check_regular(&stat, &path)?;
        Ok(OpenFile {
            file: File::from(handle),
            seen: seen(&stat),
            path,
        })
    }

    /// What is at a name now, without following a link; `None` when nothing is.
    ///
    /// # Errors
    /// It is no regular file.
    pub fn look(&self, name: &OsStr) -> Result<Option<Seen>, FileError> {
        let path = self.path.join(name);
        match statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => check_regular(&stat, &path).map(|()| Some(seen(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(explain(errno, &path)),
        }
    }

    /// Size in bytes of what is at a name, links not followed; `None` when it cannot be told.
    pub fn size_of(&self, name: &OsStr) -> Option<u64> {
        let stat = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    }

    /// Gives its entries to `take`, in the order of the disk, until that says no.
    ///
    /// # Errors
    /// The system refused to read on.
    pub fn entries(&self, mut take: impl FnMut(Entry) -> bool) -> Result<(), FileError> {
        let fail = |errno: Errno| FileError::Read {
            path: self.path.clone(),
            source: errno.into(),
        };
        for entry in Dir::read_from(&self.handle).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind_of(name),
                kind => entry_kind(kind),
            };
            let name = OsString::from(name);
            if !take(Entry { name, kind }) {
                break;
            }
        }
        Ok(())
    }

    /// Some file systems do not say in the list what an entry is.
    fn kind_of(&self, name: &OsStr) -> EntryKind {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).map_or(EntryKind::Special, |stat| {
            entry_kind(FileType::from_raw_mode(stat.st_mode))
        })
    }

    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    pub(super) fn from_parts(handle: OwnedFd, path: PathBuf) -> Self {
        Self { handle, path }
    }
}

impl OpenFile {
    /// Opens an absolute, resolved path.
    ///
    /// # Errors
    /// Nothing is there, it is no regular file, or a link is on the way.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Directory::open(parent)?.open_file(name),
            _ => Err(FileError::OpenDirectory {
                path: path.to_path_buf(),
            }),
        }
    }

    /// What it was when it was opened.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The handle.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads at most `max` bytes from where it stands.
    ///
    /// # Errors
    /// The system refused.
    pub fn read_up_to(&mut self, max: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        (&self.file)
            .take(max)
            .read_to_end(&mut bytes)
            .map_err(|source| FileError::Read {
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }
}

fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Special,
    }
}

fn check_regular(stat: &Stat, path: &Path) -> Result<(), FileError> {
    let path = path.to_path_buf();
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => return Err(FileError::OpenDirectory { path }),
        FileType::Symlink => return Err(FileError::FollowLink { path }),
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        FileType::Unknown => "a special file",
    };
    Err(FileError::OpenSpecial { path, kind })
}
