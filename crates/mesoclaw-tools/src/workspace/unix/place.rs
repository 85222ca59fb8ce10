//! `Place`: a name in a directory handle, where a file is written or removed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, accessat, fchmod, fchown, mkdirat,
    openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::directory::{Directory, OpenFile};
use super::walk::{explain, open_directory};
use crate::error::FileError;
use crate::workspace::Seen;

/// Where a file is, or will be: a directory handle and a name in it.
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
        let (parent, name) = split(path)?;
        let directory = match Directory::open(parent) {
            Err(FileError::Find { .. }) => create_directories(parent)?,
            opened => opened?,
        };
        Ok(Self {
            directory,
            name: name.to_owned(),
            path: path.to_path_buf(),
        })
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
    /// Keeps permission bits, and the owner where the system lets us.
    ///
    /// # Errors
    /// The target changed meanwhile, is read-only, or the disk refused. The old file is still
    /// there then.
    pub fn replace(&self, content: &[u8], before: Option<&Seen>) -> Result<(), FileError> {
        if before.is_some() {
            self.check_writable()?;
        }
        let temporary = Temporary::create(self, before)?;
        temporary
            .write(content)
            .map_err(|source| self.failed(source))?;
        self.check_unchanged(before)?;
        self.put(temporary, before.is_none())?;
        // The rename is on disk when the directory is. A file system that cannot do that for a
        // directory has told so by an error that helps nobody.
        rustix::fs::fsync(self.directory.handle()).ok();
        Ok(())
    }

    /// Removes the file that was seen.
    ///
    /// # Errors
    /// It changed meanwhile, or the disk refused.
    pub fn remove(&self, before: &Seen) -> Result<(), FileError> {
        self.check_unchanged(Some(before))?;
        unlinkat(self.directory.handle(), &self.name, AtFlags::empty())
            .map_err(|errno| self.failed(errno.into()))?;
        rustix::fs::fsync(self.directory.handle()).ok();
        Ok(())
    }

    /// A rename would go past the permissions of the file itself.
    fn check_writable(&self) -> Result<(), FileError> {
        let access = accessat(
            self.directory.handle(),
            &self.name,
            Access::WRITE_OK,
            AtFlags::EACCESS,
        );
        match access {
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Err(FileError::WriteReadOnly {
                path: self.path.clone(),
            }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn check_unchanged(&self, before: Option<&Seen>) -> Result<(), FileError> {
        let changed = || FileError::ReplaceChanged {
            path: self.path.clone(),
        };
        match self.directory.look(&self.name) {
            Ok(now) if now.as_ref() == before => Ok(()),
            // A link, a pipe or a directory took its place.
            Err(error) if before.is_none() => Err(error),
            Ok(_) | Err(_) => Err(changed()),
        }
    }

    fn put(&self, temporary: Temporary<'_>, is_new: bool) -> Result<(), FileError> {
        let directory = self.directory.handle();
        let name = &temporary.name;
        let put = if is_new {
            match renameat_with(
                directory,
                name,
                directory,
                &self.name,
                RenameFlags::NOREPLACE,
            ) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    renameat(directory, name, directory, &self.name)
                }
                done => done,
            }
        } else {
            renameat(directory, name, directory, &self.name)
        };
        match put {
            Ok(()) => {
                temporary.keep();
                Ok(())
            }
            Err(Errno::EXIST) => Err(FileError::ReplaceChanged {
                path: self.path.clone(),
            }),
            Err(errno) => Err(self.failed(errno.into())),
        }
    }

    fn failed(&self, source: std::io::Error) -> FileError {
        FileError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// A file beside the target that vanishes unless it is kept.
struct Temporary<'a> {
    place: &'a Place,
    name: OsString,
    file: File,
    before: Option<Seen>,
    is_kept: bool,
}

impl<'a> Temporary<'a> {
    fn create(place: &'a Place, before: Option<&Seen>) -> Result<Self, FileError> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| place.failed(std::io::Error::other(error.to_string())))?;
        let name = format!(".mesoclaw-{:016x}.tmp", u64::from_ne_bytes(random));
        // What replaces a file stays private until it has the permissions of that file; what is
        // new gets what the umask leaves.
        let mode = if before.is_some() { 0o600 } else { 0o666 };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = openat(
            place.directory.handle(),
            &name,
            flags,
            Mode::from_raw_mode(mode),
        )
        .map_err(|errno| place.failed(errno.into()))?;
        Ok(Self {
            place,
            name: name.into(),
            file: File::from(handle),
            before: before.copied(),
            is_kept: false,
        })
    }

    fn write(&self, content: &[u8]) -> std::io::Result<()> {
        (&self.file).write_all(content)?;
        if let Some(before) = &self.before {
            // Only root may give a file away; otherwise it becomes ours, with the same group
            // where we are in it.
            let (user, group) = (Uid::from_raw(before.user), Gid::from_raw(before.group));
            if fchown(&self.file, Some(user), Some(group)).is_err() {
                fchown(&self.file, None, Some(group)).ok();
            }
            // Never set-uid or set-gid: the content is not what somebody gave those rights to.
            fchmod(&self.file, Mode::from_raw_mode((before.mode & 0o777) as _))?;
        }
        self.file.sync_all()
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let directory = self.place.directory.handle();
            // Nothing more can be done about a file that stays behind.
            unlinkat(directory, &self.name, AtFlags::empty()).ok();
        }
    }
}

fn split(path: &Path) -> Result<(&Path, &OsStr), FileError> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(FileError::OpenDirectory {
            path: path.to_path_buf(),
        }),
    }
}

/// Walks down and makes what is missing; no step follows a link.
fn create_directories(path: &Path) -> Result<Directory, FileError> {
    let mut at = open_directory(Path::new("/"))?;
    let mut reached = PathBuf::from("/");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        reached.push(name);
        let open = |at: &_| openat(at, name, flags, Mode::empty());
        at = match open(&at) {
            Err(Errno::NOENT) => {
                match mkdirat(&at, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => {
                        return Err(FileError::Write {
                            path: reached,
                            source: errno.into(),
                        });
                    }
                }
                open(&at)
            }
            #[cfg(target_os = "linux")]
            Err(Errno::ACCESS) => openat(&at, name, flags | OFlags::PATH, Mode::empty()),
            opened => opened,
        }
        .map_err(|errno| explain(errno, &reached))?;
    }
    Ok(Directory::from_parts(at, path.to_path_buf()))
}
