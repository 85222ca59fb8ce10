//! What is to run, and what it may use.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One program to run and everything it may touch. What is not named here is hidden: the home
/// directory, other temporary files, the daemon's own files, local sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The program, absolute. It is started without a shell and without a search in PATH.
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub args: Vec<OsString>,
    /// The directory it starts in, absolute.
    pub cwd: PathBuf,
    /// The whole environment; nothing is inherited. `TMPDIR` is added: a private directory that is
    /// writable and removed afterwards.
    pub env: Vec<(String, String)>,
    /// Files and directories it may read, write and run. Resolved: a symbolic link in one of them
    /// is refused, because a program could have put it there. They have to exist.
    pub write: Vec<PathBuf>,
    /// Files and directories it may read and run, beyond those of the system. Resolved as well.
    /// One that does not exist is passed over.
    pub read: Vec<PathBuf>,
    /// Directories whose names, and those below, it may list without reading any file. Resolved as
    /// well; what is no directory is passed over.
    pub list: Vec<PathBuf>,
    /// Whether it may use the network. Without it the loopback interface is out of reach too. Local
    /// (Unix) sockets by name are never within reach: agents, containers and the daemon listen there.
    pub network: bool,
    /// What it may use of the machine.
    pub limits: Limits,
}

impl Spec {
    /// A program without arguments, environment, rights or network, with the default limits.
    pub fn new(program: impl Into<PathBuf>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            cwd: cwd.into(),
            env: Vec::new(),
            write: Vec::new(),
            read: Vec::new(),
            list: Vec::new(),
            network: false,
            limits: Limits::default(),
        }
    }
}

/// Limits of a child. All but `processes` hold for each process alone. Core dumps are always off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds of processor time.
    pub cpu_secs: u64,
    /// Writable private memory in bytes. `None` means no limit.
    pub memory_bytes: Option<u64>,
    /// Longest file that may be written, in bytes.
    pub file_bytes: u64,
    /// Processes and threads that may be added to those that run already.
    pub processes: u64,
    /// Open files.
    pub open_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_secs: 3600,
            memory_bytes: None,
            file_bytes: 8 << 30,
            processes: 1024,
            open_files: 4096,
        }
    }
}
