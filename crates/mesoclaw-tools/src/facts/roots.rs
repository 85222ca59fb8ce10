//! The places a path is compared with, and what a workspace is.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::Roots;
use mesoclaw_api::ops::session::Workspace;

/// System directories: a workspace there would be the machine itself.
const SYSTEM_ROOTS: [&str; 19] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/System",
    "/Library",
    "/Applications",
    "/private/etc",
    "/private/var",
];

/// Parts of system directories where people do keep projects.
const NOT_SYSTEM: [&str; 8] = [
    "/usr/local/src",
    "/usr/src",
    "/var/www",
    "/var/lib",
    "/var/tmp",
    "/run/user",
    "/run/media",
    "/private/var/folders",
];

/// Directories that only hold directories of others.
const SHARED_ROOTS: [&str; 9] = [
    "/home",
    "/Users",
    "/opt",
    "/mnt",
    "/media",
    "/srv",
    "/tmp",
    "/var/tmp",
    "/private/tmp",
];

/// What a session that was started in `directory` works in.
///
/// # Errors
/// A sentence: the path is not absolute, or nothing is there, or no directory.
pub fn workspace_of(directory: &Path, home: Option<&Path>) -> Result<Workspace, String> {
    if !directory.is_absolute() {
        return Err(format!(
            "the workspace must be an absolute path, and `{}` is not",
            directory.display()
        ));
    }
    let root = directory.canonicalize().map_err(|error| {
        format!(
            "the workspace `{}` cannot be used: {error}",
            directory.display()
        )
    })?;
    if !root.is_dir() {
        return Err(format!(
            "the workspace `{}` is not a directory",
            root.display()
        ));
    }
    let Some(text) = root.to_str() else {
        return Err(format!(
            "the workspace `{}` cannot be used: its name is not UTF-8",
            root.display()
        ));
    };
    Ok(Workspace {
        root: text.to_owned(),
        git_root: git_root(&root).map(|root| root.to_string_lossy().into_owned()),
        too_broad: too_broad(&root, home),
    })
}

/// The places of a session. `own` are our own directories; `temp` the session's own. All are
/// resolved here as far as they exist.
pub fn roots(
    workspace: Option<&Workspace>,
    home: Option<PathBuf>,
    temp: PathBuf,
    own: Vec<PathBuf>,
) -> Roots {
    let temp = resolved(temp);
    let home = home.map(resolved);
    let cwd = workspace.map(|workspace| PathBuf::from(&workspace.root));
    Roots {
        workspace: workspace
            .filter(|workspace| workspace.too_broad.is_none())
            .map(|workspace| PathBuf::from(&workspace.root)),
        cwd: cwd.unwrap_or_else(|| temp.clone()),
        temp,
        home,
        own: own.into_iter().map(resolved).collect(),
        readable: Vec::new(),
    }
}

fn resolved(path: PathBuf) -> PathBuf {
    let mut missing = Vec::new();
    for part in path.ancestors() {
        if let Ok(found) = part.canonicalize() {
            return missing
                .into_iter()
                .rev()
                .fold(found, |path, name| path.join(name));
        }
        missing.extend(part.file_name());
    }
    path
}

/// The repository a directory lies in: the nearest directory upwards with a `.git`.
pub(crate) fn git_root(directory: &Path) -> Option<PathBuf> {
    directory
        .ancestors()
        .find(|part| part.join(".git").exists())
        .map(Path::to_path_buf)
}

pub(crate) fn too_broad(root: &Path, home: Option<&Path>) -> Option<String> {
    let home = home.map(|home| resolved(home.to_path_buf()));
    if root.parent().is_none() {
        return Some("it is the root of the file system".to_owned());
    }
    if let Some(home) = home {
        if root == home {
            return Some("it is the home directory".to_owned());
        }
        if home.starts_with(root) {
            return Some("the home directory lies in it".to_owned());
        }
    }
    let is_shared = SHARED_ROOTS.iter().any(|shared| root == Path::new(shared));
    if is_shared {
        return Some("it is a directory that all users share".to_owned());
    }
    let is_below = |list: &[&str]| list.iter().any(|system| root.starts_with(system));
    let is_project = NOT_SYSTEM
        .iter()
        .any(|place| root.starts_with(place) && root != Path::new(place));
    (is_below(&SYSTEM_ROOTS) && !is_project).then(|| "it is a system directory".to_owned())
}
