//! Ending a process by its number, right after looking what it is.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System};

use super::table::{Process, one};

/// Asks a process to end when `check` agrees to what it is; gives its name.
pub(super) fn terminate(
    pid: u32,
    check: impl FnOnce(&Process) -> Result<(), String>,
) -> Result<String, String> {
    let gone = || format!("There is no process {pid}.");
    let process = one(pid).ok_or_else(gone)?;
    check(&process)?;
    let mut system =
        System::new().map_err(|error| format!("Process {pid} cannot be ended: {error}."))?;
    let number = Pid::from_u32(pid);
    let which = ProcessesToUpdate::Some(&[number]);
    system.refresh_processes_specifics(which, true, ProcessRefreshKind::nothing());
    let handle = system.process(number).ok_or_else(gone)?;
    // Systems without signals can only end a process at once.
    let is_sent = handle
        .kill_with(Signal::Term)
        .unwrap_or_else(|| handle.kill());
    if is_sent {
        Ok(process.name)
    } else {
        Err(format!(
            "Process {pid} cannot be ended: it may belong to somebody else."
        ))
    }
}
