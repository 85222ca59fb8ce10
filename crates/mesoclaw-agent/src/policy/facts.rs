//! `Facts`: what the policy must know about the disk and the machine. Gathered by somebody else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::inquiry::PathQuestion;

/// More matches of one glob than this are not listed: [`PathFact::matches`] is `None` then.
pub const GLOB_MATCHES_MAX: usize = 512;

/// The answers to [`super::Questions`], and what is known without asking.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Facts {
    /// The places a path is compared with.
    pub roots: Roots,
    /// One answer for each path asked for. A missing answer counts as not understood.
    pub paths: BTreeMap<PathQuestion, PathFact>,
    /// One answer for each program asked for, by the name as it was asked.
    pub programs: BTreeMap<String, ProgramFact>,
    /// When each process the call would signal was started, in a unit of the system; `None` = there
    /// is no such process. Numbers of processes are used again, start and number together are not.
    pub processes: BTreeMap<u32, Option<u64>>,
    /// The environment a child would get: [`super::CHILD_ENVIRONMENT`] over what is inherited.
    pub environment: BTreeMap<String, String>,
    /// What keeps a child inside its bounds.
    pub sandbox: SandboxFact,
    /// The git repository commands would run in; `None` when nobody looked, or it could not be
    /// told: then git is never of low risk.
    pub repository: Option<RepositoryFact>,
}

/// What the git repository around [`Roots::cwd`] could start by itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RepositoryFact {
    /// Settings of its own configuration that start programs, from
    /// [`super::git_config_runs`] over its `config`. A repository with `config.worktree`, with
    /// submodules (`modules` in its directory) or whose `.git` is not a directory is not told
    /// ([`Facts::repository`] is `None`). Without any repository: empty.
    pub runs: Vec<String>,
}

/// Places, absolute and with all links resolved.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Roots {
    /// The root of the workspace; `None` when there is none, and then everything asks.
    pub workspace: Option<PathBuf>,
    /// The directory relative paths start from, and commands run in.
    pub cwd: PathBuf,
    /// The session's own directory for temporary files. Not the machine's shared one.
    pub temp: PathBuf,
    /// The home directory: what `~` means.
    pub home: Option<PathBuf>,
    /// Our own directories: configuration, data, state, runtime.
    pub own: Vec<PathBuf>,
    /// Further places that may be read like the workspace, because a person said so.
    pub readable: Vec<PathBuf>,
}

/// What a path is on the disk now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathFact {
    /// Absolute, every link resolved. Where the last parts do not exist: the resolved place of
    /// the part that does, with the rest joined. Of a glob: of the directory before the first
    /// part with a wildcard.
    pub resolved: PathBuf,
    /// What is there, after following links.
    pub kind: PathKind,
    /// Whether a link was followed at or below the workspace's root (or, for a path that does not
    /// start there, anywhere below its first part that a user may write).
    pub through_link: bool,
    /// Whether the file has other names (hard links).
    pub other_names: bool,
    /// Of a regular file, which one exactly.
    pub identity: Option<FileIdentity>,
    /// What lies below it, where [`super::Questions::trees`] asks for it.
    pub below: Below,
    /// Of a glob, what it matches now as the shell would expand it; empty when nothing. `None`
    /// when it is not a glob, or there were more than [`GLOB_MATCHES_MAX`].
    pub matches: Option<Vec<GlobMatch>>,
}

/// Most entries below a directory that are looked at.
pub const BELOW_MAX: usize = 20_000;

/// What lies below a directory that is read as a whole.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Below {
    /// Nobody looked.
    #[default]
    Unknown,
    /// Nothing that usually holds secrets; `.git`, `target` and `node_modules` do not count.
    Plain,
    /// Something that usually does: this.
    Secret(PathBuf),
    /// More than [`BELOW_MAX`] entries.
    TooMuch,
}

/// One match of a glob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GlobMatch {
    /// The word the shell would put in its place.
    pub text: String,
    /// What it is.
    pub fact: PathFact,
}

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PathKind {
    /// Nothing.
    Missing,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Something else: `a device`, `a named pipe`, `a socket`.
    Special(String),
}

/// What a program's name means now.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ProgramFact {
    /// The file, absolute, links resolved; `None` when there is none.
    pub resolved: Option<PathBuf>,
    /// Which file exactly.
    pub identity: Option<FileIdentity>,
    /// Why it should not be trusted: `it lies in the workspace`, `others may write to it`.
    pub untrusted: Option<String>,
}

/// A file, told apart from what may take its place later.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Time of the last change, nanoseconds after 1970.
    pub modified_ns: i64,
}

/// What keeps a child inside its bounds on this machine.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SandboxFact {
    /// Whether anything does.
    pub enforced: bool,
    /// In a sentence, for the person who is asked.
    pub note: String,
}
