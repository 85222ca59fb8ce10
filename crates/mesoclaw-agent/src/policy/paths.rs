//! Where a path lies, and what that means for reading and changing it. Compares resolved paths
//! only; says nothing about how they are opened.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

use super::facts::Roots;
use super::glob;

/// Where a resolved path lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    /// In the workspace.
    Workspace,
    /// In the session's own directory for temporary files.
    Temp,
    /// In a place a person said may be read.
    Readable,
    /// In one of our own directories.
    Own,
    /// In `/dev`, `/proc` or `/sys`.
    Kernel,
    /// Anywhere else.
    Outside,
}

/// What is known about a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Where it lies.
    pub area: Area,
    /// What changing it would touch, when that always asks.
    pub protected: Option<&'static str>,
    /// What reading it would give away, when that always asks.
    pub secret: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacesFile {
    protected: BTreeMap<String, Vec<String>>,
    secret: BTreeMap<String, Vec<String>>,
}

/// Patterns by their reason: the parts of each, and whether it starts at the root.
struct Places {
    protected: Vec<Special>,
    secret: Vec<Special>,
}

struct Special {
    why: String,
    from_root: bool,
    /// Each with whether it has a wildcard.
    parts: Vec<(String, bool)>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let text = include_str!("../../policy/places.toml");
    match toml_edit::de::from_str::<PlacesFile>(text) {
        Ok(file) => Places {
            protected: specials(file.protected),
            secret: specials(file.secret),
        },
        // A test reads the same file, so this is not reached; if it ever were, everything counts
        // as protected and secret.
        Err(_) => Places {
            protected: vec![Special::everything()],
            secret: vec![Special::everything()],
        },
    }
});

impl Special {
    fn everything() -> Self {
        Self {
            why: "rules that cannot be read".to_owned(),
            from_root: true,
            parts: Vec::new(),
        }
    }

    fn covers(&self, parts: &[&str]) -> bool {
        let at = |parts: &[&str]| {
            parts.len() >= self.parts.len()
                && self
                    .parts
                    .iter()
                    .zip(parts)
                    .all(|((pattern, is_wild), part)| part_matches(pattern, *is_wild, part))
        };
        if self.from_root {
            return at(parts);
        }
        (0..parts.len()).any(|start| parts.get(start..).is_some_and(at))
    }
}

fn part_matches(pattern: &str, is_wild: bool, part: &str) -> bool {
    if is_wild {
        glob::matches(pattern, part)
    } else {
        pattern == part
    }
}

fn specials(groups: BTreeMap<String, Vec<String>>) -> Vec<Special> {
    groups
        .into_iter()
        .flat_map(|(why, patterns)| {
            patterns.into_iter().map(move |pattern| Special {
                why: why.clone(),
                from_root: pattern.starts_with('/'),
                parts: pattern
                    .split('/')
                    .filter(|part| !part.is_empty())
                    .map(|part| (part.to_owned(), part.contains('*')))
                    .collect(),
            })
        })
        .collect()
}

/// Where a resolved, absolute path lies. One that is not absolute, or has parts that are not
/// text, counts as protected and secret.
pub fn place(path: &Path, roots: &Roots) -> Place {
    let Some(text) = path.to_str().filter(|_| path.is_absolute()) else {
        return Place {
            area: Area::Outside,
            protected: Some("a path that is not plain text"),
            secret: Some("a path that is not plain text"),
        };
    };
    let area = area(path, roots);
    if area == Area::Own {
        return Place {
            area,
            protected: Some("mesoclaw's own state"),
            secret: Some("mesoclaw's own state"),
        };
    }
    let lower = text.to_lowercase();
    // A workspace may lie below a directory of a special name: inside it, only what it contains
    // counts. What lies in the home of somebody counts from the root.
    let inside = match (area, &roots.workspace) {
        (Area::Workspace, Some(root)) => path.strip_prefix(root).ok(),
        (Area::Temp, _) => path.strip_prefix(&roots.temp).ok(),
        _ => None,
    };
    let lower = match inside {
        Some(inside) => inside.to_str().unwrap_or_default().to_lowercase(),
        None => lower,
    };
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    let find = |list: &'static [Special]| {
        list.iter()
            .filter(|special| inside.is_none() || !special.from_root || special.parts.is_empty())
            .find(|special| special.covers(&parts))
            .map(|special| special.why.as_str())
    };
    Place {
        area,
        protected: find(&PLACES.protected),
        secret: find(&PLACES.secret),
    }
}

fn area(path: &Path, roots: &Roots) -> Area {
    if roots
        .own
        .iter()
        .any(|own| is_non_empty(own) && path.starts_with(own))
        && !path.starts_with(&roots.temp)
    {
        return Area::Own;
    }
    if ["/dev", "/proc", "/sys"]
        .iter()
        .any(|kernel| path.starts_with(kernel))
    {
        return Area::Kernel;
    }
    if is_non_empty(&roots.temp) && path.starts_with(&roots.temp) {
        return Area::Temp;
    }
    if roots
        .workspace
        .as_ref()
        .is_some_and(|root| path.starts_with(root))
    {
        return Area::Workspace;
    }
    if roots
        .readable
        .iter()
        .any(|root| is_non_empty(root) && path.starts_with(root))
    {
        return Area::Readable;
    }
    Area::Outside
}

fn is_non_empty(path: &Path) -> bool {
    path.parent().is_some()
}

/// Whether removing this directory with everything in it is out of the question.
pub(super) fn is_vital(path: &Path, roots: &Roots) -> bool {
    // The root itself, everything directly below it, and system directories one level deeper.
    let depth = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .count();
    let is_shallow = depth <= 1
        || (depth == 2
            && ["/usr", "/var", "/home", "/Users", "/Library", "/etc"]
                .iter()
                .any(|top| path.starts_with(top)));
    is_shallow && !is_inside_roots(path, roots)
        || [
            roots.workspace.as_ref(),
            roots.home.as_ref(),
            Some(&roots.temp),
        ]
        .into_iter()
        .flatten()
        .chain(&roots.own)
        .any(|root| root.starts_with(path))
}

/// Why a directory is no workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAWorkspace {
    /// It is not an absolute path.
    #[error("a workspace is an absolute path")]
    Relative,
    /// It is a home, or lies above one.
    #[error("a home directory, or one above it, is no workspace")]
    Home,
    /// It belongs to the system.
    #[error("a directory of the system is no workspace")]
    System,
    /// It holds keys, start-up files or the like.
    #[error("a directory of keys or start-up files is no workspace")]
    Protected,
}

/// Where the system lives.
const SYSTEM: [&str; 18] = [
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/root",
    "/var/lib",
    "/var/spool",
    "/var/log",
    "/System",
    "/Library",
    "/Applications",
];

/// Whether a resolved directory can be the root of a workspace.
///
/// # Errors
/// When everything below it would count as harmless, and is not.
pub fn check_workspace(root: &Path, home: Option<&Path>) -> Result<(), NotAWorkspace> {
    if !root.is_absolute() {
        return Err(NotAWorkspace::Relative);
    }
    if home.is_some_and(|home| home.starts_with(root)) {
        return Err(NotAWorkspace::Home);
    }
    let roots = Roots {
        cwd: root.to_path_buf(),
        ..Roots::default()
    };
    let is_in_home = home.is_some_and(|home| root.starts_with(home));
    let is_system = root.parent().is_none()
        || SYSTEM.iter().any(|system| root.starts_with(system))
            && !root.starts_with("/usr/src")
            && !root.starts_with("/usr/local/src");
    if is_system && !is_in_home {
        return Err(NotAWorkspace::System);
    }
    let is_shared = [
        "/home", "/Users", "/tmp", "/var", "/var/tmp", "/opt", "/mnt", "/media", "/srv",
    ]
    .iter()
    .any(|shared| root == Path::new(shared));
    let is_somebodys_home = ["/home", "/Users"]
        .iter()
        .any(|homes| root.parent() == Some(Path::new(homes)));
    if is_shared || is_somebodys_home {
        return Err(NotAWorkspace::Home);
    }
    let found = place(root, &roots);
    if found.protected.is_some() || found.secret.is_some() {
        return Err(NotAWorkspace::Protected);
    }
    Ok(())
}

/// Whether a path lies in the workspace or the temporary directory.
pub(super) fn is_inside(path: &Path, roots: &Roots) -> bool {
    matches!(area(path, roots), Area::Workspace | Area::Temp)
}

/// Strictly below the workspace or the temporary directory.
fn is_inside_roots(path: &Path, roots: &Roots) -> bool {
    [roots.workspace.as_ref(), Some(&roots.temp)]
        .into_iter()
        .flatten()
        .any(|root| is_non_empty(root) && path.starts_with(root) && path != root)
}

/// The path a given text names when no link is followed: `.` and `..` resolved by text.
pub(super) fn lexical(given: &str, roots: &Roots) -> PathBuf {
    let mut path = PathBuf::new();
    let start = match given.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            path.push(roots.home.as_deref().unwrap_or(Path::new("/")));
            rest.trim_start_matches('/')
        }
        _ => {
            path.push(&roots.cwd);
            given
        }
    };
    for part in Path::new(start).components() {
        match part {
            Component::RootDir => path = PathBuf::from("/"),
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    path
}

#[cfg(test)]
mod tests;
