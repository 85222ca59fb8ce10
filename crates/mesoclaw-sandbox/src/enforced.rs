//! What a kernel really enforces: reported by the helper, shown by `doctor` and in approvals.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far one kind of restriction holds. The texts are for people and start in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum Enforcement {
    /// The kernel enforces it.
    Full,
    /// The kernel enforces it except for what the text says.
    Partial(String),
    /// Nothing enforces it, for the reason given.
    None(String),
}

impl Enforcement {
    /// Whether anything at all is enforced.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None(_))
    }

    pub(crate) fn none(why: &str) -> Self {
        Self::None(why.to_owned())
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux enforces in parts")
    )]
    pub(crate) fn partial(what: &str) -> Self {
        Self::Partial(what.to_owned())
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("enforced"),
            Self::Partial(what) => write!(f, "enforced in part: {what}"),
            Self::None(why) => write!(f, "not enforced: {why}"),
        }
    }
}

/// What is enforced on a child. Names, sizes, dates and permission bits of files are outside what
/// the kernel's file restriction covers: a child can see that a hidden file exists, and can change
/// the permission bits of a file that belongs to the same user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Contents and names of files outside the granted ones are out of reach.
    pub filesystem: Enforcement,
    /// A program without the network right reaches no network, loopback included.
    pub network: Enforcement,
    /// Debugging, mounting, kernel modules, keyrings, namespaces and the like are refused, and so
    /// are local sockets by name.
    pub syscalls: Enforcement,
    /// Every descendant ends with the program, and none can signal a process outside.
    pub processes: Enforcement,
    /// Processor time, memory, file size, open files and the number of processes are bounded.
    pub limits: Enforcement,
}

impl Enforced {
    /// Nothing is enforced, for one reason.
    pub fn nothing(why: &str) -> Self {
        Self {
            filesystem: Enforcement::none(why),
            network: Enforcement::none(why),
            syscalls: Enforcement::none(why),
            processes: Enforcement::none(why),
            limits: Enforcement::none(why),
        }
    }

    /// The five kinds with their names, in the order they are shown in.
    pub fn rows(&self) -> [(&'static str, &Enforcement); 5] {
        [
            ("files", &self.filesystem),
            ("network", &self.network),
            ("system calls", &self.syscalls),
            ("processes", &self.processes),
            ("limits", &self.limits),
        ]
    }
}
