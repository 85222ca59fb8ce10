//! What a command may touch: the workspace, the session's temporary files, the tools it needs, and
//! what the verdict adds.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{BELOW_MAX, Facts, Roots, SandboxFact, place};
use mesoclaw_sandbox::{Level, Sandbox, probe, toolchain_reads};

use crate::facts::{SKIPPED, too_broad};

/// Places a command may write, all of which exist. One that was let through because it only looks
/// gets its temporary files and nothing else: should it do more than was judged, it fails. Of what is
/// only `opened`, nothing but the file is granted.
pub(super) fn writes(
    facts: &Facts,
    looks_only: bool,
    allowed: Vec<PathBuf>,
    opened: &[PathBuf],
) -> Vec<PathBuf> {
    let roots = &facts.roots;
    let workspace = roots.workspace.iter().filter(|_| !looks_only);
    let mut writes: Vec<PathBuf> = workspace.cloned().collect();
    writes.push(roots.temp.clone());
    for path in allowed {
        if !writes.iter().any(|granted| path.starts_with(granted)) {
            let is_opened = opened.contains(&path);
            writes.extend(if is_opened {
                path.is_file().then_some(path)
            } else {
                grant(facts, &path)
            });
        }
    }
    writes.retain(|path| path.exists());
    writes
}

/// Creating, renaming and removing need the right to the directory. It is given for places that
/// hold nothing but data; in a home, in its hidden directories and in system directories only the
/// file itself is granted.
fn grant(facts: &Facts, path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_path_buf());
    }
    let parent = path.ancestors().skip(1).find(|parent| parent.is_dir())?;
    if is_delicate(parent, &facts.roots) {
        return path.exists().then(|| path.to_path_buf());
    }
    Some(parent.to_path_buf())
}

/// Whether a new file in a directory could start programs or give something away.
pub(super) fn is_delicate(parent: &Path, roots: &Roots) -> bool {
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
    is_hidden
        || holds_own
        || there.protected.is_some()
        || there.secret.is_some()
        || too_broad(parent, home).is_some()
}

/// What a command may look at beyond what belongs to the system.
#[derive(Default)]
pub(super) struct Looks {
    /// Files, and directories with everything below them.
    pub read: Vec<PathBuf>,
    /// Directories of which only names are seen.
    pub list: Vec<PathBuf>,
}

/// Places a command may read beyond those of the system, and those it may only list. What is
/// readable leaves out our own directories and what usually holds secrets below it.
pub(super) fn looks(facts: &Facts, allowed: Vec<PathBuf>, listed: Vec<PathBuf>) -> Looks {
    let roots = &facts.roots;
    let mut looks = Looks {
        list: listed,
        ..Looks::default()
    };
    for path in allowed.iter().chain(&roots.readable) {
        add_tree(path, roots, &mut looks);
    }
    let reads = &mut looks.read;
    // A command that only looks may not write there, and has to see it all the same.
    reads.extend(roots.workspace.iter().cloned());
    let path = facts
        .environment
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    let dirs: Vec<PathBuf> = std::env::split_paths(path).collect();
    if let Some(home) = &roots.home {
        reads.extend(toolchain_reads(&dirs, home));
    }
    looks
}

fn add_tree(root: &Path, roots: &Roots, looks: &mut Looks) {
    let is_kernel = ["/dev", "/proc", "/sys"]
        .iter()
        .any(|kernel| root.starts_with(kernel));
    if is_kernel || !root.is_dir() {
        looks.read.push(root.to_path_buf());
        return;
    }
    let closed = closed_below(root, roots);
    take_apart(root, &closed, looks);
}

/// Our own directories below one, and what usually holds secrets. The look is bounded and goes
/// level by level: what a person keeps secret does not lie deep. Somebody who names a place of
/// secrets itself was asked about it.
fn closed_below(root: &Path, roots: &Roots) -> Vec<PathBuf> {
    let is_below = |own: &&PathBuf| own.starts_with(root) && *own != root;
    let mut closed: Vec<PathBuf> = roots.own.iter().filter(is_below).cloned().collect();
    if place(root, roots).secret.is_some() {
        return closed;
    }
    let mut pending = VecDeque::from([root.to_path_buf()]);
    let mut n_left = BELOW_MAX;
    while let Some(directory) = pending.pop_front() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if n_left == 0 {
                return closed;
            }
            n_left -= 1;
            let path = entry.path();
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if place(&path, roots).secret.is_some() {
                closed.push(path);
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !is_skipped {
                pending.push_back(path);
            }
        }
    }
    closed
}

/// A right on a directory holds for everything below it, so one with something closed in it is
/// granted by its other entries. Links are left out: they count where they lead.
fn take_apart(directory: &Path, closed: &[PathBuf], looks: &mut Looks) {
    if closed.iter().any(|path| path == directory) {
        return;
    }
    if !closed.iter().any(|path| path.starts_with(directory)) {
        looks.read.push(directory.to_path_buf());
        return;
    }
    looks.list.push(directory.to_path_buf());
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            take_apart(&entry.path(), closed, looks);
        }
    }
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
