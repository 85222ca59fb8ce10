//! The processes of this machine.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// A process.
pub(super) struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// When it was started, in a unit of the system: only to be compared.
    pub started: u64,
}

/// All processes, without their threads.
pub(super) fn all() -> Vec<Process> {
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    refresh(&mut system, ProcessesToUpdate::All);
    system
        .processes()
        .values()
        .filter(|process| process.thread_kind().is_none())
        .map(row)
        .collect()
}

/// One process.
pub(super) fn one(pid: u32) -> Option<Process> {
    let mut system = System::new().ok()?;
    let pid = Pid::from_u32(pid);
    refresh(&mut system, ProcessesToUpdate::Some(&[pid]));
    system.process(pid).map(row)
}

fn refresh(system: &mut System, which: ProcessesToUpdate<'_>) {
    let what = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(which, true, what);
}

fn row(process: &sysinfo::Process) -> Process {
    Process {
        pid: process.pid().as_u32(),
        name: process.name().to_string_lossy().into_owned(),
        started: process.start_time(),
    }
}
