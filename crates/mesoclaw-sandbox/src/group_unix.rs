//! Process groups on Unix.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// Puts the child in a group of its own.
pub fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// Kills the group that the process `pid` leads.
pub fn kill(pid: u32) {
    // Group 1 would address every process there is; no child of ours has that id.
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1);
    if let Some(pid) = pid.and_then(Pid::from_raw) {
        // A group that is gone already is what is wanted.
        kill_process_group(pid, Signal::KILL).ok();
    }
}

/// The signal that ended a process.
pub fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}
