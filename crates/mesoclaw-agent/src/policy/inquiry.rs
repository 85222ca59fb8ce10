//! `Inquiry`: a call as the policy understands it, before anything is known about the disk.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::action::Action;
use super::shell::{self, Script};

/// A path that must be looked up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PathQuestion {
    /// As it would reach the system: absolute, relative to the directory the call starts in, or
    /// starting with `~/`.
    pub given: String,
    /// Whether the shell would expand `*`, `?` and `[...]` in it. Quoted ones stand with a
    /// backslash before them, and so does a backslash.
    pub is_glob: bool,
}

/// What must be known to decide.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Questions {
    /// Paths, sorted.
    pub paths: Vec<PathQuestion>,
    /// Those of the paths below which everything is read, sorted: see [`super::Below`].
    pub trees: Vec<PathQuestion>,
    /// Names of programs, sorted. One with a slash is a path as in [`PathQuestion::given`]; one
    /// without is to be found in the directories of the child's `PATH`, in their order.
    pub programs: Vec<String>,
}

/// A call as the policy understands it.
#[derive(Clone, Debug)]
pub struct Inquiry {
    pub(super) tool: String,
    pub(super) args: Value,
    pub(super) actions: Vec<Action>,
    /// The command lines among the actions, read once; by the place of the action.
    pub(super) scripts: BTreeMap<usize, Script>,
}

impl Inquiry {
    /// Reads what a call would do. `args` are its arguments as they will be run.
    pub fn new(tool: &str, args: &Value, actions: Vec<Action>) -> Self {
        let scripts = actions
            .iter()
            .enumerate()
            .filter_map(|(at, action)| match action {
                Action::Command { line } => Some((at, shell::read(line))),
                Action::Inspect
                | Action::Read { .. }
                | Action::List { .. }
                | Action::Write { .. }
                | Action::Delete { .. }
                | Action::Fetch { .. }
                | Action::Search { .. }
                | Action::Signal { .. }
                | Action::Send { .. }
                | Action::Remember { .. }
                | Action::Propose { .. }
                | Action::Foreign { .. }
                | Action::Other { .. } => None,
            })
            .collect();
        Self {
            tool: tool.to_owned(),
            args: args.clone(),
            actions,
            scripts,
        }
    }

    /// What must be looked up before [`super::decide`] can judge.
    pub fn questions(&self) -> Questions {
        let mut paths = BTreeSet::new();
        let mut trees = BTreeSet::new();
        let mut programs = BTreeSet::new();
        for action in &self.actions {
            match action {
                Action::Read { path }
                | Action::List { path }
                | Action::Write { path }
                | Action::Delete { path } => {
                    paths.insert(PathQuestion {
                        given: path.clone(),
                        is_glob: false,
                    });
                }
                Action::Inspect
                | Action::Command { .. }
                | Action::Fetch { .. }
                | Action::Search { .. }
                | Action::Signal { .. }
                | Action::Send { .. }
                | Action::Remember { .. }
                | Action::Propose { .. }
                | Action::Foreign { .. }
                | Action::Other { .. } => {}
            }
        }
        for script in self.scripts.values() {
            script.questions(&mut paths, &mut trees, &mut programs);
        }
        Questions {
            paths: paths.into_iter().collect(),
            trees: trees.into_iter().collect(),
            programs: programs.into_iter().collect(),
        }
    }

    /// What the call would do, as its tool says.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }
}
