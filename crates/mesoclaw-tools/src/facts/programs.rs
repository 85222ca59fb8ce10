//! Which file a program's name means, and whether it may be trusted to be what it is called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{
    CHILD_ENVIRONMENT, CHILD_ENVIRONMENT_INHERITED, PathKind, ProgramFact, Roots,
};

use super::{absolute, paths};
use crate::workspace::{identity_of, is_executable, others_may_write, own_by_others};

/// Where a system keeps its programs.
const SYSTEM_DIRS: [&str; 9] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
    "/snap/bin",
];

/// Directories anybody may write to, below which no program is looked for.
const SHARED_DIRS: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp"];

/// The directories a child's `PATH` has, resolved: those of `path_var` in their order, without
/// what others may write to and what lies in the workspace, and then the system's.
pub fn trusted_dirs(path_var: &str, home: Option<&Path>, workspace: Option<&Path>) -> Vec<PathBuf> {
    let named = std::env::split_paths(path_var);
    let mut dirs: Vec<PathBuf> = Vec::new();
    for dir in named.chain(SYSTEM_DIRS.iter().map(PathBuf::from)) {
        let Some(resolved) = dir.is_absolute().then(|| dir.canonicalize().ok()).flatten() else {
            continue;
        };
        let is_home = home.is_some_and(|home| home == resolved);
        let is_trusted = resolved.is_dir() && !is_home && doubt(&resolved, workspace).is_none();
        if is_trusted && !dirs.contains(&resolved) {
            dirs.push(resolved);
        }
    }
    dirs
}

/// The environment a child gets: pinned values, what may be taken over from `inherited`, `PATH`
/// out of trusted directories, and the session's own directory for temporary files.
pub fn child_environment(
    inherited: &BTreeMap<String, String>,
    dirs: &[PathBuf],
    roots: &Roots,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for name in CHILD_ENVIRONMENT_INHERITED {
        if let Some(value) = inherited.get(name) {
            environment.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in CHILD_ENVIRONMENT {
        environment.insert(name.to_owned(), value.to_owned());
    }
    // A directory with the separator in its name cannot stand in `PATH`, and is left out.
    let dirs = dirs
        .iter()
        .filter(|dir| std::env::join_paths([dir]).is_ok());
    if let Ok(path) = std::env::join_paths(dirs) {
        environment.insert("PATH".to_owned(), path.to_string_lossy().into_owned());
    }
    let temp = roots.temp.to_string_lossy().into_owned();
    environment.insert("TMPDIR".to_owned(), temp);
    environment
}

/// The directories of a child's `PATH`.
pub(super) fn search_path(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let path = environment
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .collect()
}

/// Finds a program as the shell would.
pub(super) fn look_up(name: &str, dirs: &[PathBuf], roots: &Roots) -> ProgramFact {
    let candidate = if name.contains('/') {
        absolute(name, roots)
    } else {
        dirs.iter()
            .map(|dir| dir.join(name))
            .find(|path| is_program(path))
    };
    let Some(candidate) = candidate else {
        return ProgramFact::default();
    };
    let fact = paths::fact(&candidate, roots);
    let metadata = std::fs::symlink_metadata(&fact.resolved);
    let (PathKind::File, Ok(metadata)) = (&fact.kind, metadata) else {
        return ProgramFact::default();
    };
    let untrusted = if is_executable(&metadata) {
        doubt(&candidate, roots.workspace.as_deref())
            .or_else(|| doubt(&fact.resolved, roots.workspace.as_deref()))
            .or_else(|| doubt_roots(&fact.resolved, roots))
    } else {
        Some("it is not executable".to_owned())
    };
    ProgramFact {
        resolved: Some(fact.resolved),
        identity: Some(identity_of(&metadata)),
        untrusted,
    }
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| is_executable(&metadata))
}

fn doubt_roots(path: &Path, roots: &Roots) -> Option<String> {
    if path.starts_with(&roots.temp) && roots.temp.parent().is_some() {
        return Some("it lies in a directory for temporary files".to_owned());
    }
    let is_own = roots.own.iter().any(|own| path.starts_with(own));
    is_own.then(|| "it lies in a directory of mesoclaw itself".to_owned())
}

/// Why a program or a directory of programs should not be trusted.
fn doubt(path: &Path, workspace: Option<&Path>) -> Option<String> {
    if workspace.is_some_and(|root| path.starts_with(root)) {
        return Some("it lies in the workspace".to_owned());
    }
    if SHARED_DIRS.iter().any(|shared| path.starts_with(shared)) {
        return Some("it lies in a directory for temporary files".to_owned());
    }
    path.ancestors().find_map(|part| {
        let metadata = std::fs::metadata(part).ok()?;
        let fault = if others_may_write(&metadata) {
            "others may write to"
        } else if own_by_others(&metadata) {
            "another user owns"
        } else {
            return None;
        };
        Some(if part == path {
            format!("{fault} it")
        } else {
            format!("{fault} `{}`", part.display())
        })
    })
}
