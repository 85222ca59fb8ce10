//! Configuration of the running daemon: one snapshot, read again when the file changes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use mesoclaw_api::Event;
use mesoclaw_config::{Config, ConfigError, ConfigSnapshot, Patched, Sources};
use serde_json::Value;

use crate::bus::Bus;

/// Called with the new configuration after every change.
pub type ConfigListener = Box<dyn Fn(&Config) + Send + Sync>;

/// See the module documentation.
pub(crate) struct ConfigService {
    sources: Sources,
    snapshot: ArcSwap<ConfigSnapshot>,
    read_at: Mutex<FileState>,
    bus: Arc<Bus>,
    listener: ConfigListener,
}

/// What tells one version of the file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileState {
    modified: Option<SystemTime>,
    size_bytes: u64,
}

impl ConfigService {
    /// Takes over what was loaded at start.
    pub fn new(
        sources: Sources,
        snapshot: ConfigSnapshot,
        bus: Arc<Bus>,
        listener: ConfigListener,
    ) -> Self {
        let read_at = Mutex::new(FileState::of(&sources));
        Self {
            sources,
            snapshot: ArcSwap::from_pointee(snapshot),
            read_at,
            bus,
            listener,
        }
    }

    /// The configuration in force. A file somebody edited is read again first, so an edit holds
    /// from the next action on without anything watching the disk.
    pub fn current(&self) -> Arc<ConfigSnapshot> {
        self.reload_if_changed();
        self.snapshot.load_full()
    }

    /// Writes a merge patch and puts it in force.
    ///
    /// # Errors
    /// The patch is wrong or the file cannot be written; nothing has changed then.
    pub fn update(&self, patch: &Value) -> Result<Patched, ConfigError> {
        let patched = mesoclaw_config::patch(&self.sources, patch)?;
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = FileState::of(&self.sources);
        self.put(patched.snapshot.clone());
        Ok(patched)
    }

    fn reload_if_changed(&self) {
        let state = FileState::of(&self.sources);
        // Held to the end: an older reading must not be put over a newer one.
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if *read_at == state {
            return;
        }
        *read_at = state;
        match mesoclaw_config::load(&self.sources) {
            Ok(snapshot) => {
                for warning in &snapshot.warnings {
                    self.bus.publish(Event::Warning {
                        message: warning.to_string(),
                    });
                }
                self.put(snapshot);
            }
            Err(error) => {
                let message = format!(
                    "the changed configuration is not used: {}",
                    mesoclaw_api::error::chain(&error)
                );
                tracing::warn!(%message, "configuration");
                self.bus.publish(Event::Warning { message });
            }
        }
    }

    fn put(&self, snapshot: ConfigSnapshot) {
        let before = self.snapshot.load_full();
        let keys: Vec<String> = before
            .changed_keys(&snapshot)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let snapshot = Arc::new(snapshot);
        self.snapshot.store(Arc::clone(&snapshot));
        if keys.is_empty() {
            return;
        }
        (self.listener)(&snapshot.config);
        tracing::info!(?keys, "configuration changed");
        self.bus.publish(Event::ConfigChanged { keys });
    }
}

impl FileState {
    fn of(sources: &Sources) -> Self {
        let metadata = std::fs::metadata(sources.config_file()).ok();
        Self {
            modified: metadata.as_ref().and_then(|data| data.modified().ok()),
            size_bytes: metadata.map_or(0, |data| data.len()),
        }
    }
}
