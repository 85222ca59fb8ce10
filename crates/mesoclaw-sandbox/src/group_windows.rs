//! Systems without process groups: only the program itself is ended, by its owner.

use tokio::process::Command;

/// There are no groups here.
pub fn own_group(_command: &mut Command) {}

/// There are no groups here.
pub fn kill(_pid: u32) {}

/// There are no signals here.
pub fn signal_of(_status: std::process::ExitStatus) -> Option<i32> {
    None
}
