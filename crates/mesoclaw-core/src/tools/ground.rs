//! What the policy must know of this machine: where a session works, which programs there are,
//! what a child would be given, and what keeps it inside its bounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_agent::policy::{Facts, Inquiry, Pattern, Roots, SandboxFact};
use mesoclaw_api::ops::session::Workspace;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, SessionId};
use mesoclaw_config::Config;
use mesoclaw_tools::facts;

use crate::tools::blocking;
use crate::tools::platform::create_private_dir;

/// What the daemon was started with, as far as tools care. Fixed for its life.
pub struct GroundOptions {
    /// Home directory of the user.
    pub home: Option<PathBuf>,
    /// Our own directories: configuration, data, state, runtime.
    pub own: Vec<PathBuf>,
    /// Where relative paths of the configuration start.
    pub config_dir: PathBuf,
    /// Where the sessions' own temporary directories are made: ours alone, with a name nobody can
    /// guess.
    pub scratch: PathBuf,
    /// The environment of the daemon, of which children are given a part.
    pub environment: BTreeMap<String, String>,
    /// What keeps children inside their bounds, for a level of `security_sandbox`.
    pub sandbox: Box<dyn Fn(&str) -> SandboxFact + Send + Sync>,
}

/// See the module documentation.
pub(crate) struct Ground {
    options: GroundOptions,
}

/// What one look at the machine needs, by value: looking blocks.
struct Look {
    roots: Roots,
    environment: BTreeMap<String, String>,
    sandbox: SandboxFact,
}

impl Ground {
    pub fn new(options: GroundOptions) -> Self {
        Self { options }
    }

    /// Answers the questions of an inquiry from the disk.
    ///
    /// # Errors
    /// A sentence.
    pub async fn gather(
        self: &Arc<Self>,
        inquiry: Inquiry,
        workspace: Option<Workspace>,
        session_id: Option<&SessionId>,
        config: &Config,
    ) -> Result<(Inquiry, Facts), String> {
        let temp = self.temp(session_id);
        let (this, config) = (Arc::clone(self), config.clone());
        blocking(move || {
            create_private_dir(&temp)
                .map_err(|error| format!("the session's temporary directory: {error}"))?;
            let look = this.look(workspace.as_ref(), temp, &config);
            let facts = facts::gather(&inquiry, &look.roots, &look.environment, look.sandbox);
            Ok((inquiry, facts))
        })
        .await
    }

    /// What a directory is as a workspace.
    ///
    /// # Errors
    /// It is no directory, or no absolute path.
    pub async fn workspace_of(self: &Arc<Self>, dir: String) -> ApiResult<Workspace> {
        let this = Arc::clone(self);
        blocking(move || facts::workspace_of(Path::new(&dir), this.options.home.as_deref()))
            .await
            .map_err(|sentence| ApiError::new(ErrorCode::Validation, sentence))
    }

    /// The programs a pattern begins with, absolute, as they are found from `cwd` now.
    ///
    /// # Errors
    /// A sentence: there is no such program, or it should not be trusted.
    pub async fn programs_of(
        self: &Arc<Self>,
        pattern: &Pattern,
        workspace: Option<Workspace>,
        config: &Config,
    ) -> Result<Vec<String>, String> {
        let Pattern::Command { words, .. } = pattern else {
            return Ok(Vec::new());
        };
        let Some(Some(name)) = words.first().cloned() else {
            return Ok(Vec::new());
        };
        let shown = name.clone();
        let (this, config) = (Arc::clone(self), config.clone());
        let fact = blocking(move || {
            let look = this.look(workspace.as_ref(), this.temp(None), &config);
            Ok(facts::program(&name, &look.roots, &look.environment))
        })
        .await?;
        match (fact.resolved, fact.untrusted) {
            (Some(path), _) => Ok(vec![path.display().to_string()]),
            (None, why) => Err(format!(
                "the program `{shown}` was not found{}",
                why.map_or(String::new(), |why| format!(": {why}"))
            )),
        }
    }

    /// What keeps children inside their bounds at the level that holds.
    pub fn sandbox(&self, config: &Config) -> SandboxFact {
        (self.options.sandbox)(&config.security_sandbox)
    }

    /// Directories programs are taken from, outside of every workspace.
    pub fn program_dirs(&self) -> Vec<String> {
        self.dirs(None)
            .iter()
            .map(|dir| dir.display().to_string())
            .collect()
    }

    fn look(&self, workspace: Option<&Workspace>, temp: PathBuf, config: &Config) -> Look {
        let mut roots = facts::roots(
            workspace,
            self.options.home.clone(),
            temp,
            self.options.own.clone(),
        );
        // The sandbox refuses links in what it is told to open up.
        roots.readable = config
            .readable_paths(&self.options.config_dir, self.options.home.as_deref())
            .iter()
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        let dirs = self.dirs(roots.workspace.as_deref());
        let mut environment = facts::child_environment(&self.options.environment, &dirs, &roots);
        for name in &config.tool_environment {
            if let Some(value) = self.options.environment.get(name) {
                environment.insert(name.clone(), value.clone());
            }
        }
        Look {
            roots,
            environment,
            sandbox: self.sandbox(config),
        }
    }

    fn dirs(&self, workspace: Option<&Path>) -> Vec<PathBuf> {
        let path = self.options.environment.get("PATH");
        let path = path.map_or("", String::as_str);
        facts::trusted_dirs(path, self.options.home.as_deref(), workspace)
    }

    /// The directory for temporary files of a session.
    fn temp(&self, session_id: Option<&SessionId>) -> PathBuf {
        // Ids are ours, and this is the last place that would want to find out otherwise.
        let name = session_id.map_or("tools", SessionId::as_str);
        let is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let name = if is_plain { name } else { "other" };
        self.options.scratch.join(name)
    }
}
