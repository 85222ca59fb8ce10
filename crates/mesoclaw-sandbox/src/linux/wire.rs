//! What the daemon and the helper say to each other over a socket pair, one JSON object a line:
//! one order down, reports up. The end of the order's direction means: end everything.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Enforced, Level, Limits, RunOptions, SandboxError, Spec, Status};

/// What the helper is to run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub level: Level,
    program: OsString,
    pub args: Vec<OsString>,
    cwd: OsString,
    pub env: Vec<(String, String)>,
    write: Vec<OsString>,
    read: Vec<OsString>,
    list: Vec<OsString>,
    pub network: bool,
    pub merge: bool,
    pub limits: Limits,
    temp: OsString,
}

impl Order {
    pub fn new(level: Level, spec: &Spec, options: &RunOptions, temp: &Path) -> Self {
        let texts = |paths: &[PathBuf]| paths.iter().map(|path| path.clone().into()).collect();
        Self {
            level,
            program: spec.program.clone().into(),
            args: spec.args.clone(),
            cwd: spec.cwd.clone().into(),
            env: spec.env.clone(),
            write: texts(&spec.write),
            read: texts(&spec.read),
            list: texts(&spec.list),
            network: spec.network,
            merge: options.merge,
            limits: spec.limits,
            temp: temp.into(),
        }
    }

    pub fn program(&self) -> &Path {
        Path::new(&self.program)
    }

    pub fn cwd(&self) -> &Path {
        Path::new(&self.cwd)
    }

    /// The private directory, which goes with the program.
    pub fn temp(&self) -> &Path {
        Path::new(&self.temp)
    }

    pub fn write(&self) -> impl Iterator<Item = &Path> {
        self.write.iter().map(Path::new)
    }

    pub fn read(&self) -> impl Iterator<Item = &Path> {
        self.read.iter().map(Path::new)
    }

    pub fn list(&self) -> impl Iterator<Item = &Path> {
        self.list.iter().map(Path::new)
    }
}

/// What the helper says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The restrictions are in place and the program is about to be started.
    Started(Enforced),
    /// It was not started.
    Refused(Refusal),
    /// It ended, and all its descendants.
    Ended(Status),
}

/// Why the helper did not run the program: a [`SandboxError`] that can be sent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    Grant { path: String, errno: Option<i32> },
    Restrict { what: String, why: String },
    NotEnforceable { missing: String },
    StartProgram { program: String, errno: Option<i32> },
}

impl Refusal {
    pub fn restrict(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Restrict {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}

impl From<Refusal> for SandboxError {
    fn from(refusal: Refusal) -> Self {
        let error = |errno: Option<i32>| match errno {
            Some(errno) => io::Error::from_raw_os_error(errno),
            None => io::Error::from(io::ErrorKind::InvalidInput),
        };
        match refusal {
            Refusal::Grant { path, errno } => Self::Grant {
                path,
                source: error(errno),
            },
            Refusal::Restrict { what, why } => Self::Restrict { what, why },
            Refusal::NotEnforceable { missing } => Self::NotEnforceable { missing },
            Refusal::StartProgram { program, errno } => Self::StartProgram {
                program,
                source: error(errno),
            },
        }
    }
}
