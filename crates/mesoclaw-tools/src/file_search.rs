//! `file_search`: files by their name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::background::{Stop, StopReason, blocking};
use crate::judged;
use crate::options::{OptionsNow, ToolOptions};
use crate::output::{Bounded, shown_path};
use crate::walk::{Found, Visitor, WalkReport, n_threads, walk};
use crate::workspace::{Directory, EntryKind};

/// What to look for where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// A part of the file name, in any case, or a glob as `*.rs` or `src/**/*.toml`.
    pattern: String,
    /// The directory to search in; the workspace when left out.
    #[serde(default = "here")]
    directory: String,
}

fn here() -> String {
    ".".to_owned()
}

/// Finds files by name.
pub struct FileSearch {
    args: ArgSpec,
    options: OptionsNow,
}

impl FileSearch {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "file_search",
            "Find files and directories by name, in a directory and everything below it. What .gitignore names is left out.",
            &["find_files"],
            json!({"pattern": "*.rs", "directory": "src"}),
        );
        Self { args, options }
    }
}

impl Tool for FileSearch {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        check_path("directory", &args.directory)?;
        NamePattern::new(&args.pattern)?;
        Ok(vec![Action::List {
            path: args.directory,
        }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let args = args?;
                let pattern = NamePattern::new(&args.pattern)?;
                let path = judged::resolved(&cx.facts, &args.directory)?;
                let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                let facts = Arc::clone(&cx.facts);
                let work = move |stop: &Stop| search(&facts, &path, &pattern, &options, stop);
                blocking(stop, work).await?
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

fn search(
    facts: &Facts,
    path: &Path,
    pattern: &NamePattern,
    options: &ToolOptions,
    stop: &Stop,
) -> Result<ToolOutput, String> {
    let root = Directory::open(path).map_err(|error| error.sentence())?;
    let found = find_names(&root, pattern, options.tool_file_search_max_results, stop);
    let output = ToolOutput::done(show(&found, facts, path, options));
    Ok(judged::from_path(output, facts, "directory", path))
}

/// What a search by name found.
pub struct FoundNames {
    /// The first ones by path, relative to the root; directories end with `/`.
    pub names: Vec<PathBuf>,
    /// How many there are in all.
    pub n_matches: usize,
    /// How the walk went.
    pub report: WalkReport,
}

/// Finds the first `max` names below `root`, by path.
pub fn find_names(root: &Directory, pattern: &NamePattern, max: usize, stop: &Stop) -> FoundNames {
    let (visitors, report) = walk(root, n_threads(), stop, || Names {
        pattern,
        max,
        first: BTreeSet::new(),
        n_matches: 0,
    });
    let n_matches = visitors.iter().map(|names| names.n_matches).sum();
    let mut first: BTreeSet<PathBuf> = BTreeSet::new();
    for names in visitors {
        first.extend(names.first);
    }
    FoundNames {
        names: first.into_iter().take(max).collect(),
        n_matches,
        report,
    }
}

fn show(found: &FoundNames, facts: &Facts, path: &Path, options: &ToolOptions) -> String {
    let mut text = Bounded::new(options.tool_output_max_bytes);
    // Paths that the other tools take as they are: relative to where relative paths start.
    let base = path.strip_prefix(&facts.roots.cwd).unwrap_or(path);
    let n_shown = found
        .names
        .iter()
        .take_while(|name| text.line(&shown_path(&base.join(name))))
        .count();
    let mut notes = Vec::new();
    if found.n_matches == 0 {
        notes.push("no name matches; files that .gitignore names are not searched".to_owned());
    } else if found.n_matches > n_shown {
        notes.push(format!(
            "{n_shown} of {} matches shown; use a longer pattern or a directory below",
            found.n_matches
        ));
    }
    notes.extend(walk_notes(&found.report));
    text.finish(&notes)
}

/// What is to be said about a walk that did not see everything.
pub fn walk_notes(report: &WalkReport) -> Vec<String> {
    let mut notes = Vec::new();
    match report.stopped {
        Some(StopReason::TimeLimit) => notes.push(format!(
            "the time limit ended the search after {} entries; search a directory below",
            report.n_entries
        )),
        Some(StopReason::Cancelled) => notes.push("the search was stopped".to_owned()),
        None if report.is_too_large => notes.push(format!(
            "the search ended after {} entries; search a directory below",
            report.n_entries
        )),
        None => {}
    }
    if report.n_unreadable > 0 {
        notes.push(format!(
            "{} directories could not be read",
            report.n_unreadable
        ));
    }
    notes
}

/// A part of a name, or a glob.
pub enum NamePattern {
    /// A part of the last part of the path, in lower case.
    Part(String),
    /// A glob over the path below the directory of the search.
    Glob(Box<Gitignore>),
}

impl NamePattern {
    /// Reads a pattern: with a wildcard it is a glob.
    ///
    /// # Errors
    /// A sentence for the model.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.trim().is_empty() || pattern.len() > 1024 {
            return Err(
                "`pattern` must be a part of a file name, like `main`, or a glob, like `*.rs`."
                    .to_owned(),
            );
        }
        if !pattern.contains(['*', '?', '[', '{', '/']) {
            return Ok(Self::Part(pattern.to_lowercase()));
        }
        glob(pattern).map(|glob| Self::Glob(Box::new(glob)))
    }

    fn matches(&self, found: &Found<'_>) -> bool {
        match self {
            Self::Part(part) => {
                let name = found.name.to_string_lossy();
                contains_ignoring_case(&name, part)
            }
            Self::Glob(glob) => {
                let path = found.parent.join(found.name);
                glob.matched(path, found.kind == EntryKind::Directory)
                    .is_ignore()
            }
        }
    }
}

/// A glob with the meaning it has in a `.gitignore`: without a slash it is for names, with one for
/// paths below the root.
///
/// # Errors
/// A sentence for the model.
pub fn glob(pattern: &str) -> Result<Gitignore, String> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    // `!` and `#` have a meaning at the start of a line of a `.gitignore` only.
    let escaped = match pattern.chars().next() {
        Some('!' | '#') => format!("\\{pattern}"),
        _ => pattern.to_owned(),
    };
    let mut builder = GitignoreBuilder::new("");
    let wrong = |error: ignore::Error| format!("`{pattern}` is not a glob: {error}.");
    builder.add_line(None, &escaped).map_err(wrong)?;
    builder.build().map_err(wrong)
}

fn contains_ignoring_case(name: &str, part: &str) -> bool {
    if !name.is_ascii() {
        return name.to_lowercase().contains(part);
    }
    let (name, part) = (name.as_bytes(), part.as_bytes());
    name.windows(part.len().max(1))
        .any(|window| window.eq_ignore_ascii_case(part))
}

struct Names<'a> {
    pattern: &'a NamePattern,
    max: usize,
    first: BTreeSet<PathBuf>,
    n_matches: usize,
}

impl Visitor for Names<'_> {
    fn visit(&mut self, found: &Found<'_>) {
        if !self.pattern.matches(found) {
            return;
        }
        self.n_matches += 1;
        let mut path = found.parent.join(found.name);
        if found.kind == EntryKind::Directory {
            path.push("");
        }
        if self.first.len() < self.max {
            self.first.insert(path);
        } else if self.first.last().is_some_and(|last| path < *last) {
            self.first.insert(path);
            self.first.pop_last();
        }
    }
}

#[cfg(test)]
mod tests;
