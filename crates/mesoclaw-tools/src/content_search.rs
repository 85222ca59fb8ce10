//! `content_search`: lines of files that match a regular expression.

mod grep;

use std::path::Path;
use std::sync::Arc;

use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::background::{Stop, blocking};
use crate::file_search::{glob, walk_notes};
use crate::judged;
use crate::options::{OptionsNow, ToolOptions};
use crate::output::{Bounded, shown_path};

pub use grep::{FileMatches, Query, Search, grep, matcher};

/// The most lines of context on each side.
const CONTEXT_MAX: usize = 20;

/// The most results a call may ask for.
const RESULTS_MAX: usize = 10_000;

/// What to look for where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// A regular expression, matched against each line.
    pattern: String,
    /// The file or directory to search; the workspace when left out.
    #[serde(default = "here")]
    path: String,
    /// Only files that match this glob, as `*.rs` or `src/**/*.toml`.
    glob: Option<String>,
    /// Take upper and lower case as the same.
    #[serde(default)]
    case_insensitive: bool,
    /// Show this many lines before and after each match.
    #[serde(default)]
    context: usize,
    /// Show at most this many matching lines.
    max_results: Option<usize>,
}

fn here() -> String {
    ".".to_owned()
}

/// Finds text in files.
pub struct ContentSearch {
    args: ArgSpec,
    options: OptionsNow,
}

impl ContentSearch {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "content_search",
            "Search the text of files with a regular expression. Binary files and what .gitignore names are left out.",
            &["grep"],
            json!({"pattern": "fn main", "glob": "*.rs"}),
        );
        Self { args, options }
    }

    fn read(&self, args: &Value) -> Result<(Args, Query), String> {
        let args: Args = self.args.parse(args)?;
        check_path("path", &args.path)?;
        let limit = (self.options)().tool_file_search_max_results;
        let query = Query {
            matcher: grep::matcher(&args.pattern, args.case_insensitive)?,
            glob: args.glob.as_deref().map(glob).transpose()?,
            context: args.context.min(CONTEXT_MAX),
            max_results: args.max_results.unwrap_or(limit).clamp(1, RESULTS_MAX),
        };
        Ok((args, query))
    }
}

impl Tool for ContentSearch {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let (args, _) = self.read(args)?;
        Ok(vec![Action::Read { path: args.path }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let read = self.read(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let (args, query) = read?;
                let path = judged::resolved(&cx.facts, &args.path)?;
                let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                let facts = Arc::clone(&cx.facts);
                let work = move |stop: &Stop| search(&facts, &path, &query, &options, stop);
                blocking(stop, work).await?
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

fn search(
    facts: &Facts,
    path: &Path,
    query: &Query,
    options: &ToolOptions,
    stop: &Stop,
) -> Result<ToolOutput, String> {
    let is_secret = |path: &Path| judged::secret_kind(facts, path).is_some();
    let found = grep(path, query, &is_secret, stop)?;
    let output = ToolOutput::done(show(&found, query, facts, path, options));
    let kind = if found.is_file { "file" } else { "directory" };
    Ok(judged::from_path(output, facts, kind, path))
}

fn show(
    found: &Search,
    query: &Query,
    facts: &Facts,
    path: &Path,
    options: &ToolOptions,
) -> String {
    let base = path.strip_prefix(&facts.roots.cwd).unwrap_or(path);
    let mut text = Bounded::new(options.tool_output_max_bytes);
    let mut n_shown = 0;
    let mut n_cut = 0;
    'files: for file in &found.files {
        let name = if found.is_file {
            shown_path(base)
        } else {
            shown_path(&base.join(&file.path))
        };
        let mut last = None;
        for line in &file.lines {
            if n_shown >= query.max_results {
                break 'files;
            }
            let is_gap = last.is_some_and(|last| line.number > last + 1);
            if query.context > 0 && is_gap && !text.line("--") {
                break 'files;
            }
            last = Some(line.number);
            let mark = if line.is_match { ':' } else { '-' };
            let end = if line.is_cut { "[... cut]" } else { "" };
            n_cut += usize::from(line.is_cut);
            let shown = format!("{name}{mark}{}{mark}{}{end}", line.number, line.text);
            if !text.line(&shown) {
                break 'files;
            }
            n_shown += usize::from(line.is_match);
        }
    }
    let mut notes = Vec::new();
    if found.n_matches == 0 {
        notes.push(
            "no line matches; binary files and files that .gitignore names are not searched"
                .to_owned(),
        );
    } else if found.n_matches > n_shown {
        notes.push(format!(
            "{n_shown} of {} matching lines in {} files shown; use a narrower pattern, path or glob, or set max_results",
            found.n_matches, found.n_files
        ));
    }
    if n_cut > 0 {
        notes.push(format!("{n_cut} long lines were cut"));
    }
    if found.n_secret > 0 {
        notes.push(format!(
            "{} files that may hold secrets match too, and are not shown",
            found.n_secret
        ));
    }
    notes.extend(walk_notes(&found.report));
    text.finish(&notes)
}

#[cfg(test)]
mod tests;
