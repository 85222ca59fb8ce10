//! The time of the place this machine is in.

#[cfg(unix)]
#[path = "zone/unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "zone/windows.rs"]
mod platform;

pub(super) use platform::local;
