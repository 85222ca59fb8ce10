//! Ending a process by a handle that means this process and no later one of its number.

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::table::{Process, one};

/// Asks a process to end when `check` agrees to what it is; gives its name.
pub(super) fn terminate(
    pid: u32,
    check: impl FnOnce(&Process) -> Result<(), String>,
) -> Result<String, String> {
    let gone = || format!("There is no process {pid}.");
    let number = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(gone)?;
    let handle = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Err(gone()),
        Err(Errno::INVAL) => return Err(format!("{pid} is a thread, not a process.")),
        Err(error) => return Err(format!("Process {pid} cannot be ended: {error}.")),
    };
    // What is looked up now has the handle, or the signal below finds nobody.
    let process = one(pid).ok_or_else(gone)?;
    check(&process)?;
    match pidfd_send_signal(&handle, Signal::TERM) {
        Ok(()) => Ok(process.name),
        Err(Errno::SRCH) => Err(gone()),
        Err(Errno::PERM) => Err(format!(
            "Process {pid} belongs to somebody else and cannot be ended."
        )),
        Err(error) => Err(format!("Process {pid} cannot be ended: {error}.")),
    }
}
