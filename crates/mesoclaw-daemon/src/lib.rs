//! The composition root: builds the core, serves the socket, owns the life cycle of the process.
//!
//! `run.rs` is the story of one daemon from start to end; `wire.rs` is the only file that knows
//! which adapters this build has.

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

#[cfg(target_os = "linux")]
mod linux;

mod error;
mod hands;
mod logging;
mod run;
mod wire;

pub mod doctor;

pub use error::DaemonError;
pub use mesoclaw_core::{is_loopback, key_variables};
pub use mesoclaw_sandbox::{HELPER_WORD, enter as enter_sandbox};
pub use platform::keep_out_of_dumps;
pub use run::{RunOptions, run};
pub use wire::model_files;
