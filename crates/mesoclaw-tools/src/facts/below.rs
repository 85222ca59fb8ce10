//! What lies below a directory that a command would read as a whole, as far as a bounded look
//! tells.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{BELOW_MAX, Below, PathFact, PathKind, Roots, place};

/// Directories of others' work, large and without secrets of their own.
pub(crate) const SKIPPED: [&str; 3] = [".git", "target", "node_modules"];

/// Fills in what lies below a path, or below everything a wildcard matches.
pub(super) fn look(fact: &mut PathFact, is_glob: bool, roots: &Roots) {
    let mut n_left = BELOW_MAX;
    if !is_glob {
        one(fact, roots, &mut n_left);
    }
    for found in fact.matches.iter_mut().flatten() {
        one(&mut found.fact, roots, &mut n_left);
    }
}

fn one(fact: &mut PathFact, roots: &Roots, n_left: &mut usize) {
    if fact.kind == PathKind::Directory {
        fact.below = search(fact.resolved.clone(), roots, n_left);
    }
}

fn search(start: PathBuf, roots: &Roots, n_left: &mut usize) -> Below {
    let mut pending = vec![start];
    while let Some(directory) = pending.pop() {
        // What cannot be listed cannot be read by the command, either.
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if *n_left == 0 {
                return Below::TooMuch;
            }
            *n_left -= 1;
            let path = entry.path();
            let kind = entry.file_type().ok();
            if is_secret(&path, kind.is_some_and(|kind| kind.is_symlink()), roots) {
                return Below::Secret(path);
            }
            let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if kind.is_some_and(|kind| kind.is_dir()) && !is_skipped {
                pending.push(path);
            }
        }
    }
    Below::Plain
}

/// By its own name, or by the one of what a link leads to.
fn is_secret(path: &Path, is_link: bool, roots: &Roots) -> bool {
    let names_secret = |path: &Path| place(path, roots).secret.is_some();
    names_secret(path)
        || is_link && std::fs::canonicalize(path).is_ok_and(|target| names_secret(&target))
}
