//! What the standard library says about a file on every system.

use std::fs::{FileType, Metadata};
use std::path::Path;
use std::time::UNIX_EPOCH;

use mesoclaw_agent::policy::FileIdentity;

use crate::workspace::Seen;

/// What a file is that is neither file, directory nor link.
pub(crate) fn kind_of_special(_kind: FileType) -> &'static str {
    "a special file"
}

/// How many names a file has; not told here.
pub(crate) fn links(_metadata: &Metadata) -> u64 {
    1
}

/// Size and age; device and inode are not told here.
pub(crate) fn identity_of(metadata: &Metadata) -> FileIdentity {
    let modified = metadata.modified().ok();
    let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    FileIdentity {
        device: 0,
        inode: 0,
        size_bytes: metadata.len(),
        modified_ns: age.map_or(0, |age| age.as_nanos() as i64),
    }
}

/// Whether a program may be started: the system decides by the name, not by a permission.
pub(crate) fn is_executable(metadata: &Metadata) -> bool {
    metadata.is_file()
}

/// Access lists are not read here.
pub(crate) fn others_may_write(_metadata: &Metadata) -> bool {
    false
}

/// Access lists are not read here.
pub(crate) fn own_by_others(_metadata: &Metadata) -> bool {
    false
}

/// Access lists are not read here: every directory counts as one.
pub(crate) fn user_may_write(_directory: &Path) -> bool {
    true
}

pub(super) fn seen(metadata: &Metadata) -> Seen {
    Seen {
        identity: identity_of(metadata),
        status_changed_ns: 0,
        mode: if metadata.permissions().readonly() {
            0o444
        } else {
            0o644
        },
        user: 0,
        group: 0,
    }
}
