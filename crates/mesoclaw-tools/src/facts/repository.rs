//! What the git repository around a directory could start by itself.

use std::path::Path;

use mesoclaw_agent::policy::{RepositoryFact, git_config_runs};

use crate::workspace::OpenFile;

/// A longer configuration is not read.
const CONFIG_MAX_BYTES: u64 = 256 * 1024;

/// Looks where git would look, upwards from `directory`. `None` when it cannot be told: `.git` is
/// no directory, or brings more configuration than its `config`, or a directory on the way is a
/// repository without a work tree.
pub(super) fn look(directory: &Path) -> Option<RepositoryFact> {
    for part in directory.ancestors() {
        let git = part.join(".git");
        match std::fs::symlink_metadata(&git) {
            // Git passes over a `.git` that is no repository, and takes the directory around it.
            _ if is_bare(part) => return None,
            Ok(metadata) if metadata.is_dir() && is_bare(&git) => return read(&git),
            Ok(_) => return None,
            Err(_) => {}
        }
    }
    Some(RepositoryFact::default())
}

fn read(git: &Path) -> Option<RepositoryFact> {
    let has_more = ["config.worktree", "modules", "commondir"]
        .iter()
        .any(|name| std::fs::symlink_metadata(git.join(name)).is_ok());
    if has_more {
        return None;
    }
    let mut file = OpenFile::open(&git.join("config")).ok()?;
    let bytes = file.read_up_to(CONFIG_MAX_BYTES + 1).ok()?;
    if bytes.len() as u64 > CONFIG_MAX_BYTES {
        return None;
    }
    let text = String::from_utf8(bytes).ok()?;
    Some(RepositoryFact {
        runs: git_config_runs(&text),
    })
}

/// Git takes a directory with these for a repository, whatever its name.
fn is_bare(directory: &Path) -> bool {
    ["HEAD", "objects", "refs"]
        .iter()
        .all(|name| std::fs::symlink_metadata(directory.join(name)).is_ok())
}
