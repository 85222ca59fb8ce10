//! What was seen of a file or of an entry of a directory.

use std::ffi::OsString;

use mesoclaw_agent::policy::FileIdentity;

/// A file as it was when its handle was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Which file, how large and how old.
    pub identity: FileIdentity,
    /// Time of the last change of anything about it, nanoseconds after 1970; 0 where the system
    /// has none.
    pub status_changed_ns: i64,
    /// Permission bits.
    pub mode: u32,
    /// Owner; 0 where the system has none.
    pub user: u32,
    /// Group; 0 where the system has none.
    pub group: u32,
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is; links are not followed.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link.
    Link,
    /// A device, a pipe, a socket.
    Special,
}
