//! What `.gitignore`, `.ignore` and `.git/info/exclude` leave out. The files are read by handle and
//! bounded: one that is a pipe or endless is no rule.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::facts::git_root;
use crate::workspace::{Directory, OpenFile};

/// The names, the weaker first.
const RULES_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// The largest file with rules that is read.
const RULES_MAX_BYTES: u64 = 1024 * 1024;

/// The rules of a directory, on top of those of the directories above it.
#[derive(Default)]
pub(super) struct Rules {
    own: Vec<Gitignore>,
    above: Option<Arc<Rules>>,
}

/// Whether an entry of this name may hold rules.
pub(super) fn is_rules_file(name: &OsStr) -> bool {
    RULES_FILES.iter().any(|file| name == *file)
}

impl Rules {
    /// The rules that hold in `root` because of the directories above it, up to the repository.
    pub(super) fn above(root: &Path) -> Arc<Self> {
        let mut rules = Arc::new(Self::default());
        let Some(repository) = git_root(root) else {
            return rules;
        };
        let exclude = repository.join(".git").join("info").join("exclude");
        if let Some(matcher) = matcher(OpenFile::open(&exclude).ok(), &repository) {
            rules = Arc::new(Self {
                own: vec![matcher],
                above: None,
            });
        }
        let mut parents: Vec<&Path> = root
            .ancestors()
            .skip(1)
            .take_while(|parent| parent.starts_with(&repository))
            .collect();
        parents.reverse();
        for parent in parents {
            if let Ok(directory) = Directory::open(parent) {
                rules = Self::with_files_of(&rules, &directory, parent);
            }
        }
        rules
    }

    /// These rules and those of the files in a directory.
    pub(super) fn with_files_of(
        above: &Arc<Self>,
        directory: &Directory,
        path: &Path,
    ) -> Arc<Self> {
        let own: Vec<Gitignore> = RULES_FILES
            .iter()
            .filter_map(|name| matcher(directory.open_file(OsStr::new(name)).ok(), path))
            .collect();
        if own.is_empty() {
            return Arc::clone(above);
        }
        Arc::new(Self {
            own,
            above: (!above.is_empty()).then(|| Arc::clone(above)),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.above.is_none()
    }

    /// Whether an absolute path is left out; the nearest rule that says anything counts.
    pub(super) fn ignores(&self, path: &Path, is_directory: bool) -> bool {
        let mut at = Some(self);
        while let Some(rules) = at {
            for matcher in rules.own.iter().rev() {
                match matcher.matched(path, is_directory) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            at = rules.above.as_deref();
        }
        false
    }
}

fn matcher(file: Option<OpenFile>, base: &Path) -> Option<Gitignore> {
    let bytes = file?.read_up_to(RULES_MAX_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new(base);
    for line in text.lines() {
        // A line that is no pattern leaves nothing out, as git itself does.
        builder.add_line(None, line).ok();
    }
    let matcher = builder.build().ok()?;
    (matcher.num_ignores() + matcher.num_whitelists() > 0).then_some(matcher)
}
