//! From a path to a handle without following links: in one system call where the kernel can
//! (`openat2`), else directory by directory.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::error::FileError;

/// Flags for a directory that is only walked through or listed.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens a directory. `path` is absolute without `.` and `..`.
pub(super) fn open_directory(path: &Path) -> Result<OwnedFd, FileError> {
    open_below(CWD, path).map_err(|errno| explain(errno, path))
}

/// Opens a directory below `base` (or an absolute one from [`CWD`]).
pub(super) fn open_below(base: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    match at_once(base.as_fd(), path, DIRECTORY) {
        Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => step_by_step(base, path),
        // A directory may be walked through and written into without being listable.
        #[cfg(target_os = "linux")]
        Err(Errno::ACCESS) => at_once(base, path, DIRECTORY.union(OFlags::PATH)),
        done => done,
    }
}

#[cfg(target_os = "linux")]
fn at_once(base: impl AsFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    // The kernel gives EAGAIN when a rename somewhere on the way made it unsure; trying again is
    // what its manual says.
    for _ in 0..16 {
        match openat2(base.as_fd(), path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

#[cfg(not(target_os = "linux"))]
fn at_once(_base: impl AsFd, _path: &Path, _flags: OFlags) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// What `at_once` does, for kernels that cannot.
pub(in crate::workspace) fn step_by_step(base: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    let mut at = openat(base, start_of(path), DIRECTORY, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => at = openat(&at, name, DIRECTORY, Mode::empty())?,
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL),
        }
    }
    Ok(at)
}

fn start_of(path: &Path) -> &'static str {
    if path.has_root() { "/" } else { "." }
}

/// The error of a failed opening in our words. A link in the way is `ELOOP`, or `ENOTDIR` where a
/// directory was wanted.
pub(super) fn explain(errno: Errno, path: &Path) -> FileError {
    let path = path.to_path_buf();
    match errno {
        Errno::NOENT => FileError::Find { path },
        Errno::LOOP => FileError::FollowLink { path },
        Errno::NOTDIR if path.is_symlink() => FileError::FollowLink { path },
        Errno::NOTDIR => FileError::Enter { path },
        errno => FileError::Open {
            path,
            source: errno.into(),
        },
    }
}
