//! `system_info`: harmless facts of this machine.

mod secret;
mod zone;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use mesoclaw_agent::policy::Action;
use mesoclaw_agent::tool::{Tool, ToolCx, ToolOutput, ToolSpec};
use mesoclaw_api::{BoxFuture, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::args::ArgSpec;
use crate::background::{Stop, blocking};
use crate::options::OptionsNow;
use crate::output::Bounded;

pub use secret::is_secret;

/// Which fact.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// What to tell.
    action: Fact,
    /// With `env`: the name of one variable; all names when left out.
    key: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fact {
    Os,
    CpuCount,
    Hostname,
    Memory,
    Time,
    Env,
}

/// Tells facts of this machine.
pub struct SystemInfo {
    args: ArgSpec,
    options: OptionsNow,
    environment: Arc<BTreeMap<String, String>>,
}

impl SystemInfo {
    /// The tool with its limits; `environment` is what `env` tells about.
    pub fn new(options: OptionsNow, environment: Arc<BTreeMap<String, String>>) -> Self {
        let args = ArgSpec::new::<Args>(
            "system_info",
            "Tell a fact about this computer: operating system, number of processors, host name, memory, date and time, or environment variables.",
            &["sysinfo"],
            json!({"action": "time"}),
        );
        Self {
            args,
            options,
            environment,
        }
    }
}

impl Tool for SystemInfo {
    fn spec(&self) -> &ToolSpec {
        self.args.spec()
    }

    fn plan(&self, args: &Value) -> Result<Vec<Action>, String> {
        self.args.parse::<Args>(args)?;
        Ok(vec![Action::Inspect])
    }

    fn run(&self, cx: ToolCx, args: Value) -> BoxFuture<'static, ToolOutput> {
        let args = self.args.parse::<Args>(&args);
        let options = (self.options)();
        let environment = Arc::clone(&self.environment);
        Box::pin(async move {
            let work = async {
                let args = args?;
                let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
                let max_bytes = options.tool_output_max_bytes;
                blocking(stop, move |_| tell(&args, &environment, max_bytes)).await?
            };
            match work.await {
                Ok(text) => ToolOutput::done(text),
                Err(sentence) => ToolOutput::failed(sentence),
            }
        })
    }
}

fn tell(
    args: &Args,
    environment: &BTreeMap<String, String>,
    max_bytes: usize,
) -> Result<String, String> {
    match args.action {
        Fact::Os => Ok(os()),
        Fact::CpuCount => {
            let count = std::thread::available_parallelism()
                .map_err(|error| format!("The number of processors is not known: {error}."))?;
            Ok(count.to_string())
        }
        Fact::Hostname => {
            System::host_name().map_err(|error| format!("The host name is not known: {error}."))
        }
        Fact::Memory => memory(),
        Fact::Time => Ok(time(environment)),
        Fact::Env => env(args.key.as_deref(), environment, max_bytes),
    }
}

fn os() -> String {
    let name = System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    let kernel = System::kernel_version().unwrap_or_default();
    format!("{name}, kernel {kernel}, {}", std::env::consts::ARCH)
}

fn memory() -> Result<String, String> {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind)
        .map_err(|error| format!("The memory of this machine is not known: {error}."))?;
    let memory = json!({
        "total_bytes": system.total_memory(),
        "used_bytes": system.used_memory(),
        "available_bytes": system.available_memory(),
    });
    Ok(memory.to_string())
}

fn time(environment: &BTreeMap<String, String>) -> String {
    let now = Timestamp::now();
    let tz = environment.get("TZ").map(String::as_str);
    match now.unix_ms().and_then(|ms| zone::local(ms, tz)) {
        Some(local) => format!("{local} (UTC: {now})"),
        None => format!("{now} (UTC)"),
    }
}

fn env(
    key: Option<&str>,
    environment: &BTreeMap<String, String>,
    max_bytes: usize,
) -> Result<String, String> {
    let Some(key) = key.map(str::trim).filter(|key| !key.is_empty()) else {
        let mut names = Bounded::new(max_bytes);
        let n_shown = environment
            .keys()
            .take_while(|name| names.line(name))
            .count();
        let n_left = environment.len() - n_shown;
        let note = (n_left > 0).then(|| format!("{n_left} more names are not shown"));
        return Ok(names.finish(note.as_slice()));
    };
    match environment.get(key) {
        None => Err(format!("The variable `{key}` is not set.")),
        Some(value) if is_secret(key, value) => Ok(format!(
            "`{key}` is set ({} characters); its value looks like a secret and is not shown.",
            value.chars().count()
        )),
        Some(value) => {
            let end = crate::output::floor_char_boundary(value, max_bytes);
            Ok(value.get(..end).unwrap_or_default().to_owned())
        }
    }
}
