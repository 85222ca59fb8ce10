//! Which adapters this build has: the only file with `cfg(feature)`.

use std::path::PathBuf;
use std::sync::Arc;

use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_config::{Config, Paths};
use mesoclaw_core::LocalParts;

use crate::error::DaemonError;
use crate::run::Setting;

/// The embedded engine of this build, if it has one.
pub(crate) struct Engine {
    #[cfg(feature = "local")]
    local: Arc<mesoclaw_local::LocalEngine>,
}

/// Prepares the engine; nothing is loaded and no thread started before its first use.
#[cfg(feature = "local")]
pub(crate) fn engine(paths: &Paths, config: &Config) -> Engine {
    Engine {
        local: Arc::new(mesoclaw_local::LocalEngine::new(local_options(
            &paths.models_dir,
            config,
        ))),
    }
}

/// This build has no engine.
#[cfg(not(feature = "local"))]
pub(crate) fn engine(_paths: &Paths, _config: &Config) -> Engine {
    Engine {}
}

#[cfg(feature = "local")]
fn local_options(models_dir: &std::path::Path, config: &Config) -> mesoclaw_local::LocalOptions {
    mesoclaw_local::LocalOptions {
        models_dir: models_dir.to_owned(),
        threads: config.local_threads,
        context_tokens: config.local_context_tokens,
        repeat_penalty: config.local_repeat_penalty,
        idle_unload_secs: config.local_idle_unload_secs.into(),
    }
}

impl Engine {
    /// The engine as the core sees it.
    #[cfg(feature = "local")]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "builds without the engine have none"
    )]
    pub fn parts(&self, paths: &Paths) -> Option<LocalParts> {
        let engine = Arc::clone(&self.local);
        let models_dir = paths.models_dir.clone();
        Some(LocalParts {
            client: Arc::clone(&self.local) as _,
            files: Arc::clone(&self.local) as _,
            apply: Arc::new(move |config| engine.set_options(local_options(&models_dir, config))),
        })
    }

    /// This build has no engine.
    #[cfg(not(feature = "local"))]
    pub fn parts(&self, _paths: &Paths) -> Option<LocalParts> {
        None
    }

    /// Ends the engine: a running answer stops at its next token.
    pub async fn shutdown(self) {
        #[cfg(feature = "local")]
        {
            let local = self.local;
            let joined = tokio::task::spawn_blocking(move || local.shutdown()).await;
            if joined.is_err() {
                tracing::error!("the engine panicked while it ended");
            }
        }
    }
}

/// The model files of this machine, for commands that run without a daemon; `None` in builds
/// without the embedded engine.
///
/// # Errors
/// The configuration is not usable.
pub fn model_files(
    home: Option<PathBuf>,
    config: Option<PathBuf>,
) -> Result<Option<Arc<dyn ModelFiles>>, DaemonError> {
    let setting = Setting::load(home, config, std::collections::BTreeMap::new())
        .map_err(DaemonError::Configure)?;
    let engine = engine(&setting.paths, &setting.snapshot.config);
    Ok(engine.parts(&setting.paths).map(|parts| parts.files))
}
