//! What Unix does in its own way: owners and modes of files, the user of a peer, process groups.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, ListenerOptions, ToFsName, tokio::Listener, tokio::Stream,
};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use rustix::fs::{Mode, OFlags};

use crate::error::{Found, IpcError};
use crate::peer::Peer;

/// Bits of a mode that let others than the owner in.
const OTHERS: u32 = 0o077;

/// The bit of a directory like `/tmp`.
const STICKY: u32 = 0o1000;

/// Longest file read as lock information.
const LOCK_FILE_BYTES: u64 = 64 * 1024;

/// The name of the kernel for a peer that is not there.
const NO_USER: u32 = u32::MAX;

/// Why a file of ours could not be opened.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// Something else is at the path.
    Found(Found),
    /// The system says no.
    Io(io::Error),
}

/// What stands where the socket should.
enum AtPath {
    Nothing,
    OurSocket,
    Other(Found),
}

/// The file of a listening socket; removed with the listener if it still is the same file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_same = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode);
        if is_same && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the socket");
        }
    }
}

/// Listens at the path: in a private directory, on a private socket, never over something else.
pub(crate) fn listen(path: &Path) -> Result<(Listener, SocketFile), IpcError> {
    prepare_directory(directory_of(path))?;
    clear_stale(path)?;
    let listener = match bind(path, true) {
        // macOS has no mode for a socket that is not bound yet. The directory is private already,
        // so the moment between the two calls is open to nobody.
        Err(error) if error.kind() == ErrorKind::Unsupported => bind(path, false),
        other => other,
    };
    let source = |source| IpcError::Bind {
        path: path.to_owned(),
        source,
    };
    let listener = listener.map_err(source)?;
    let found = std::fs::symlink_metadata(path).map_err(source)?;
    let file = SocketFile {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
    };
    if found.mode() & 0o777 != 0o600 {
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(source)?;
    }
    Ok((listener, file))
}

/// Looks at the socket before a client connects to it.
pub(crate) fn check_socket(path: &Path) -> Result<(), IpcError> {
    let not_ours = |found| IpcError::NotOurs {
        path: path.to_owned(),
        found,
    };
    match look_at(path) {
        Ok(AtPath::OurSocket) => Ok(()),
        Ok(AtPath::Other(found)) => Err(not_ours(found)),
        Ok(AtPath::Nothing) => Err(IpcError::Absent {
            path: path.to_owned(),
        }),
        Err(source) => Err(IpcError::Inspect {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Who is at the other end.
pub(crate) fn peer_of(stream: &Stream) -> io::Result<Peer> {
    Ok(match stream.peer_creds()?.euid() {
        Some(NO_USER) => Peer::NotConnected,
        Some(uid) if uid == user_id() => Peer::Ours,
        uid => Peer::Foreign(uid),
    })
}

/// Opens a file for reading and writing that is ours, or makes it, private to us.
pub(crate) fn open_private(path: &Path, is_log: bool) -> Result<File, Blocked> {
    let mut options = OpenOptions::new();
    options.read(true).create(true).mode(0o600);
    if is_log {
        options.append(true);
    } else {
        options.write(true);
    }
    let file = open_ours(path, &mut options)?;
    let mode = file.metadata().map_err(Blocked::Io)?.mode();
    if mode & OTHERS != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(Blocked::Io)?;
    }
    Ok(file)
}

/// Opens a file that is ours for reading.
pub(crate) fn open_existing(path: &Path) -> Result<File, Blocked> {
    open_ours(path, OpenOptions::new().read(true))
}

/// Whether the opened file is still the one at the path.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(open), Ok(found)) => open.dev() == found.dev() && open.ino() == found.ino(),
        _ => false,
    }
}

/// Replaces what the lock file says.
pub(crate) fn write_lock_text(mut file: &File, _path: &Path, text: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text)
}

/// What the lock file says.
pub(crate) fn read_lock_text(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    open_existing(path)
        .ok()?
        .take(LOCK_FILE_BYTES)
        .read_to_end(&mut text)
        .ok()?;
    Some(text)
}

/// Lets the command live on when the terminal or the group of this process goes.
pub(crate) fn detach(command: &mut Command) {
    command.process_group(0);
}

fn bind(path: &Path, with_mode: bool) -> io::Result<Listener> {
    let mut options = ListenerOptions::new()
        .name(path.to_fs_name::<GenericFilePath>()?)
        .reclaim_name(false);
    if with_mode {
        options = options.mode(0o600);
    }
    options.create_tokio()
}

/// Makes the directory private, or says why it cannot be used. Works on the opened directory, so
/// that it cannot be exchanged between the look and the change.
fn prepare_directory(dir: &Path) -> Result<(), IpcError> {
    let failed = |source| IpcError::PrepareDirectory {
        path: dir.to_owned(),
        source,
    };
    let untrusted = |found| {
        Err(IpcError::UntrustedDirectory {
            path: dir.to_owned(),
            found,
        })
    };
    match std::fs::symlink_metadata(dir) {
        Ok(found) if found.is_symlink() => return untrusted(Found::Symlink),
        Ok(found) if !found.is_dir() => return untrusted(kind_of(&found)),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(failed)?,
        Err(error) => return Err(failed(error)),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let handle = rustix::fs::open(dir, flags, Mode::empty()).map_err(|no| failed(no.into()))?;
    let handle = File::from(handle);
    let found = handle.metadata().map_err(failed)?;
    if found.uid() != user_id() {
        return untrusted(Found::OfUser(found.uid()));
    }
    if found.mode() & STICKY != 0 {
        return untrusted(Found::SharedDirectory);
    }
    if found.mode() & OTHERS != 0 {
        handle
            .set_permissions(Permissions::from_mode(0o700))
            .map_err(failed)?;
    }
    Ok(())
}

/// Removes a socket of ours that refuses connections; everything else at the path is an error.
fn clear_stale(path: &Path) -> Result<(), IpcError> {
    let occupied = |found| {
        Err(IpcError::Occupied {
            path: path.to_owned(),
            found,
        })
    };
    let inspect = |source| IpcError::Inspect {
        path: path.to_owned(),
        source,
    };
    match look_at(path).map_err(inspect)? {
        AtPath::Nothing => return Ok(()),
        AtPath::Other(found) => return occupied(found),
        AtPath::OurSocket => {}
    }
    let name = path.to_fs_name::<GenericFilePath>().map_err(inspect)?;
    // Not waiting: a full queue of connections means that somebody listens.
    let answer = ConnectOptions::new()
        .name(name)
        .nonblocking_stream(true)
        .wait_mode(ConnectWaitMode::Deferred)
        .connect_sync();
    match answer {
        Ok(_) => occupied(Found::Listening),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "removing a socket nobody listens on");
            std::fs::remove_file(path).map_err(|source| IpcError::RemoveStale {
                path: path.to_owned(),
                source,
            })
        }
        Err(error) => Err(inspect(error)),
    }
}

fn look_at(path: &Path) -> io::Result<AtPath> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Ok(AtPath::Other(kind_of(&found))),
        Ok(found) if found.uid() != user_id() => Ok(AtPath::Other(Found::OfUser(found.uid()))),
        Ok(_) => Ok(AtPath::OurSocket),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(AtPath::Nothing),
        Err(error) => Err(error),
    }
}

fn open_ours(path: &Path, options: &mut OpenOptions) -> Result<File, Blocked> {
    // Without NONBLOCK a named pipe at the path would hold this process for ever.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = options
        .custom_flags(flags.cast_signed())
        .open(path)
        .map_err(|error| match std::fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => Blocked::Found(kind_of(&found)),
            Ok(_) | Err(_) => Blocked::Io(error),
        })?;
    let found = file.metadata().map_err(Blocked::Io)?;
    if !found.is_file() {
        return Err(Blocked::Found(kind_of(&found)));
    }
    if found.uid() != user_id() {
        return Err(Blocked::Found(Found::OfUser(found.uid())));
    }
    Ok(file)
}

fn kind_of(found: &std::fs::Metadata) -> Found {
    if found.is_symlink() {
        Found::Symlink
    } else if found.is_dir() {
        Found::Directory
    } else if found.is_file() {
        Found::File
    } else {
        Found::Special
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}
