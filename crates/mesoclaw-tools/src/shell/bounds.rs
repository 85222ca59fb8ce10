//! What a command may touch: the workspace, the session's temporary files, the tools it needs, and
//! what the verdict adds.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{Facts, SandboxFact, place};
use mesoclaw_sandbox::{Level, Sandbox, probe, toolchain_reads};

use crate::facts::too_broad;

/// Places a command may write, all of which exist. One that was let through because it only looks
/// gets its temporary files and nothing else: should it do more than was judged, it fails.
pub(super) fn writes(facts: &Facts, looks_only: bool, allowed: Vec<PathBuf>) -> Vec<PathBuf> {
    let roots = &facts.roots;
    let workspace = roots.workspace.iter().filter(|_| !looks_only);
    let mut writes: Vec<PathBuf> = workspace.cloned().collect();
    writes.push(roots.temp.clone());
    for path in allowed {
        if !writes.iter().any(|granted| path.starts_with(granted)) {
            writes.extend(grant(facts, &path));
        }
    }
    writes.retain(|path| path.exists());
    writes
}

/// Creating, renaming and removing need the right to the directory. It is given for places that
/// hold nothing but data; in a home, in its hidden directories and in system directories only the
/// file itself is granted.
fn grant(facts: &Facts, path: &Path) -> Option<PathBuf> {
    let roots = &facts.roots;
    if path.is_dir() {
        return Some(path.to_path_buf());
    }
    let parent = path.ancestors().skip(1).find(|parent| parent.is_dir())?;
    let home = roots.home.as_deref();
    let is_hidden = home
        .and_then(|home| parent.strip_prefix(home).ok())
        .and_then(|inside| inside.components().next())
        .is_some_and(|first| first.as_os_str().to_string_lossy().starts_with('.'));
    let holds_own = roots
        .own
        .iter()
        .any(|own| own.starts_with(parent) || parent.starts_with(own));
    let there = place(parent, roots);
    let is_delicate = there.protected.is_some() || there.secret.is_some();
    if is_hidden || holds_own || is_delicate || too_broad(parent, home).is_some() {
        return path.exists().then(|| path.to_path_buf());
    }
    Some(parent.to_path_buf())
}

/// Places a command may read beyond those of the system.
pub(super) fn reads(facts: &Facts, allowed: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut reads = allowed;
    // A command that only looks may not write there, and has to see it all the same.
    reads.extend(facts.roots.workspace.iter().cloned());
    reads.extend(facts.roots.readable.iter().cloned());
    let path = facts
        .environment
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    let dirs: Vec<PathBuf> = std::env::split_paths(path).collect();
    if let Some(home) = &facts.roots.home {
        reads.extend(toolchain_reads(&dirs, home));
    }
    reads
}

/// What this sandbox enforces on this machine, for the policy and for the person who is asked.
/// Blocking: asks the kernel.
pub fn sandbox_fact(sandbox: &Sandbox) -> SandboxFact {
    if sandbox.level == Level::Off {
        return SandboxFact {
            enforced: false,
            note: "The sandbox is switched off: a command may do all that you may.".to_owned(),
        };
    }
    if sandbox.helper.is_none() {
        return SandboxFact {
            enforced: false,
            note: "The sandbox cannot be used here: a command may do all that you may.".to_owned(),
        };
    }
    let kernel = probe();
    let enforced = kernel.filesystem.is_some() && kernel.syscalls.is_some();
    let rows: Vec<String> = kernel
        .rows()
        .iter()
        .map(|(name, state)| format!("{name} {state}"))
        .collect();
    SandboxFact {
        enforced,
        note: format!("Sandbox: {}.", rows.join("; ")),
    }
}
