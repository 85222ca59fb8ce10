//! The judged side of a call: paths as they were resolved before the verdict, and what may be
//! said about where they lie.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{Facts, PathFact, PathQuestion, place};
use mesoclaw_agent::tool::ToolOutput;

use crate::output::shown_path;

/// The fact of a path argument.
///
/// # Errors
/// A sentence: the path was not looked up before the verdict, so it must not be used.
pub fn path_fact<'a>(facts: &'a Facts, given: &str) -> Result<&'a PathFact, String> {
    let question = PathQuestion {
        given: given.to_owned(),
        is_glob: false,
    };
    facts.paths.get(&question).ok_or_else(|| {
        format!("`{given}` cannot be used: it could not be resolved before the call was checked.")
    })
}

/// The resolved path of a path argument.
///
/// # Errors
/// As [`path_fact`].
pub fn resolved(facts: &Facts, given: &str) -> Result<PathBuf, String> {
    path_fact(facts, given).map(|fact| fact.resolved.clone())
}

/// The path as it is shown: relative to the workspace when it lies in it.
pub fn shown(facts: &Facts, path: &Path) -> String {
    let root = facts.roots.workspace.as_deref().unwrap_or(&facts.roots.cwd);
    match path.strip_prefix(root) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => shown_path(inside),
        Err(_) => shown_path(path),
    }
}

/// Whether text from there counts as the session's own.
pub fn is_inside(facts: &Facts, path: &Path) -> bool {
    let roots = &facts.roots;
    let is_own = roots.own.iter().any(|own| path.starts_with(own));
    let is_temp = roots.temp.parent().is_some() && path.starts_with(&roots.temp);
    let in_workspace = |root: &PathBuf| path.starts_with(root);
    is_temp || (!is_own && roots.workspace.as_ref().is_some_and(in_workspace))
}

/// Why the content of a file is not given away without being asked for by name; `None` when it
/// may be.
pub fn secret_kind(facts: &Facts, path: &Path) -> Option<&'static str> {
    place(path, &facts.roots).secret
}

/// Marks an answer as text out of a file or directory.
pub fn from_path(output: ToolOutput, facts: &Facts, kind: &str, path: &Path) -> ToolOutput {
    let name = format!("{kind} {}", shown(facts, path));
    output.from_source(name, !is_inside(facts, path))
}
