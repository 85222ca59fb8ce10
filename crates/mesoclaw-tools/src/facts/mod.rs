//! Answers the questions of the policy from the disk. Blocking; changes nothing.

mod below;
mod expand;
mod paths;
mod programs;
mod repository;
mod roots;
mod words;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use mesoclaw_agent::policy::{Action, Facts, Inquiry, PathQuestion, Roots, SandboxFact};

use crate::process::started;

pub(crate) use below::SKIPPED;
pub use programs::{child_environment, trusted_dirs};
pub(crate) use roots::{git_root, too_broad};
pub use roots::{roots, workspace_of};

/// Looks up everything the inquiry asks for, as it is now. `environment` is what a child would
/// get; its `PATH` says where programs are looked for.
pub fn gather(
    inquiry: &Inquiry,
    roots: &Roots,
    environment: &BTreeMap<String, String>,
    sandbox: SandboxFact,
) -> Facts {
    let questions = inquiry.questions();
    let of_tools = paths_of_tools(inquiry.actions());
    let paths = questions
        .paths
        .iter()
        .filter_map(|question| {
            let may_use_words = of_tools.contains(question.given.as_str());
            let mut fact = answer(question, roots, may_use_words)?;
            if questions.trees.binary_search(question).is_ok() {
                below::look(&mut fact, question.is_glob, roots);
            }
            Some((question.clone(), fact))
        })
        .collect();
    let dirs = programs::search_path(environment);
    let programs = questions
        .programs
        .iter()
        .map(|name| (name.clone(), programs::look_up(name, &dirs, roots)))
        .collect();
    Facts {
        roots: roots.clone(),
        paths,
        programs,
        processes: processes(inquiry.actions()),
        environment: environment.clone(),
        sandbox,
        repository: repository::look(&roots.cwd),
    }
}

/// What a program's name means, as [`gather`] would say.
pub fn program(
    name: &str,
    roots: &Roots,
    environment: &BTreeMap<String, String>,
) -> mesoclaw_agent::policy::ProgramFact {
    programs::look_up(name, &programs::search_path(environment), roots)
}

/// The processes that would be signalled.
fn processes(actions: &[Action]) -> BTreeMap<u32, Option<u64>> {
    let mut processes = BTreeMap::new();
    for action in actions {
        if let Action::Signal { pid } = action {
            processes.insert(*pid, started(*pid));
        }
    }
    processes
}

/// Paths that a tool was given, not a command line: only there `Downloads/x` may mean the one of
/// the home directory.
fn paths_of_tools(actions: &[Action]) -> BTreeSet<&str> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Read { path }
            | Action::List { path }
            | Action::Write { path }
            | Action::Delete { path } => Some(path.as_str()),
            Action::Inspect
            | Action::Command { .. }
            | Action::Fetch { .. }
            | Action::Search { .. }
            | Action::Signal { .. }
            | Action::Send { .. }
            | Action::Remember { .. }
            | Action::Propose { .. }
            | Action::Foreign { .. }
            | Action::Other { .. } => None,
        })
        .collect()
}

fn answer(
    question: &PathQuestion,
    roots: &Roots,
    may_use_words: bool,
) -> Option<mesoclaw_agent::policy::PathFact> {
    if question.is_glob {
        return expand::expand(&question.given, roots);
    }
    let start = match words::resolve(&question.given, roots).filter(|_| may_use_words) {
        Some(path) => path,
        None => absolute(&question.given, roots)?,
    };
    Some(paths::fact(&start, roots))
}

/// Absolute, nothing looked up: `~` is the home directory, everything else starts at the current
/// one. `None` for `~` without a home directory.
fn absolute(given: &str, roots: &Roots) -> Option<PathBuf> {
    match given.strip_prefix('~') {
        Some("") => roots.home.clone(),
        Some(rest) if rest.starts_with('/') => {
            let home = roots.home.as_ref()?;
            Some(home.join(rest.trim_start_matches('/')))
        }
        _ => Some(roots.cwd.join(given)),
    }
}
