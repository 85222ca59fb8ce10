//! Restricted child processes: what a program may read, write and reach, how much it may use, and
//! that it ends with everything it started.
//!
//! Reading order: `spec.rs` (what is asked), `enforced.rs` (what the kernel really does about it),
//! `run.rs` (start, watch, end), then `linux/` from the helper's point of view: `enter.rs`,
//! `filesystem.rs`, `syscalls.rs`, `privileges.rs`, `descendants.rs`. What is allowed to run is not
//! decided here.

mod level;
mod spec;

mod enforced;
mod error;

mod environment;
mod toolchain;

mod capture;
mod direct;
mod finished;
mod pump;
mod run;

#[cfg(unix)]
#[path = "group_unix.rs"]
mod group;
#[cfg(not(unix))]
#[path = "group_windows.rs"]
mod group;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

pub use capture::Captured;
pub use enforced::{Enforced, Enforcement};
pub use environment::default_env;
pub use error::SandboxError;
pub use finished::{Finished, Status, Stopped};
pub use level::{Level, UnknownLevel};
pub use platform::{enter, probe};
pub use pump::Stream;
pub use run::{RunOptions, Sandbox};
pub use spec::{Limits, Spec};
pub use toolchain::toolchain_reads;

/// The hidden word that the helper program is called with; it then calls [`enter`].
pub const HELPER_WORD: &str = "__sandbox";
