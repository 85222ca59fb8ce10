//! `Pattern`: which calls a grant covers, as text that a person reads and edits.

use std::path::Path;

use super::facts::{Facts, Roots};
use super::glob::matches_parts;
use super::judge::{Judged, Subject};
use super::programs::Level;

/// Tools whose patterns are paths.
const FILE_TOOLS: [&str; 7] = [
    "file_read",
    "file_write",
    "file_list",
    "file_search",
    "content_search",
    "edit",
    "patch",
];

/// Which calls of a tool are covered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pattern {
    /// Commands: `cargo test *`.
    Command {
        /// The words; `None` stands for any one word.
        words: Vec<Option<String>>,
        /// Whether any further words may follow.
        has_rest: bool,
    },
    /// Files: `src/**`.
    Path {
        /// The pattern, with `*`, `?` and `**`.
        glob: String,
    },
    /// Addresses of the network: `docs.rs`, `*.example.org`.
    Host {
        /// The host, without `*.`.
        host: String,
        /// Whether hosts below it count instead of itself.
        is_below: bool,
    },
    /// Every call of the tool: `*`.
    Every,
}

/// Why a text is no pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// Nothing is there.
    #[error("a pattern is not empty")]
    Empty,
    /// Too long.
    #[error("a pattern has at most 4096 bytes")]
    TooLong,
    /// Hidden characters.
    #[error("a pattern has no control or invisible characters")]
    Hidden,
    /// A quote is open.
    #[error("a quote in the pattern is not closed")]
    OpenQuote,
    /// The program is a wildcard.
    #[error("a pattern names its program: `*` cannot be the first word")]
    AnyProgram,
    /// A wildcard inside a word.
    #[error(
        "`*` in the pattern of a command is a word of its own; quote it to mean itself: `{word}`"
    )]
    PartOfWord {
        /// The word.
        word: String,
    },
    /// Not a host.
    #[error("`{host}` is not a host: write `example.org` or `*.example.org`")]
    Host {
        /// The text.
        host: String,
    },
    /// A path that leads upwards.
    #[error("the pattern of a path has no `..`")]
    Parent,
    /// Only `*` makes sense.
    #[error("grants for `{tool}` have the pattern `*`")]
    OnlyEvery {
        /// The tool.
        tool: String,
    },
}

impl Pattern {
    /// Reads a pattern for the calls of a tool.
    ///
    /// # Errors
    /// When the text is no pattern for that tool.
    pub fn parse(tool: &str, text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > 4096 {
            return Err(PatternError::TooLong);
        }
        if text.chars().any(|c| c != '\n' && super::show::is_hidden(c)) {
            return Err(PatternError::Hidden);
        }
        match tool {
            "shell" => command(text),
            "web_fetch" => host(text),
            _ if FILE_TOOLS.contains(&tool) => path(text),
            _ if text == "*" => Ok(Self::Every),
            _ => Err(PatternError::OnlyEvery {
                tool: tool.to_owned(),
            }),
        }
    }

    /// Whether it stands for these words of a command.
    pub fn matches_words<T: AsRef<str>>(&self, given: &[T]) -> bool {
        let Self::Command { words, has_rest } = self else {
            return false;
        };
        (given.len() == words.len() || (*has_rest && given.len() > words.len()))
            && words
                .iter()
                .zip(given)
                .all(|(word, given)| word.as_ref().is_none_or(|word| word == given.as_ref()))
    }

    /// Whether it stands for this host.
    pub fn matches_host(&self, given: &str) -> bool {
        let Self::Host { host, is_below } = self else {
            return false;
        };
        if *is_below {
            given
                .strip_suffix(host.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            given == host
        }
    }

    /// Whether it stands for this resolved path. A relative pattern counts from the workspace.
    pub fn matches_path(&self, given: &Path, workspace: Option<&Path>) -> bool {
        let Self::Path { glob } = self else {
            return false;
        };
        let given = if glob.starts_with('/') {
            given
        } else {
            match workspace.and_then(|root| given.strip_prefix(root).ok()) {
                Some(inside) => inside,
                None => return false,
            }
        };
        let Some(given) = given.to_str() else {
            return false;
        };
        let pattern: Vec<&str> = glob
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let parts: Vec<&str> = given.split('/').filter(|part| !part.is_empty()).collect();
        matches_parts(&pattern, &parts)
    }

    /// What it would allow, in sentences.
    pub fn describe(&self) -> Vec<String> {
        match self {
            Self::Command { words, has_rest } => describe_command(words, *has_rest),
            Self::Path { glob } => {
                let place = if glob.starts_with('/') {
                    "on this machine"
                } else {
                    "in the workspace"
                };
                let mut sentences = vec![format!("Covers the files that match `{glob}` {place}.")];
                if glob.ends_with("**") {
                    sentences.push("That is everything below that directory.".to_owned());
                }
                sentences.push("Files that start programs or hold secrets still ask.".to_owned());
                sentences
            }
            Self::Host {
                host,
                is_below: false,
            } => {
                vec![format!(
                    "Covers every address at `{host}`, and at no other host."
                )]
            }
            Self::Host {
                host,
                is_below: true,
            } => vec![format!(
                "Covers every address at the hosts below `{host}`, but not at `{host}` itself."
            )],
            Self::Every => vec!["Covers every call of this tool.".to_owned()],
        }
    }

    /// Whether this judged step is covered.
    pub(super) fn covers(&self, step: &Judged, roots: &Roots) -> bool {
        if step.level >= Level::Always || step.changeable {
            return false;
        }
        match &step.subject {
            Subject::Words(words) => self.matches_words(words) && self.names(&step.far),
            Subject::Path(path) => self.matches_path(path, roots.workspace.as_deref()),
            Subject::Host(host) => self.matches_host(host),
            Subject::Other => *self == Self::Every,
        }
    }

    /// Whether the words at these places are written out.
    fn names(&self, places: &[usize]) -> bool {
        let Self::Command { words, .. } = self else {
            return false;
        };
        places
            .iter()
            .all(|place| matches!(words.get(*place), Some(Some(_))))
    }
}

fn describe_command(words: &[Option<String>], has_rest: bool) -> Vec<String> {
    let shown: Vec<&str> = words
        .iter()
        .map(|word| word.as_deref().unwrap_or("*"))
        .collect();
    let n_any = words.iter().filter(|word| word.is_none()).count();
    let mut sentences = vec![match (n_any, has_rest) {
        (0, false) => format!("Covers `{}` with exactly these words.", shown.join(" ")),
        (_, false) => format!(
            "Covers `{}` with any word in the place of each `*`.",
            shown.join(" ")
        ),
        (0, true) => format!(
            "Covers `{}` alone or with any further words.",
            shown.join(" ")
        ),
        (_, true) => format!(
            "Covers `{}` with any word in the place of each `*`, alone or with any further words.",
            shown.join(" ")
        ),
    }];
    if n_any > 0 || has_rest {
        sentences.push(
            "Words that lead outside the workspace are covered only where they are written out."
                .to_owned(),
        );
        sentences.push(
            "Options are words: whatever the program can be told to do by them is covered, too."
                .to_owned(),
        );
    }
    sentences.push(
        "It covers whatever program lies at the path it has now, each time it is a part of a command."
            .to_owned(),
    );
    sentences
}

/// The pattern a grant for a step would have.
pub(super) fn suggest(step: &Judged, facts: &Facts) -> String {
    match &step.subject {
        Subject::Words(words) => suggest_words(step, words),
        Subject::Path(path) => {
            let inside = facts
                .roots
                .workspace
                .as_deref()
                .and_then(|root| path.strip_prefix(root).ok());
            let text = inside.unwrap_or(path).to_string_lossy().into_owned();
            if text.is_empty() {
                "**".to_owned()
            } else {
                text
            }
        }
        Subject::Host(host) => host.clone(),
        Subject::Other => "*".to_owned(),
    }
}

/// Medium commands are offered with any further words after the part that names what they do, all
/// others as they are.
fn suggest_words(step: &Judged, words: &[String]) -> String {
    let is_name = |word: &String| {
        word.len() > 1
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            && !word.starts_with('-')
    };
    let is_open = step.level == Level::Medium && step.far.is_empty() && step.step.program.is_some();
    match words {
        [program, what, _, ..] if is_open && is_name(what) => {
            format!("{} {} *", quoted(program), quoted(what))
        }
        _ => words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .chars()
            .all(|c| !c.is_whitespace() && !matches!(c, '\'' | '*' | '\\'));
    if is_plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn command(text: &str) -> Result<Pattern, PatternError> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut word = String::new();
        let mut has_star = false;
        let mut is_quoted = false;
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            match c {
                '\'' => {
                    is_quoted = true;
                    loop {
                        match chars.next() {
                            None => return Err(PatternError::OpenQuote),
                            Some('\'') => break,
                            Some(c) => word.push(c),
                        }
                    }
                }
                '\\' => {
                    is_quoted = true;
                    word.push(chars.next().ok_or(PatternError::OpenQuote)?);
                }
                '*' => {
                    has_star = true;
                    word.push('*');
                }
                _ => word.push(c),
            }
        }
        match (has_star, is_quoted) {
            (true, false) if word == "*" => words.push(None),
            (true, _) => return Err(PatternError::PartOfWord { word }),
            (false, false) if word.is_empty() => {}
            (false, _) => words.push(Some(word)),
        }
    }
    let has_rest = words.len() > 1 && words.last() == Some(&None);
    if has_rest {
        words.pop();
    }
    match words.first() {
        None => Err(PatternError::Empty),
        Some(None) => Err(PatternError::AnyProgram),
        Some(Some(_)) => Ok(Pattern::Command { words, has_rest }),
    }
}

fn path(text: &str) -> Result<Pattern, PatternError> {
    if text.split('/').any(|part| part == "..") {
        return Err(PatternError::Parent);
    }
    Ok(Pattern::Path {
        glob: text.to_owned(),
    })
}

fn host(text: &str) -> Result<Pattern, PatternError> {
    let lower = text.to_ascii_lowercase();
    let (host, is_below) = match lower.strip_prefix("*.") {
        Some(host) => (host, true),
        None => (lower.as_str(), false),
    };
    let is_plain = !host.is_empty()
        && host.split('.').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
        && (!is_below || host.contains('.'));
    if !is_plain {
        return Err(PatternError::Host {
            host: text.to_owned(),
        });
    }
    Ok(Pattern::Host {
        host: host.to_owned(),
        is_below,
    })
}

#[cfg(test)]
mod tests;
