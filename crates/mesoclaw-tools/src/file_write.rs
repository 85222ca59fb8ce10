//! `file_write`: a file with this content, new or instead of the old one.

use std::sync::Arc;

use mesoclaw_agent::policy::{Action, Facts};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{ArgSpec, check_path};
use crate::change::{self, After, Before, Edit};
use crate::judged;
use crate::options::OptionsNow;
use crate::output::bytes;
use crate::text::{LineEnds, to_crlf};

/// Which file, and what is to be in it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The file, relative to the workspace or absolute.
    path: String,
    /// The whole new content.
    content: String,
}

/// Writes files.
pub struct FileWrite {
    args: ArgSpec,
    options: OptionsNow,
}

impl FileWrite {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "file_write",
            "Create a file or replace its whole content. Missing directories are made. To change a part of a file use edit.",
            &["write_file"],
            json!({"path": "notes/todo.md", "content": "- buy milk\n"}),
        );
        Self { args, options }
    }
}

impl Tool for FileWrite {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        check_path("path", &args.path)?;
        if args.path.ends_with('/') {
            return Err("`path` must name a file, not a directory; directories are made with the file in them.".to_owned());
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
                let content = changed.content.unwrap_or_default();
                let size = bytes(content.len() as u64);
                let text = if changed.diff.is_empty() && !changed.is_new {
                    format!("`{name}` has this content already; nothing changed.")
                } else if changed.is_new {
                    format!("Created `{name}` ({size}).")
                } else {
                    format!(
                        "Wrote `{name}` ({size}): {}.",
                        change::summary(&changed.diff)
                    )
                };
                Ok::<_, String>(ToolOutput::done(text).with_diff(changed.diff))
            };
            work.await.unwrap_or_else(ToolOutput::failed)
        })
    }
}

impl Edit for Args {
    /// Lines keep ending as they did, unless the new content says otherwise itself.
    fn apply(&self, before: Option<&Before>) -> Result<After, String> {
        let old_ends = before.map(|before| LineEnds::of(&before.content));
        let keeps_crlf = old_ends == Some(LineEnds::CrLf) && !self.content.contains('\r');
        let content = if keeps_crlf {
            to_crlf(&self.content)
        } else {
            self.content.clone()
        };
        Ok(After::Content(content.into_bytes()))
    }
}

#[cfg(test)]
mod tests;
