//! `Place`: where a file is written or removed, by path.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::directory::{Directory, OpenFile, check_links};
use crate::error::FileError;
use crate::workspace::Seen;

/// Where a file is, or will be: a directory and a name in it.
#[derive(Debug)]
pub struct Place {
    directory: Directory,
    name: OsString,
    path: PathBuf,
}

impl Place {
    /// Opens the directory of an absolute, resolved path.
    ///
    /// # Errors
    /// There is no such directory, or a link is on the way.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let (parent, name) = split(path)?;
        Ok(Self {
            directory: Directory::open(parent)?,
            name: name.to_owned(),
            path: path.to_path_buf(),
        })
    }

    /// The same, and makes the directories that are missing.
    ///
    /// # Errors
    /// As [`Place::open`], or a directory cannot be made.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let (parent, _) = split(path)?;
        if let Err(FileError::Find { .. }) = check_links(parent) {
            std::fs::create_dir_all(parent).map_err(|source| FileError::Write {
                path: parent.to_path_buf(),
                source,
            })?;
        }
        Self::open(path)
    }

    /// Opens what is there; `None` when nothing is.
    ///
    /// # Errors
    /// It is no regular file, or cannot be opened.
    pub fn existing(&self) -> Result<Option<OpenFile>, FileError> {
        match self.directory.open_file(&self.name) {
            Ok(file) => Ok(Some(file)),
            Err(FileError::Find { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts `content` there in one step: whoever looks sees the old file or the new one. `before`
    /// is what was there when the change was made up; anything else there now is left alone.
    ///
    /// # Errors
    /// The target changed meanwhile, is read-only, or the disk refused. The old file is still
    /// there then.
    pub fn replace(&self, content: &[u8], before: Option<&Seen>) -> Result<(), FileError> {
        if before.is_some_and(|before| before.mode & 0o200 == 0) {
            return Err(FileError::WriteReadOnly {
                path: self.path.clone(),
            });
        }
        let fail = |source| FileError::Write {
            path: self.path.clone(),
            source,
        };
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| fail(std::io::Error::other(error.to_string())))?;
        let name = format!(".mesoclaw-{:016x}.tmp", u64::from_ne_bytes(random));
        let temporary = self.directory.path().join(name);
        let put = write_new(&temporary, content)
            .map_err(fail)
            .and_then(|()| self.check_unchanged(before))
            .and_then(|()| std::fs::rename(&temporary, &self.path).map_err(fail));
        if put.is_err() {
            // Nothing more can be done about a file that stays behind.
            std::fs::remove_file(&temporary).ok();
        }
        put
    }

    /// Removes the file that was seen.
    ///
    /// # Errors
    /// It changed meanwhile, or the disk refused.
    pub fn remove(&self, before: &Seen) -> Result<(), FileError> {
        self.check_unchanged(Some(before))?;
        std::fs::remove_file(&self.path).map_err(|source| FileError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn check_unchanged(&self, before: Option<&Seen>) -> Result<(), FileError> {
        match self.directory.look(&self.name) {
            Ok(now) if now.as_ref() == before => Ok(()),
            Ok(_) | Err(_) => Err(FileError::ReplaceChanged {
                path: self.path.clone(),
            }),
        }
    }
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn split(path: &Path) -> Result<(&Path, &OsStr), FileError> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(FileError::OpenDirectory {
            path: path.to_path_buf(),
        }),
    }
}
