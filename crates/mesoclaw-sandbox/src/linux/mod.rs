//! The sandbox on Linux. The daemon's side is `child.rs`; everything else runs in the helper, a
//! process of its own between the daemon and the program.

mod child;
mod wire;

mod enter;

mod kernel;

mod descendants;
mod filesystem;
mod owners;
mod privileges;
mod syscalls;

pub(crate) use child::Child;
pub use enter::enter;
pub use kernel::probe;

pub(crate) use crate::direct::Word;
