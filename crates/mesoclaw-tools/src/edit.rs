//! `edit`: replaces text in a file that is found exactly.

use std::sync::Arc;

use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::change::{self, After, Before, Edit as Change};
use crate::judged;
use crate::options::OptionsNow;
use crate::text::{LineEnds, to_crlf};

/// Places that are named in an error.
const PLACES_MAX: usize = 10;

/// Lines that are looked at for something similar.
const SIMILAR_LINES_MAX: usize = 3_000;

/// What to replace where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file, relative to the workspace or absolute.
    path: String,
    /// The text to replace, exactly as it is in the file, white space too.
    old: String,
    /// The text to put there.
    new: String,
    /// Replace every place, not only one.
    #[serde(default)]
    replace_all: bool,
}

/// Changes parts of files.
pub struct Edit {
    args: ArgSpec,
    options: OptionsNow,
}

impl Edit {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "edit",
            "Replace a piece of text in a file. `old` must be found exactly once, unless replace_all is true.",
            &[],
            json!({"path": "src/main.rs", "old": "let x = 1;", "new": "let x = 2;"}),
        );
        Self { args, options }
    }
}

impl Tool for Edit {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        check_path("path", &args.path)?;
        if args.old.is_empty() {
            return Err(
                "`old` is empty: give the text to replace, or use file_write to make a new file."
                    .to_owned(),
            );
        }
        if args.old == args.new {
            return Err("`old` and `new` are the same, so there is nothing to change.".to_owned());
        }
        Ok(vec![Action::Write { path: args.path }])
    }

    fn preview(&self, facts: Arc<Facts>, args: Value) -> BoxFuture<'static, Option<String>> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        Box::pin(async move {
            let args = args.ok()?;
            let path = judged::resolved(&facts, &args.path).ok()?;
            let preview = move || change::preview(&facts, &path, &args, &options);
            tokio::task::spawn_blocking(preview).await.ok()?
        })
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let args = args?;
                let path = judged::resolved(&cx.facts, &args.path)?;
                let name = judged::shown(&cx.facts, &path);
                let changed = change::apply(&cx, path, Arc::new(args), options).await?;
                let text = format!("Changed `{name}`: {}.", change::summary(&changed.diff));
                Ok::<_, String>(ToolOutput::done(text).with_diff(changed.diff))
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

impl Change for Args {
    fn apply(&self, before: Option<&Before>) -> Result<After, String> {
        let Some(before) = before else {
            return Err(format!(
                "There is no `{}`; use file_write to make a new file.",
                self.path
            ));
        };
        let text = before.text(&self.path)?;
        let is_crlf = LineEnds::of(text.as_bytes()) == LineEnds::CrLf;
        let (old, new) = if is_crlf && !self.old.contains('\r') {
            (to_crlf(&self.old), to_crlf(&self.new))
        } else {
            (self.old.clone(), self.new.clone())
        };
        if old.is_empty() {
            return Err("`old` is empty.".to_owned());
        }
        let places: Vec<usize> = text.match_indices(&old).map(|(at, _)| at).collect();
        match places.as_slice() {
            [] => Err(not_found(&self.path, text, &self.old)),
            [_] => Ok(After::Content(text.replacen(&old, &new, 1).into_bytes())),
            _ if self.replace_all => Ok(After::Content(text.replace(&old, &new).into_bytes())),
            places => Err(several(&self.path, text, places)),
        }
    }
}

fn several(path: &str, text: &str, places: &[usize]) -> String {
    let lines: Vec<String> = places
        .iter()
        .take(PLACES_MAX)
        .map(|at| line_of(text, *at).to_string())
        .collect();
    let more = if places.len() > PLACES_MAX {
        ", ..."
    } else {
        ""
    };
    format!(
        "`old` is in `{path}` {} times (lines {}{more}): add lines around it so that it is found once, or set replace_all to true.",
        places.len(),
        lines.join(", ")
    )
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

fn not_found(path: &str, text: &str, old: &str) -> String {
    let start = format!("`old` was not found in `{path}`; nothing was changed.");
    let Some(wanted) = old.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return format!("{start} It is only white space: add text around it.");
    };
    let same: Vec<String> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim() == wanted)
        .take(PLACES_MAX)
        .map(|(at, _)| (at + 1).to_string())
        .collect();
    if !same.is_empty() {
        return format!(
            "{start} Its first line is there, at line {}, so white space or a later line differs: read the file again and copy the text exactly.",
            same.join(", ")
        );
    }
    match most_similar(text, wanted) {
        Some((line, shown)) => format!(
            "{start} The most similar line is {line}: `{shown}`. Read the file again and copy the text exactly."
        ),
        None => format!("{start} No line is similar: read the file again."),
    }
}

fn most_similar<'a>(text: &'a str, wanted: &str) -> Option<(usize, &'a str)> {
    let wanted: String = wanted.chars().take(200).collect();
    text.lines()
        .take(SIMILAR_LINES_MAX)
        .enumerate()
        .filter(|(_, line)| (2..=400).contains(&line.trim().len()))
        .map(|(at, line)| {
            (
                strsim::normalized_levenshtein(line.trim(), &wanted),
                at,
                line,
            )
        })
        .filter(|(likeness, ..)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, at, line)| (at + 1, line.trim()))
}

#[cfg(test)]
mod tests;
