//! Why a program was not run, or could not be watched to its end.

use std::io;
use std::path::PathBuf;

/// An action of the sandbox that failed. A program that ran and failed is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A path of the specification is relative.
    #[error("{} is not an absolute path", path.display())]
    RelativePath {
        /// The path.
        path: PathBuf,
    },
    /// A name or value of the environment cannot be passed on.
    #[error("the environment variable `{name}` cannot be passed on")]
    BadEnvironment {
        /// The name, control characters escaped.
        name: String,
    },
    /// The private temporary directory could not be made.
    #[error("could not make a private temporary directory")]
    MakeTemp {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The helper program could not be started.
    #[error("could not start the sandbox helper {}", path.display())]
    StartHelper {
        /// The helper.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The helper could not be told what to run.
    #[error("could not hand the command to the sandbox helper")]
    SendOrder {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The helper ended or fell silent without an answer.
    #[error("the sandbox helper gave no answer")]
    NoAnswer,
    /// A granted path could not be opened, or has a symbolic link in it.
    #[error("could not open {path} to grant it")]
    Grant {
        /// The path.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A restriction could not be put in place.
    #[error("could not restrict {what}: {why}")]
    Restrict {
        /// What was to be restricted.
        what: String,
        /// What the kernel said.
        why: String,
    },
    /// The level `require` is set and something would not be enforced.
    #[error("the sandbox is required and {missing} cannot be enforced here")]
    NotEnforceable {
        /// What is missing.
        missing: String,
    },
    /// The program could not be started.
    #[error("could not start {program}")]
    StartProgram {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The program ran and its end could not be waited for.
    #[error("could not wait for the program")]
    Wait {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
