//! What a daemon asks of a Windows system.

use std::io;
use std::path::PathBuf;

use tokio::signal::windows::{CtrlC, CtrlShutdown, ctrl_c, ctrl_shutdown};

/// A process started without a console is detached already.
pub(crate) fn detach() {}

/// The program that runs as this process, for starting it again.
pub(crate) fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The events that end a daemon.
pub(crate) struct StopSignals {
    ctrl_c: CtrlC,
    shutdown: CtrlShutdown,
}

impl StopSignals {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            ctrl_c: ctrl_c()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for one of them and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.ctrl_c.recv() => "Ctrl-C",
            _ = self.shutdown.recv() => "system shutdown",
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

/// Windows has access lists instead of permission bits; they are not looked at.
pub(crate) fn rights_of(_metadata: &std::fs::Metadata) -> Option<Rights> {
    None
}

/// Windows writes no memory of a process to a file unless somebody configures it to.
pub fn keep_out_of_dumps() {}
