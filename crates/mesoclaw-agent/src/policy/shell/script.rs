//! `Script`: a command line as the parts that are judged one by one.

use std::collections::BTreeSet;

use super::Unclear;
use super::words::Word;
use crate::policy::inquiry::PathQuestion;
use crate::policy::programs::{Assessment, PathUse};

/// A command line, read.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Script {
    /// The line, unchanged.
    pub line: String,
    /// Its parts in the order in which they stand; empty when it is not understood.
    pub parts: Vec<Part>,
    /// Why it is not understood.
    pub unclear: Option<Unclear>,
}

/// One thing a line does.
#[derive(Clone, Debug)]
pub(in crate::policy) enum Part {
    /// Runs a program or something built into the shell.
    Run(Run),
    /// Opens a file for a command.
    Redirect(Redirect),
    /// Changes the directory.
    Cd(Cd),
}

/// A program with its arguments.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Run {
    /// Name and arguments as the program gets them.
    pub words: Vec<Word>,
    /// The program to look up, one for each directory the command could run in; empty when the
    /// shell does it itself.
    pub programs: Vec<String>,
    /// What is known about it without the disk.
    pub assessment: Assessment,
}

/// A redirection to or from a file.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Redirect {
    /// The operator.
    pub op: &'static str,
    /// The file as it stands there.
    pub target: Word,
    /// What is done to it.
    pub uses: Vec<PathUse>,
}

/// A change of directory.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Cd {
    /// The directory as it stands there.
    pub target: Word,
    /// What is done to it.
    pub uses: Vec<PathUse>,
}

impl Part {
    /// The paths it uses.
    pub fn uses(&self) -> &[PathUse] {
        match self {
            Self::Run(run) => &run.assessment.uses,
            Self::Redirect(redirect) => &redirect.uses,
            Self::Cd(cd) => &cd.uses,
        }
    }
}

impl Script {
    /// Adds what must be looked up.
    pub fn questions(
        &self,
        paths: &mut BTreeSet<PathQuestion>,
        trees: &mut BTreeSet<PathQuestion>,
        programs: &mut BTreeSet<String>,
    ) {
        for part in &self.parts {
            for path_use in part.uses() {
                paths.extend(path_use.questions.iter().cloned());
                for into in &path_use.into {
                    paths.extend(into.questions.iter().cloned());
                }
                if path_use.is_deep {
                    trees.extend(path_use.questions.iter().cloned());
                }
            }
            if let Part::Run(run) = part {
                programs.extend(run.programs.iter().cloned());
            }
        }
    }
}
