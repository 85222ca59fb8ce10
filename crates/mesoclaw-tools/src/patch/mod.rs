//! `patch`: applies a unified diff to one file.

mod apply;
mod name;
mod parse;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::background::{Stop, blocking};
use crate::change::{self, After, Before, Edit};
use crate::judged;
use crate::options::OptionsNow;

pub use apply::{Applied, apply};
pub use parse::{FilePatch, Hunk, Line, LineKind, parse};

/// What to apply to which file.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file to change, relative to the workspace or absolute.
    file_path: String,
    /// A unified diff of this one file. Context lines must be exact; line numbers may be off.
    diff: String,
    /// Only show what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Applies patches.
pub struct Patch {
    args: ArgSpec,
    options: OptionsNow,
}

impl Patch {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "patch",
            "Apply a unified diff to one file. /dev/null as the old name creates the file, as the new name it deletes it.",
            &["apply_patch"],
            json!({
                "file_path": "src/main.rs",
                "diff": "@@ -1,3 +1,3 @@\n fn main() {\n-    old();\n+    new();\n }\n"
            }),
        );
        Self { args, options }
    }

    fn read(&self, args: &Value) -> Result<(Args, Change), String> {
        let args: Args = self.args.parse(args)?;
        check_path("file_path", &args.file_path)?;
        let patch = parse(&args.diff).map_err(|error| error.sentence())?;
        patch.check_name(&args.file_path)?;
        let change = Change {
            name: args.file_path.clone(),
            patch,
        };
        Ok((args, change))
    }
}

impl Tool for Patch {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let (args, change) = self.read(args)?;
        let path = args.file_path;
        Ok(vec![if args.dry_run {
            Action::Read { path }
        } else if change.patch.deletes {
            Action::Delete { path }
        } else {
            Action::Write { path }
        }])
    }

    fn preview(&self, facts: Arc<Facts>, args: Value) -> BoxFuture<'static, Option<String>> {
        let read = self.read(&args);
        let options = (self.options)();
        Box::pin(async move {
            let (args, change) = read.ok()?;
            let path = judged::resolved(&facts, &args.file_path).ok()?;
            let preview = move || change::preview(&facts, &path, &change, &options);
            tokio::task::spawn_blocking(preview).await.ok()?
        })
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let read = self.read(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let (args, change) = read?;
                let path = judged::resolved(&cx.facts, &args.file_path)?;
                let name = judged::shown(&cx.facts, &path);
                if args.dry_run {
                    let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                    let facts = Arc::clone(&cx.facts);
                    let output = blocking(stop, move |_| {
                        change::try_out(&facts, &path, &change, &options).map(|diff| {
                            let text =
                                format!("The patch fits `{name}`; nothing was changed.\n{diff}");
                            judged::from_path(ToolOutput::done(text), &facts, "file", &path)
                        })
                    });
                    return output.await?;
                }
                let deletes = change.patch.deletes;
                let n_hunks = change.patch.hunks.len();
                let changed = change::apply(&cx, path, Arc::new(change), options).await?;
                let text = if deletes {
                    format!("Deleted `{name}`.")
                } else {
                    let summary = change::summary(&changed.diff);
                    let verb = if changed.is_new { "Created" } else { "Changed" };
                    format!("{verb} `{name}` ({n_hunks} hunks applied): {summary}.")
                };
                Ok::<_, String>(ToolOutput::done(text).with_diff(changed.diff))
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

struct Change {
    name: String,
    patch: FilePatch,
}

impl Edit for Change {
    fn apply(&self, before: Option<&Before>) -> Result<After, String> {
        let name = &self.name;
        let text = match before {
            None if self.patch.creates || !self.patch.needs_old_text() => "",
            None => return Err(format!("There is no `{name}` to patch.")),
            Some(before) if self.patch.creates && !before.content.is_empty() => {
                return Err(format!(
                    "The patch creates `{name}`, but it exists already; read it and patch what is there."
                ));
            }
            Some(before) => before.text(name)?,
        };
        let applied = apply(&self.patch, text).map_err(|error| error.sentence())?;
        if !self.patch.deletes {
            return Ok(After::Content(applied.text.into_bytes()));
        }
        if before.is_none() {
            return Err(format!("There is no `{name}` to delete."));
        }
        if applied.text.is_empty() {
            return Ok(After::Removed);
        }
        Err(format!(
            "The patch deletes `{name}`, but leaves text in it; nothing was changed. Remove every line in the patch, or use the shell to delete the file."
        ))
    }
}
