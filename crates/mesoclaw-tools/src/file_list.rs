//! `file_list`: what is in a directory.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::background::{Stop, blocking};
use crate::judged;
use crate::options::{OptionsNow, ToolOptions};
use crate::output::{Bounded, bytes, shown_path};
use crate::workspace::{Directory, Entry, EntryKind};

/// Entries of one directory that are looked at.
const ENTRIES_MAX: usize = 200_000;

/// Levels below the directory that are gone down.
const DEPTH_MAX: usize = 64;

/// Which directory, and how deep.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The directory, relative to the workspace or absolute; `.` for the workspace.
    path: String,
    /// Also list what is in the directories below.
    #[serde(default)]
    recursive: bool,
}

/// Lists directories.
pub struct FileList {
    args: ArgSpec,
    options: OptionsNow,
}

impl FileList {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "file_list",
            "List the entries of a directory, one a line; directories end with `/`, links with `@`.",
            &["list_files", "list_directory"],
            json!({"path": "."}),
        );
        Self { args, options }
    }
}

impl Tool for FileList {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        check_path("path", &args.path)?;
        Ok(vec![Action::List { path: args.path }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let args = args?;
                let path = judged::resolved(&cx.facts, &args.path)?;
                let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                let facts = Arc::clone(&cx.facts);
                let recursive = args.recursive;
                let work = move |stop: &Stop| list(&facts, &path, recursive, &options, stop);
                blocking(stop, work).await?
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

fn list(
    facts: &Facts,
    path: &Path,
    recursive: bool,
    options: &ToolOptions,
    stop: &Stop,
) -> Result<ToolOutput, String> {
    let directory = Directory::open(path).map_err(|error| error.sentence())?;
    let mut listing = Listing {
        root: &directory,
        stop,
        max: options.tool_file_list_max_entries,
        lines: Vec::new(),
        n_left_out: 0,
        n_unreadable: 0,
        is_partial: false,
    };
    listing.run(recursive)?;
    let output = ToolOutput::done(listing.finish(options));
    Ok(judged::from_path(output, facts, "directory", path))
}

struct Listing<'a> {
    root: &'a Directory,
    stop: &'a Stop,
    max: usize,
    /// Path and what is shown.
    lines: Vec<(PathBuf, String)>,
    n_left_out: usize,
    n_unreadable: usize,
    is_partial: bool,
}

impl Listing<'_> {
    /// Level by level, so that what is near is shown when not all can be.
    fn run(&mut self, recursive: bool) -> Result<(), String> {
        let mut queue = VecDeque::from([(PathBuf::new(), 0)]);
        while let Some((relative, depth)) = queue.pop_front() {
            if self.stop.reason().is_some() {
                self.is_partial = true;
                break;
            }
            let is_root = relative.as_os_str().is_empty();
            let entries = match self.entries(&relative) {
                Ok(entries) => entries,
                Err(error) if is_root => return Err(error),
                Err(_) => {
                    self.n_unreadable += 1;
                    continue;
                }
            };
            for (entry, size) in entries {
                let path = relative.join(&entry.name);
                if self.lines.len() >= self.max {
                    self.n_left_out += 1;
                    continue;
                }
                let goes_down = recursive && entry.name != ".git" && depth < DEPTH_MAX;
                if goes_down && entry.kind == EntryKind::Directory {
                    queue.push_back((path.clone(), depth + 1));
                }
                let line = line(&path, entry.kind, size);
                self.lines.push((path, line));
            }
            if self.lines.len() >= self.max {
                self.is_partial |= !queue.is_empty();
                break;
            }
        }
        self.lines.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }

    fn entries(&mut self, relative: &Path) -> Result<Vec<(Entry, Option<u64>)>, String> {
        let relative = if relative.as_os_str().is_empty() {
            Path::new(".")
        } else {
            relative
        };
        let directory = self
            .root
            .descend(relative)
            .map_err(|error| error.sentence())?;
        let mut entries = Vec::new();
        directory
            .entries(|entry| {
                let has_room = entries.len() < ENTRIES_MAX;
                self.is_partial |= !has_room;
                if has_room {
                    entries.push(entry);
                }
                has_room && self.stop.reason().is_none()
            })
            .map_err(|error| error.sentence())?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let sized = |entry: Entry| {
            let is_file = entry.kind == EntryKind::File;
            let size = is_file.then(|| directory.size_of(&entry.name)).flatten();
            (entry, size)
        };
        let n_shown = self.max.saturating_sub(self.lines.len());
        self.n_left_out += entries.len().saturating_sub(n_shown);
        entries.truncate(n_shown);
        Ok(entries.into_iter().map(sized).collect())
    }

    fn finish(self, options: &ToolOptions) -> String {
        let mut text = Bounded::new(options.tool_output_max_bytes);
        let mut notes = Vec::new();
        let n_shown = self
            .lines
            .iter()
            .take_while(|(_, line)| text.line(line))
            .count();
        let n_left_out = self.n_left_out + self.lines.len() - n_shown;
        if self.lines.is_empty() && n_left_out == 0 {
            notes.push("the directory is empty".to_owned());
        }
        if n_left_out > 0 || self.is_partial {
            let more = if self.is_partial { "at least " } else { "" };
            notes.push(format!(
                "{n_shown} entries shown, {more}{n_left_out} more are left out; list a directory below, or use file_search"
            ));
        }
        if self.n_unreadable > 0 {
            notes.push(format!(
                "{} directories could not be read",
                self.n_unreadable
            ));
        }
        text.finish(&notes)
    }
}

fn line(path: &Path, kind: EntryKind, size: Option<u64>) -> String {
    let path = shown_path(path);
    match (kind, size) {
        (EntryKind::Directory, _) => format!("{path}/"),
        (EntryKind::Link, _) => format!("{path}@"),
        (EntryKind::Special, _) => format!("{path} (special file)"),
        (EntryKind::File, Some(size)) => format!("{path} ({})", bytes(size)),
        (EntryKind::File, None) => path,
    }
}

#[cfg(test)]
mod tests;
