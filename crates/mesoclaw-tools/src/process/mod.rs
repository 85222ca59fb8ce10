//! `process`: lists processes and ends one.

mod table;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod platform;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use mesoclaw_agent::policy::Action;
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::ArgSpec;
use crate::background::{Stop, blocking};
use crate::options::{OptionsNow, ToolOptions};
use crate::output::with_notes;

use table::{Process as Row, all, one};

/// What to do with which processes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// `list` shows processes, `kill` asks one to end.
    action: What,
    /// With `list`: only processes with this in their name, in any case.
    filter: Option<String>,
    /// With `kill`: the number of the process.
    pid: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    List,
    Kill,
}

/// Lists and ends processes.
pub struct Process {
    args: ArgSpec,
    options: OptionsNow,
}

impl Process {
    /// The tool with its limits.
    pub fn new(options: OptionsNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "process",
            "List running processes, or ask one to end.",
            &[],
            json!({"action": "list", "filter": "firefox"}),
        );
        Self { args, options }
    }

    fn read(&self, args: &Value) -> Result<Args, String> {
        let args: Args = self.args.parse(args)?;
        match (args.action, args.pid) {
            (What::Kill, None) => {
                Err("`pid` is needed to end a process: {\"action\": \"kill\", \"pid\": 1234}. `list` shows the numbers.".to_owned())
            }
            (What::Kill, Some(pid)) => check_pid(pid).map(|()| args),
            (What::List, _) => Ok(args),
        }
    }
}

impl Tool for Process {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args = self.read(args)?;
        Ok(vec![match (args.action, args.pid) {
            (What::Kill, Some(pid)) => Action::Signal { pid },
            (What::Kill, None) | (What::List, _) => Action::Inspect,
        }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let read = self.read(&args);
        let options = (self.options)();
        Box::pin(async move {
            let work = async {
                let args = read?;
                let facts = Arc::clone(&cx.facts);
                let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                blocking(stop, move |_| match (args.action, args.pid) {
                    (What::Kill, Some(pid)) => {
                        kill(pid, facts.processes.get(&pid).copied().flatten())
                    }
                    (What::Kill, None) | (What::List, _) => {
                        Ok(list(args.filter.as_deref(), &options))
                    }
                })
                .await?
            };
            match work.await {
                Ok(text) => ToolOutput::done(text),
                Err(sentence) => ToolOutput::failed(sentence),
            }
        })
    }
}

/// Processes that are never ended, whoever asks.
fn check_pid(pid: u32) -> Result<(), String> {
    match pid {
        0 => Err("`pid` 0 means a whole group of processes, which is never ended.".to_owned()),
        1 => Err("`pid` 1 is the system itself, which is never ended.".to_owned()),
        pid if pid == std::process::id() => Err(format!(
            "`pid` {pid} is mesoclaw itself, which is not ended this way."
        )),
        pid if i32::try_from(pid).is_err() => Err(format!("`pid` {pid} is not a process.")),
        _ => Ok(()),
    }
}

fn list(filter: Option<&str>, options: &ToolOptions) -> String {
    let filter = filter.unwrap_or_default().trim().to_lowercase();
    let mut rows: Vec<Row> = all()
        .into_iter()
        .filter(|row| row.name.to_lowercase().contains(&filter))
        .collect();
    rows.sort_by_key(|row| row.pid);
    let n_all = rows.len();
    let mut shown = Vec::new();
    let mut n_bytes = 2;
    for row in rows.iter().take(options.tool_process_list_limit) {
        let entry = json!({"pid": row.pid, "name": row.name});
        n_bytes += entry.to_string().len() + 1;
        if n_bytes > options.tool_output_max_bytes {
            break;
        }
        shown.push(entry);
    }
    let note = (shown.len() < n_all)
        .then(|| format!("{} of {n_all} processes shown; use filter", shown.len()));
    with_notes(Value::Array(shown).to_string(), note.as_slice())
}

/// When a process was started, in a unit of the system; `None` = there is none of this number.
pub(crate) fn started(pid: u32) -> Option<u64> {
    one(pid).map(|row| row.started)
}

/// Ends the process that was judged, which is the one of this number that was started then.
fn kill(pid: u32, judged: Option<u64>) -> Result<String, String> {
    check_pid(pid)?;
    let judged = judged.ok_or_else(|| format!("There is no process {pid}."))?;
    let other = "has ended meanwhile, and another process has its number; nothing was done";
    platform::terminate(pid, |row| {
        if row.started == judged {
            Ok(())
        } else {
            Err(format!("Process {pid} {other}. List the processes again."))
        }
    })
    .map(|name| format!("Asked process {pid} (`{name}`) to end."))
}
