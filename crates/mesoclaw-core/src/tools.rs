//! Tools in the core: judged by the policy, run inside it, written down in the audit. The same way
//! for calls of a model and for a tool that is run by itself.

pub(crate) mod audit;
pub(crate) mod checkpoints;
pub(crate) mod direct;
pub(crate) mod direct_runs;
pub(crate) mod ground;
pub(crate) mod judge;
pub(crate) mod permit;
pub(crate) mod rate;
pub(crate) mod run;

#[cfg(unix)]
#[path = "tools/unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "tools/windows.rs"]
mod platform;

use std::collections::BTreeMap;
use std::sync::Arc;

use mesoclaw_agent::policy::Autonomy;
use mesoclaw_agent::tool::{Tool, ToolRegistry};
use mesoclaw_api::{ApiError, ApiResult};
use mesoclaw_config::Config;
use mesoclaw_store::Store;

use crate::config_service::ConfigService;
use crate::keys::Keys;
use crate::tools::checkpoints::CheckpointFiles;
use crate::tools::direct_runs::DirectRuns;
use crate::tools::ground::Ground;
use crate::tools::rate::Rate;

/// See the module documentation.
pub(crate) struct Toolbox {
    pub registry: ToolRegistry,
    pub config: Arc<ConfigService>,
    pub store: Store,
    pub keys: Arc<Keys>,
    pub ground: Arc<Ground>,
    pub files: Arc<CheckpointFiles>,
    pub rate: Rate,
    pub direct: DirectRuns,
}

impl Toolbox {
    /// The tools that are on, sorted by name.
    pub fn enabled(&self, config: &Config) -> impl Iterator<Item = &Arc<dyn Tool>> {
        let disabled = config.disabled_tools.clone();
        self.registry
            .iter()
            .filter(move |tool| !disabled.contains(&tool.spec().definition.name))
    }

    /// Other names of the tools, with their own.
    pub fn aliases(&self) -> BTreeMap<String, String> {
        let names = |tool: &Arc<dyn Tool>| {
            let spec = tool.spec();
            let own = spec.definition.name.clone();
            spec.aliases
                .iter()
                .map(move |&alias| (alias.to_owned(), own.clone()))
                .collect::<Vec<_>>()
        };
        self.registry.iter().flat_map(names).collect()
    }

    /// The tool of this name, or the one that answers to it, if it is on.
    ///
    /// # Errors
    /// A sentence that names the tools there are.
    pub fn find(&self, name: &str) -> Result<Arc<dyn Tool>, String> {
        let config = self.config.current();
        let found = self.registry.get(name);
        if let Some(tool) = found {
            let name = &tool.spec().definition.name;
            if !config.config.disabled_tools.contains(name) {
                return Ok(Arc::clone(tool));
            }
            return Err(format!(
                "the tool `{name}` is off: the setting disabled_tools names it"
            ));
        }
        let names: Vec<&str> = self
            .enabled(&config.config)
            .map(|tool| tool.spec().definition.name.as_str())
            .collect();
        Err(format!(
            "there is no tool `{}`; there are: {}",
            name.escape_debug(),
            names.join(", ")
        ))
    }

    /// The tool of this name, for an operation.
    ///
    /// # Errors
    /// `MESO_NOT_FOUND`.
    pub fn require(&self, name: &str) -> ApiResult<Arc<dyn Tool>> {
        self.find(name)
            .map_err(|sentence| ApiError::new(mesoclaw_api::ErrorCode::NotFound, sentence))
    }
}

/// Work on files, away from the threads that wait for events.
///
/// # Errors
/// That of the work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(format!("the work was cut off: {error}")))
}

/// The level that holds. A word nobody knows counts as the narrowest one: configuration is checked
/// when it is read, so this is for files that were changed behind our back.
pub(crate) fn autonomy(config: &Config) -> Autonomy {
    config
        .security_autonomy_level
        .parse()
        .unwrap_or(Autonomy::Strict)
}
