//! What the agent acts with: the tools, the places they may work in, and what keeps programs inside
//! their bounds.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mesoclaw_agent::policy::SandboxFact;
use mesoclaw_agent::tool::ToolRegistry;
use mesoclaw_config::{Config, Paths};
use mesoclaw_core::{GroundOptions, ToolHands};
use mesoclaw_net::{Guard, GuardOptions, HostPattern};
use mesoclaw_sandbox::{Level, Sandbox};
use mesoclaw_tools::{SearchOptions, ToolOptions, ToolParts, builtin, sandbox_fact};
use tempfile::TempDir;

use crate::platform;

/// How names of such directories begin.
const SCRATCH: &str = "mesoclaw-sessions-";

/// The directory of the sessions' temporary files; removed with everything in it when dropped.
///
/// Where it is is noted in the data directory, so that the next daemon removes what a killed one
/// left. To be called with the lock on that directory: then nobody uses the old one any more.
pub(crate) fn scratch(paths: &Paths) -> io::Result<TempDir> {
    let note = paths.data_dir.join("scratch");
    if let Ok(left) = std::fs::read_to_string(&note) {
        remove_left(Path::new(&left));
    }
    let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir()?;
    if let Some(path) = scratch.path().to_str() {
        // Readable for its user alone, like everything in there.
        let mut file = tempfile::NamedTempFile::new_in(&paths.data_dir)?;
        file.write_all(path.as_bytes())?;
        file.persist(&note).map_err(|error| error.error)?;
    }
    Ok(scratch)
}

/// Removes what a killed daemon left, if it is still that: a directory of ours by name and place.
fn remove_left(left: &Path) {
    let is_named = left
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(SCRATCH));
    let is_in_place = left.parent() == Some(std::env::temp_dir().as_path());
    let is_directory = std::fs::symlink_metadata(left).is_ok_and(|found| found.is_dir());
    if is_named && is_in_place && is_directory {
        // What cannot be removed belongs to somebody else by now.
        std::fs::remove_dir_all(left).ok();
    }
}

/// What the daemon knows of this machine.
pub(crate) fn ground(paths: &Paths, scratch: &TempDir) -> GroundOptions {
    let environment = environment();
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    let socket_dir = paths.socket_endpoint.parent();
    GroundOptions {
        home: home.map(Into::into),
        own: [&paths.config_dir, &paths.data_dir, &paths.runtime_dir]
            .into_iter()
            .cloned()
            .chain(socket_dir.map(Into::into))
            .collect(),
        config_dir: paths.config_dir.clone(),
        scratch: scratch.path().to_owned(),
        environment,
        sandbox: Box::new(bounds),
    }
}

/// The tools of this version.
pub(crate) fn tools(hands: ToolHands) -> ToolRegistry {
    let ToolHands { config, key } = hands;
    let (for_sandbox, for_guard, for_search) = (
        Arc::clone(&config),
        Arc::clone(&config),
        Arc::clone(&config),
    );
    let guards = Guards::default();
    ToolRegistry::new(builtin(ToolParts {
        options: Arc::new(move || tool_options(&config().config)),
        environment: environment(),
        sandbox: Arc::new(move || sandbox(&for_sandbox().config.security_sandbox)),
        guard: Arc::new(move || guards.now(guard_options(&for_guard().config))),
        search: Arc::new(move || {
            let options = search_options(&for_search().config);
            let (tavily, brave) = (
                key("tavily", "TAVILY_API_KEY"),
                key("brave", "BRAVE_API_KEY"),
            );
            Box::pin(async move {
                SearchOptions {
                    tavily_key: tavily.await,
                    brave_key: brave.await,
                    ..options
                }
            })
        }),
    }))
}

/// The sandbox at a level. Configuration is checked when it is read; a file that was changed behind
/// our back gets the narrowest.
fn sandbox(word: &str) -> Sandbox {
    Sandbox {
        level: word.parse().unwrap_or(Level::Require),
        helper: platform::own_program(),
    }
}

/// The guard of the network; made anew when its settings changed.
#[derive(Default)]
struct Guards {
    last: Mutex<Option<(GuardOptions, Arc<Guard>)>>,
}

impl Guards {
    fn now(&self, options: GuardOptions) -> Arc<Guard> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_with, guard)) = last.as_ref()
            && *made_with == options
        {
            return Arc::clone(guard);
        }
        let guard = Arc::new(Guard::new(options.clone()));
        *last = Some((options, Arc::clone(&guard)));
        guard
    }
}

/// What keeps programs inside their bounds at a level, in a sentence.
pub(crate) fn bounds(word: &str) -> SandboxFact {
    sandbox_fact(&sandbox(word))
}

fn tool_options(config: &Config) -> ToolOptions {
    ToolOptions {
        tool_output_max_bytes: config.tool_output_max_bytes as usize,
        tool_file_read_max_lines: config.tool_file_read_max_lines as usize,
        tool_file_read_max_bytes: config.tool_file_read_max_bytes,
        tool_file_search_max_results: config.tool_file_search_max_results as usize,
        tool_process_list_limit: config.tool_process_list_limit as usize,
        tool_shell_timeout_secs: config.tool_shell_timeout_secs.into(),
        tool_shell_max_timeout_secs: config.tool_shell_max_timeout_secs.into(),
        ..ToolOptions::default()
    }
}

fn guard_options(config: &Config) -> GuardOptions {
    let allow_private = config.web_allow_private_hosts.iter().filter_map(|host| {
        host.parse::<HostPattern>()
            .inspect_err(|error| tracing::warn!(%error, "web_allow_private_hosts"))
            .ok()
    });
    GuardOptions {
        allow_private: allow_private.collect(),
        environment_proxy: config.web_use_proxy,
        total_timeout: Duration::from_secs(config.web_fetch_timeout_secs.into()),
        max_body_bytes: config.web_fetch_max_bytes,
        max_wire_bytes: config.web_fetch_max_bytes,
        ..GuardOptions::default()
    }
}

fn search_options(config: &Config) -> SearchOptions {
    SearchOptions {
        timeout: Duration::from_secs(config.web_search_timeout_secs.into()),
        max_results: config.web_search_max_results as usize,
        ..SearchOptions::default()
    }
}

/// The variables of this process that are text.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_daemon_left_is_removed() {
        let temp = std::env::temp_dir();
        let left = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&temp)
            .unwrap();
        let other = tempfile::Builder::new().tempdir_in(&temp).unwrap();
        let nested = other.path().join(format!("{SCRATCH}x"));
        std::fs::create_dir(&nested).unwrap();
        for path in [left.path(), other.path(), nested.as_path()] {
            remove_left(path);
        }
        let there = [left.path(), other.path(), nested.as_path()].map(Path::exists);
        assert_eq!(there, [false, true, true]);
    }
}
