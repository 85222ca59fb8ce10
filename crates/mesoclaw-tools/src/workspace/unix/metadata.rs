//! What Unix says about a file beyond what the standard library has everywhere.

use std::fs::{FileType, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use mesoclaw_agent::policy::FileIdentity;
use rustix::fs::Stat;

use crate::workspace::Seen;

/// Bits of a mode that say what others than the owner and the group may do.
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITE: u32 = 0o020;
const STICKY: u32 = 0o1000;

/// What a file is that is neither file, directory nor link.
pub(crate) fn kind_of_special(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "a special file"
    }
}

/// How many names a file has.
pub(crate) fn links(metadata: &Metadata) -> u64 {
    metadata.nlink()
}

/// Which file it is.
pub(crate) fn identity_of(metadata: &Metadata) -> FileIdentity {
    FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.size(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// Whether a program may be started.
pub(crate) fn is_executable(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.mode() & 0o111 != 0
}

/// Whether somebody who is neither root nor we may write to it. Where a directory is sticky,
/// others cannot take away what is ours, so it does not count.
pub(crate) fn others_may_write(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    let is_sticky = metadata.is_dir() && mode & STICKY != 0;
    let by_group = mode & GROUP_WRITE != 0 && !is_trusted_group(metadata);
    !is_sticky && (mode & OTHERS_WRITE != 0 || by_group)
}

/// A group that holds nobody but us or administrators: our own, root's, and the one that the
/// distribution gave a directory of root's.
fn is_trusted_group(metadata: &Metadata) -> bool {
    let group = metadata.gid();
    group == 0 || group == rustix::process::getegid().as_raw() || metadata.uid() == 0
}

/// Whether it belongs to somebody who is neither root nor we.
pub(crate) fn own_by_others(metadata: &Metadata) -> bool {
    metadata.uid() != 0 && metadata.uid() != rustix::process::geteuid().as_raw()
}

/// Whether somebody without special rights may put entries into a directory. Root may write
/// everywhere, so for root the permissions tell.
pub(crate) fn user_may_write(directory: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(directory) else {
        return true;
    };
    let open_to_users = metadata.uid() != 0 || metadata.mode() & OTHERS_WRITE != 0;
    let we_are_a_user = !rustix::process::geteuid().is_root();
    open_to_users
        || (we_are_a_user && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok())
}

/// What a handle is.
pub(super) fn seen(stat: &Stat) -> Seen {
    Seen {
        identity: FileIdentity {
            device: wide(stat.st_dev),
            inode: wide(stat.st_ino),
            size_bytes: wide(stat.st_size),
            modified_ns: nanoseconds(stat.st_mtime, wide(stat.st_mtime_nsec) as i64),
        },
        status_changed_ns: nanoseconds(stat.st_ctime, wide(stat.st_ctime_nsec) as i64),
        mode: wide(stat.st_mode) as u32 & 0o7777,
        user: stat.st_uid,
        group: stat.st_gid,
    }
}

/// Systems differ in how wide these numbers are.
fn wide(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or_default()
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}
