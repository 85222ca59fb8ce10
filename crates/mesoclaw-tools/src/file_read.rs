//! `file_read`: the text of a file, or a part of it.

use std::borrow::Cow;
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
use crate::judged;
use crate::options::{OptionsNow, ToolOptions};
use crate::output::{Bounded, bytes, cut_line};
use crate::text::{LineEnds, binary_kind};
use crate::workspace::OpenFile;

/// Which part of which file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file, relative to the workspace or absolute.
    path: String,
    /// Show at most this many lines.
    max_lines: Option<usize>,
    /// Skip this many lines at the start.
    offset_lines: Option<usize>,
}

/// Reads files.
pub struct FileRead {
    args: ArgSpec,
    options: OptionsNow,
}

impl FileRead {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "file_read",
            "Read a text file. Long files come in parts: use offset_lines and max_lines.",
            &["read_file"],
            json!({"path": "src/main.rs"}),
        );
        Self { args, options }
    }
}

impl Tool for FileRead {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        check_path("path", &args.path)?;
        Ok(vec![Action::Read { path: args.path }])
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
                blocking(stop, move |_| read(&facts, &path, &args, &options)).await?
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

fn read(
    facts: &Facts,
    path: &Path,
    args: &Args,
    options: &ToolOptions,
) -> Result<ToolOutput, String> {
    let mut file = OpenFile::open(path).map_err(|error| error.sentence())?;
    let content = file
        .read_up_to(options.tool_file_read_max_bytes)
        .map_err(|error| error.sentence())?;
    let size = file.seen().identity.size_bytes.max(content.len() as u64);
    if let Some(kind) = binary_kind(&content) {
        return Err(format!(
            "`{}` is {kind} ({}), not text, so it is not shown.",
            judged::shown(facts, path),
            bytes(size)
        ));
    }
    let is_whole = content.len() as u64 >= size;
    let output = ToolOutput::done(show(&content, is_whole, size, args, options));
    Ok(judged::from_path(output, facts, "file", path))
}

fn show(content: &[u8], is_whole: bool, size: u64, args: &Args, options: &ToolOptions) -> String {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    let text = String::from_utf8_lossy(content);
    let ends = LineEnds::of(content);
    let skip = args.offset_lines.unwrap_or(0);
    let max_lines = args.max_lines.unwrap_or(options.tool_file_read_max_lines);
    let mut shown = Bounded::new(options.tool_output_max_bytes);
    let (mut n_shown, mut n_cut) = (0, 0);
    for line in text.split_inclusive('\n').skip(skip).take(max_lines.max(1)) {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = match ends {
            LineEnds::CrLf => line.strip_suffix('\r').unwrap_or(line),
            LineEnds::None | LineEnds::Lf | LineEnds::Mixed => line,
        };
        let (start, is_cut) = cut_line(line);
        let fits = if is_cut {
            shown.line(&format!(
                "{start}[... {} more bytes]",
                line.len() - start.len()
            ))
        } else {
            shown.line(line)
        };
        if !fits {
            break;
        }
        n_shown += 1;
        n_cut += usize::from(is_cut);
    }
    let mut notes = Vec::new();
    notes.extend(range_note(text.lines().count(), skip, n_shown, is_whole));
    if n_cut > 0 {
        notes.push(format!("{n_cut} long lines were cut"));
    }
    if !is_whole {
        notes.push(format!(
            "only the first {} of {} are looked at; for what comes later use the shell",
            bytes(content.len() as u64),
            bytes(size)
        ));
    }
    if matches!(text, Cow::Owned(_)) {
        let note = "the file is not all UTF-8: what could not be read is shown as \u{fffd}";
        notes.push(note.to_owned());
    }
    notes.extend(ends_note(ends).map(str::to_owned));
    shown.finish(&notes)
}

/// Which lines are shown, when that is not all of them.
fn range_note(n_lines: usize, skip: usize, n_shown: usize, is_whole: bool) -> Option<String> {
    let end = skip.saturating_add(n_shown);
    if n_lines == 0 {
        return Some("the file is empty".to_owned());
    }
    if skip >= n_lines {
        return Some(format!(
            "the file has only {n_lines} lines, so nothing is left after {skip}"
        ));
    }
    if skip == 0 && end == n_lines {
        return None;
    }
    let of = if is_whole { "" } else { "at least " };
    let rest = if end < n_lines {
        format!("; for more set offset_lines to {end}")
    } else {
        String::new()
    };
    Some(format!(
        "lines {} to {end} of {of}{n_lines}{rest}",
        skip + 1
    ))
}

fn ends_note(ends: LineEnds) -> Option<&'static str> {
    match ends {
        LineEnds::CrLf => Some("lines end with CR LF"),
        LineEnds::Mixed => Some("lines end partly with CR LF, partly with LF"),
        LineEnds::None | LineEnds::Lf => None,
    }
}

#[cfg(test)]
mod tests;
