//! Opening by handle: a judged path is walked from the root of the file system without following
//! any link, so that the check and the opening are one thing. Whoever swaps a directory for a link
//! in between gets an error, not a file.
//!
//! Special files are refused before they are opened and again on the handle. Writing goes through
//! a temporary file beside the target and a rename inside the same directory handle.

#[cfg(unix)]
#[path = "unix/mod.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows/mod.rs"]
mod platform;

mod seen;

#[cfg(test)]
#[cfg(unix)]
mod tests;

pub use platform::{Directory, OpenFile, Place};
pub use seen::{Entry, EntryKind, Seen};

pub(crate) use platform::{
    identity_of, is_executable, kind_of_special, links, others_may_write, own_by_others,
    user_may_write,
};
