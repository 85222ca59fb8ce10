//! `Directory` and `OpenFile` by path, with every part looked at for links.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::metadata::seen;
use crate::error::FileError;
use crate::workspace::{Entry, EntryKind, Seen};

/// A directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

/// A regular file, open for reading.
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
        let path = path.to_path_buf();
        if check_links(&path)?.is_dir() {
            Ok(Self { path })
        } else {
            Err(FileError::Enter { path })
        }
    }

    /// Opens a directory below this one; `relative` has no `..`.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn descend(&self, relative: &Path) -> Result<Self, FileError> {
        Self::open(&self.path.join(relative))
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
        OpenFile::open(&self.path.join(name))
    }

    /// Opens what a listing of this directory just called a regular file.
    ///
    /// # Errors
    /// As [`Directory::open_file`].
    pub fn open_listed_file(&self, name: &OsStr) -> Result<OpenFile, FileError> {
        self.open_file(name)
    }

    /// What is at a name now, without following a link; `None` when nothing is.
    ///
    /// # Errors
    /// It is no regular file.
    pub fn look(&self, name: &OsStr) -> Result<Option<Seen>, FileError> {
        let path = self.path.join(name);
        match check_links(&path) {
            Ok(metadata) => check_regular(&metadata, &path).map(|()| Some(seen(&metadata))),
            Err(FileError::Find { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Size in bytes of what is at a name, links not followed; `None` when it cannot be told.
    pub fn size_of(&self, name: &OsStr) -> Option<u64> {
        let metadata = std::fs::symlink_metadata(self.path.join(name)).ok()?;
        Some(metadata.len())
    }

    /// Gives its entries to `take`, in the order of the disk, until that says no.
    ///
    /// # Errors
    /// The system refused to read on.
    pub fn entries(&self, mut take: impl FnMut(Entry) -> bool) -> Result<(), FileError> {
        let fail = |source| FileError::Read {
            path: self.path.clone(),
            source,
        };
        for entry in std::fs::read_dir(&self.path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_or(EntryKind::Special, |kind| {
                if kind.is_symlink() {
                    EntryKind::Link
                } else if kind.is_dir() {
                    EntryKind::Directory
                } else if kind.is_file() {
                    EntryKind::File
                } else {
                    EntryKind::Special
                }
            });
            let name = entry.file_name();
            if !take(Entry { name, kind }) {
                break;
            }
        }
        Ok(())
    }
}

impl OpenFile {
    /// Opens an absolute, resolved path.
    ///
    /// # Errors
    /// Nothing is there, it is no regular file, or a link is on the way.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let fail = |source| FileError::Open {
            path: path.to_path_buf(),
            source,
        };
        check_regular(&check_links(path)?, path)?;
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        check_regular(&metadata, path)?;
        Ok(Self {
            file,
            seen: seen(&metadata),
            path: path.to_path_buf(),
        })
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

/// Looks at every part of a path; gives what is at its end.
pub(super) fn check_links(path: &Path) -> Result<Metadata, FileError> {
    let fail = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => FileError::Find {
            path: path.to_path_buf(),
        },
        _ => FileError::Open {
            path: path.to_path_buf(),
            source,
        },
    };
    for part in path.ancestors() {
        let is_link = std::fs::symlink_metadata(part).is_ok_and(|metadata| metadata.is_symlink());
        if is_link {
            return Err(FileError::FollowLink {
                path: path.to_path_buf(),
            });
        }
    }
    std::fs::symlink_metadata(path).map_err(fail)
}

fn check_regular(metadata: &Metadata, path: &Path) -> Result<(), FileError> {
    let path = path.to_path_buf();
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(FileError::OpenDirectory { path })
    } else {
        let kind = "a special file";
        Err(FileError::OpenSpecial { path, kind })
    }
}
