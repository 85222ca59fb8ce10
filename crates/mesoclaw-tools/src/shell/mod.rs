//! `shell`: runs a command line in the sandbox, as it was judged.

mod answer;
mod bounds;
mod created;
mod progress;
mod watch;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_agent::policy::{Action, SHELL_ARGS};
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::BoxFuture;
use mesoclaw_sandbox::{RunOptions, Sandbox, Spec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::ArgSpec;
use crate::options::{OptionsNow, ToolOptions};

pub use bounds::sandbox_fact;

/// Gives the sandbox as it is configured now.
pub type SandboxNow = Arc<dyn Fn() -> Sandbox + Send + Sync>;

/// The shells that may run a line, the first that is there. Those of a system, not of `PATH`.
const BASH: [&str; 3] = [
    "/bin/bash",
    "/usr/bin/bash",
    "/run/current-system/sw/bin/bash",
];
const SH: [&str; 2] = ["/bin/sh", "/usr/bin/sh"];

/// How often a running command looks whether it should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What to run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The command line. It runs in the workspace with bash, without a terminal and without input.
    command: String,
    /// Seconds after which it is ended.
    timeout_secs: Option<u64>,
}

/// Runs command lines.
pub struct Shell {
    args: ArgSpec,
    options: OptionsNow,
    sandbox: SandboxNow,
}

impl Shell {
    /// The tool with its limits and its sandbox.
    pub fn new(options: OptionsNow, sandbox: SandboxNow) -> Self {
        let args = ArgSpec::new::<Args>(
            "shell",
            "Run a command line in the workspace and give its output. Commands cannot ask questions; they may only write in the workspace.",
            &["bash", "run_command"],
            json!({"command": "cargo test"}),
        );
        Self {
            args,
            options,
            sandbox,
        }
    }
}

impl Tool for Shell {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        let args: Args = self.args.parse(args)?;
        if args.command.trim().is_empty() {
            return Err("`command` is empty: give a command line, like `ls -l`.".to_owned());
        }
        Ok(vec![Action::Command { line: args.command }])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        let sandbox = (self.sandbox)();
        Box::pin(async move {
            match args {
                Ok(args) => run(cx, args, options, sandbox).await,
                Err(sentence) => ToolOutput::failed(sentence),
            }
        })
    }
}

async fn run(cx: ToolCx, args: Args, options: ToolOptions, sandbox: Sandbox) -> ToolOutput {
    let limit_secs = time_limit_secs(args.timeout_secs, &options);
    let facts = Arc::clone(&cx.facts);
    let (network, reads, writes) = (cx.network, cx.reads, cx.writes);
    let (lists, opened) = (cx.lists, cx.opened);
    let looks_only = cx.looks_only;
    let taints = network || !reads.is_empty() || !lists.is_empty();
    let looked = tokio::task::spawn_blocking(move || {
        let (program, shell_args) = shell(&args.command)?;
        let mut spec = Spec::new(program, &facts.roots.cwd);
        spec.args = shell_args;
        spec.env = facts
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let created = created::Created::create(&facts.roots, &opened);
        spec.write = bounds::writes(&facts, looks_only, writes, &opened);
        let looks = bounds::looks(&facts, reads, lists);
        (spec.read, spec.list) = (looks.read, looks.list);
        spec.network = network;
        // What only looks has no right to change anything in the workspace.
        let watch = (!looks_only).then(|| watch::Watch::look(&facts.roots));
        Ok::<_, String>((spec, watch, created))
    })
    .await;
    let (spec, watch, created) = match looked {
        Ok(Ok(looked)) => looked,
        Ok(Err(sentence)) => return ToolOutput::failed(sentence),
        Err(error) => return ToolOutput::failed(format!("The tool broke down: {error}.")),
    };
    let run_options = RunOptions {
        output_cap_bytes: options.tool_output_max_bytes,
        time_limit: Some(Duration::from_secs(limit_secs)),
        ..RunOptions::default()
    };
    let mut progress = progress::Progress::new(Arc::clone(&cx.progress));
    let finished = sandbox
        .run(spec, run_options, cancelled(cx.cancel), |_, piece| {
            progress.take(piece);
        })
        .await;
    let output = match finished {
        Ok(finished) => answer::of(
            &finished,
            limit_secs,
            network,
            options.tool_output_max_bytes,
        ),
        Err(error) => ToolOutput::failed(format!(
            "The command was not run: {}.",
            mesoclaw_api::error::chain(&error)
        )),
    };
    created.settle(output.success).await;
    let output = watch::tell(watch, output, cx.progress.as_ref()).await;
    output.from_source("shell", taints)
}

fn time_limit_secs(asked: Option<u64>, options: &ToolOptions) -> u64 {
    asked
        .unwrap_or(options.tool_shell_timeout_secs)
        .clamp(1, options.tool_shell_max_timeout_secs.max(1))
}

/// The shell that runs a line, with its arguments.
fn shell(line: &str) -> Result<(PathBuf, Vec<OsString>), String> {
    let find = |shells: &[&str]| {
        let is_there = |path: &&&str| Path::new(path).is_file();
        shells.iter().find(is_there).map(PathBuf::from)
    };
    let (program, words) = if let Some(bash) = find(&BASH) {
        (bash, SHELL_ARGS.as_slice())
    } else if let Some(sh) = find(&SH) {
        let n_bash_only = SHELL_ARGS.len() - 2;
        (sh, SHELL_ARGS.get(n_bash_only..).unwrap_or_default())
    } else {
        return Err("This machine has neither bash nor sh, so no command can be run.".to_owned());
    };
    let args = words.iter().copied().chain([line]).map(OsString::from);
    Ok((program, args.collect()))
}

/// Ends when the token is set.
async fn cancelled(token: Arc<dyn CancelToken>) {
    while !token.is_cancelled() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
