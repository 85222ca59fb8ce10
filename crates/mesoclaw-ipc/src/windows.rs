//! What Windows does in its own way: a named pipe only its owner can open, locks that also forbid
//! reading, processes without a console.
//!
//! Files below the user's profile are private there through inherited rights. Not run in the
//! project's own checks; a pipe with this security descriptor was seen working under wine.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use interprocess::local_socket::{
    GenericFilePath, ListenerOptions, ToFsName, tokio::Listener, tokio::Stream,
};
use interprocess::os::windows::local_socket::ListenerOptionsExt;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use widestring::U16CString;

use crate::error::{Found, IpcError};
use crate::peer::Peer;

/// Full access for the owner of the pipe, none for anybody else.
const OWNER_ONLY: &str = "D:P(A;;GA;;;OW)";

/// `DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP`.
const DETACHED: u32 = 0x0000_0008 | 0x0000_0200;

/// Longest file read as lock information.
const LOCK_FILE_BYTES: u64 = 64 * 1024;

/// Why a file of ours could not be opened.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// Something else is at the path.
    Found(Found),
    /// The system says no.
    Io(io::Error),
}

/// Pipes are no files; they go with their listener.
#[derive(Debug)]
pub(crate) struct SocketFile;

/// Listens on the pipe. The first owner of a name keeps it, so nobody is pushed aside.
pub(crate) fn listen(path: &Path) -> Result<(Listener, SocketFile), IpcError> {
    match bind(path) {
        Ok(listener) => Ok((listener, SocketFile)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::AddrInUse
            ) =>
        {
            Err(IpcError::Occupied {
                path: path.to_owned(),
                found: Found::Listening,
            })
        }
        Err(source) => Err(IpcError::Bind {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A pipe cannot be looked at without connecting to it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn check_socket(_path: &Path) -> Result<(), IpcError> {
    Ok(())
}

/// The security descriptor let the peer in, so it is the owner.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn peer_of(_stream: &Stream) -> io::Result<Peer> {
    Ok(Peer::Ours)
}

/// Opens a file for reading and writing, or makes it.
pub(crate) fn open_private(path: &Path, is_log: bool) -> Result<File, Blocked> {
    let mut options = OpenOptions::new();
    options.read(true).create(true);
    if is_log {
        options.append(true);
    } else {
        options.write(true);
    }
    open_file(path, &options)
}

/// Opens a file for reading.
pub(crate) fn open_existing(path: &Path) -> Result<File, Blocked> {
    open_file(path, OpenOptions::new().read(true))
}

/// A file that is open cannot be removed there.
pub(crate) fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Replaces what is said about the lock. A locked file cannot be read by others there, so the
/// text stands beside it.
pub(crate) fn write_lock_text(_file: &File, path: &Path, text: &[u8]) -> io::Result<()> {
    std::fs::write(text_path(path), text)
}

/// What is said about the lock.
pub(crate) fn read_lock_text(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    open_existing(&text_path(path))
        .ok()?
        .take(LOCK_FILE_BYTES)
        .read_to_end(&mut text)
        .ok()?;
    Some(text)
}

/// Lets the command live on without the console of this process.
pub(crate) fn detach(command: &mut Command) {
    command.creation_flags(DETACHED);
}

fn bind(path: &Path) -> io::Result<Listener> {
    let sddl = U16CString::from_str(OWNER_ONLY)
        .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    ListenerOptions::new()
        .name(path.to_fs_name::<GenericFilePath>()?)
        .security_descriptor(SecurityDescriptor::deserialize(&sddl)?)
        .create_tokio()
}

fn open_file(path: &Path, options: &OpenOptions) -> Result<File, Blocked> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(Blocked::Found(Found::Symlink)),
        Ok(found) if found.is_dir() => return Err(Blocked::Found(Found::Directory)),
        Ok(_) | Err(_) => {}
    }
    options.open(path).map_err(Blocked::Io)
}

fn text_path(path: &Path) -> PathBuf {
    path.with_extension("json")
}
