//! Which adapters this build has: the only file with `cfg(feature)`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_config::{Config, Paths};
use mesoclaw_core::LocalParts;

use crate::error::DaemonError;
use crate::run::Setting;

/// The embedded engine of this build, if it has one.
#[derive(Default)]
pub(crate) struct Engine {
    parts: Option<LocalParts>,
    stop: Option<Box<dyn FnOnce() + Send>>,
}

/// Prepares the engine; nothing is loaded and no thread started before its first use.
#[cfg(feature = "local")]
pub(crate) fn engine(paths: &Paths, config: &Config) -> Engine {
    let options = local_options(&paths.models_dir, config);
    let local = Arc::new(mesoclaw_local::LocalEngine::new(options));
    let (to_apply, to_stop) = (Arc::clone(&local), Arc::clone(&local));
    let models_dir = paths.models_dir.clone();
    Engine {
        parts: Some(LocalParts {
            client: Arc::clone(&local) as _,
            files: local,
            apply: Arc::new(move |config| {
                to_apply.set_options(local_options(&models_dir, config));
            }),
        }),
        stop: Some(Box::new(move || to_stop.shutdown())),
    }
}

/// This build has no engine.
#[cfg(not(feature = "local"))]
pub(crate) fn engine(_paths: &Paths, _config: &Config) -> Engine {
    Engine::default()
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
    pub fn parts(&self) -> Option<LocalParts> {
        self.parts.clone()
    }

    /// Ends the engine: a running answer stops at its next token.
    pub async fn shutdown(self) {
        if let Some(stop) = self.stop
            && tokio::task::spawn_blocking(stop).await.is_err()
        {
            tracing::error!("the engine panicked while it ended");
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
    let setting = Setting::load(home, config, BTreeMap::new()).map_err(DaemonError::Configure)?;
    let engine = engine(&setting.paths, &setting.snapshot.config);
    Ok(engine.parts().map(|parts| parts.files))
}
