//! `Assessment`: what a call of a program says by itself, before anything is known of the disk.

use serde::Deserialize;

use crate::policy::decision::Effect;
use crate::policy::inquiry::PathQuestion;
use crate::policy::shell::{Word, join};

/// How severe something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::policy) enum Level {
    /// Looks only.
    Low,
    /// Changes the workspace, runs its code, reads outside.
    Medium,
    /// Everything else.
    #[default]
    High,
    /// Asks at every level; no grant covers it.
    Always,
    /// Refused at every level.
    Forbidden,
}

/// What is done to a path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::policy) enum Role {
    /// Nothing; only a wildcard in it matters.
    Text,
    /// Its metadata or names in it are read.
    List,
    /// It is read, with everything below it.
    Read,
    /// It holds code that runs.
    Code,
    /// It is created or changed.
    Write,
    /// It goes away, with everything below it.
    Delete,
}

/// A path that a call uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) struct PathUse {
    /// The place of the word it stands in.
    pub arg: Option<usize>,
    /// What to look up, one for each directory the call could run in.
    pub questions: Vec<PathQuestion>,
    /// What is done to it.
    pub role: Role,
    /// What would be created in it when it is a directory.
    pub into: Vec<Created>,
    /// Whether it is a path at all.
    pub certainty: Certainty,
    /// Whether everything below it is read.
    pub is_deep: bool,
    /// Whether it is code that must be the same when it runs as when it was judged.
    pub is_bound: bool,
}

/// Whether a word is a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::policy) enum Certainty {
    /// It is.
    Path,
    /// It may be something else: then its text is not checked.
    Maybe,
    /// It is the value of an option, which counts only if something is there.
    Value,
    /// It is a word for an interpreter, which counts only if a regular file is there.
    File,
}

/// Something that would be created in a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) struct Created {
    /// What would be there, one question for each directory the call could run in. Of a wildcard,
    /// what is there already of what it could match.
    pub questions: Vec<PathQuestion>,
    /// Of a wildcard, what it matches where the names come from, in the same order.
    pub sources: Vec<PathQuestion>,
}

impl PathUse {
    /// The path in a word of a command.
    pub fn of_word(word: &Word, arg: Option<usize>, role: Role, bases: &[String]) -> Self {
        Self {
            arg,
            questions: questions_of(word, bases),
            role,
            into: Vec::new(),
            certainty: Certainty::Path,
            is_deep: false,
            is_bound: false,
        }
    }
}

/// What to look up to know the path in a word.
pub(in crate::policy) fn questions_of(word: &Word, bases: &[String]) -> Vec<PathQuestion> {
    let is_glob = word.glob.is_some();
    let text = word.glob.as_deref().unwrap_or(&word.text);
    // A `~` that was quoted is the name of a file.
    let text = if !word.tilde && text.starts_with('~') {
        format!("./{text}")
    } else {
        text.to_owned()
    };
    bases
        .iter()
        .map(|base| {
            let base = if is_glob {
                escape_glob(base)
            } else {
                base.clone()
            };
            PathQuestion {
                given: join(&base, &text),
                is_glob,
            }
        })
        .collect()
}

pub(in crate::policy) fn escape_glob(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Another program that a call starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) enum Inner {
    /// With these words.
    Words {
        /// Its name and arguments.
        words: Vec<Word>,
        /// Variables set for it.
        assignments: Vec<Word>,
        /// Whether the shell runs it when the call is one of the shell.
        direct: bool,
    },
    /// A command line of a shell.
    Line(String),
}

/// See the module documentation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::policy) struct Assessment {
    /// How severe.
    pub level: Level,
    /// The rule.
    pub rule: &'static str,
    /// Why, in a sentence.
    pub reason: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether it uses the network.
    pub network: bool,
    /// Whether it tells about the machine instead of the workspace.
    pub machine: bool,
    /// Whether it runs code of the project.
    pub code: bool,
    /// Whether it looks with git, which the repository's configuration may turn into more.
    pub repository: bool,
    /// Whether directories are read with everything below them.
    pub is_deep: bool,
    /// Paths it uses.
    pub uses: Vec<PathUse>,
    /// What it starts.
    pub inner: Option<Inner>,
}

impl Assessment {
    pub fn new(level: Level, rule: &'static str, reason: impl Into<String>) -> Self {
        Self {
            level,
            rule,
            reason: reason.into(),
            effect: if level == Level::Low {
                Effect::Look
            } else {
                Effect::Change
            },
            network: false,
            machine: false,
            code: false,
            repository: false,
            is_deep: false,
            uses: Vec::new(),
            inner: None,
        }
    }

    /// Makes it at least this severe.
    pub fn raise(&mut self, level: Level, rule: &'static str, reason: impl Into<String>) {
        if level > self.level {
            self.level = level;
            self.rule = rule;
            self.reason = reason.into();
            self.effect = self.effect.max(Effect::Change);
        }
    }
}
