//! The built-in tools, one file each.
//!
//! `args` turns typed arguments into schemas and faults into sentences; `workspace` opens files by
//! handle, never through a link; `facts` answers the questions of the policy from the disk;
//! `change` is how every tool changes a file; `walk` goes through a tree.

mod args;
mod schema;

mod error;
pub mod workspace;

pub mod facts;

mod background;
mod change;
mod diff;
mod judged;
mod options;
mod output;
pub mod restore;
mod text;
mod walk;

mod content_search;
mod edit;
mod file_list;
mod file_read;
mod file_search;
mod file_write;
mod patch;
mod process;
mod shell;
mod system_info;
mod web_fetch;
mod web_search;

mod builtin;

#[cfg(test)]
mod testing;

pub use background::{Stop, StopReason};
pub use builtin::{ToolParts, builtin};
pub use error::FileError;
pub use options::{OptionsNow, ToolOptions};
pub use shell::{SandboxNow, sandbox_fact};
pub use system_info::is_secret;
pub use web_fetch::{GuardNow, WebFetch};
pub use web_search::{SearchNow, SearchOptions, WebSearch};

/// The hot parts of the tools, for benches and fuzzing.
pub mod parts {
    pub use crate::content_search::{FileMatches, Query, Search, grep, matcher};
    pub use crate::diff::unified;
    pub use crate::file_search::{FoundNames, NamePattern, find_names};
    pub use crate::patch::{Applied, FilePatch, Hunk, Line, LineKind, apply, parse};
}
