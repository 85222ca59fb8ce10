//! What a daemon asks of a Unix system.

use std::io;
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Leaves the session of the terminal it was started from: closing that does not end the daemon.
pub(crate) fn detach() {
    // Fails only for a process that leads its session already, which is what is wanted.
    rustix::process::setsid().ok();
}

/// Lets no core dump and no debugger of the same user see the keys in this process's memory.
///
/// Both calls fail only where the system has no such thing; then there is nothing to turn off.
pub fn keep_out_of_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

/// The program that runs as this process, for starting it again.
///
/// On Linux the running file itself, not what lies at its path: a program that may write there (the
/// workspace may be that of mesoclaw) could put something else in its place, and an upgrade does.
pub(crate) fn own_program() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        Some(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe().ok()
    }
}

/// The signals that end a daemon.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl StopSignals {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

/// Who may use a file.
pub(crate) struct Rights {
    /// Permission bits.
    pub mode: u32,
    /// Whether it belongs to this user.
    pub is_ours: bool,
}

/// Who may use a file; `None` where the system has no such thing.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have no permission bits"
)]
pub(crate) fn rights_of(metadata: &std::fs::Metadata) -> Option<Rights> {
    use std::os::unix::fs::MetadataExt;
    Some(Rights {
        mode: metadata.mode() & 0o7777,
        is_ours: metadata.uid() == rustix::process::geteuid().as_raw(),
    })
}
