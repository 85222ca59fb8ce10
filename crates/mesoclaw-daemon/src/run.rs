//! One daemon from start to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_api::{Secret, Timestamp};
use mesoclaw_config::{ConfigSnapshot, Locations, Paths, Sources};
use mesoclaw_core::{
    BootOptions, Core, DaemonFacts, GroundOptions, KeyStore, KeyStoreOptions, Redactor,
};
use mesoclaw_ipc::endpoint::Endpoint;
use mesoclaw_ipc::lock::{DaemonLock, LockInfo};
use mesoclaw_ipc::server::{ServerOptions, serve};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::DaemonError;
use crate::hands;
use crate::logging::Log;
use crate::platform::{StopSignals, detach, keep_out_of_dumps};
use crate::wire;

/// Time for running turns to be stored and connections to end: with what follows, a stop takes at
/// most five seconds.
const DRAIN: Duration = Duration::from_secs(4);
/// Threads of the runtime. The store, the engine and blocking work have threads of their own.
const WORKERS: usize = 2;

/// How to run a daemon.
#[derive(Clone, Default, Debug)]
pub struct RunOptions {
    /// Puts configuration, data and runtime files under one directory (`MESOCLAW_HOME`).
    pub home: Option<PathBuf>,
    /// Another configuration file.
    pub config: Option<PathBuf>,
    /// Configuration that wins over file and environment, as text by key.
    pub overrides: BTreeMap<String, String>,
    /// Started in the background by a client: leave the terminal, log to the file only.
    pub detached: bool,
}

/// Configuration and places, as a daemon and the doctor see them.
pub(crate) struct Setting {
    pub sources: Sources,
    pub snapshot: ConfigSnapshot,
    pub paths: Paths,
}

impl Setting {
    /// Reads configuration and resolves all paths.
    pub fn load(
        home: Option<PathBuf>,
        config: Option<PathBuf>,
        overrides: BTreeMap<String, String>,
    ) -> Result<Self, mesoclaw_config::ConfigError> {
        let locations = Locations::of_process(home, config)?;
        let sources = Sources::new(
            locations.config_file.clone(),
            mesoclaw_config::process_environment()?,
            overrides,
        );
        let snapshot = mesoclaw_config::load(&sources)?;
        let paths = Paths::resolve(&locations, &snapshot.config)?;
        Ok(Self {
            sources,
            snapshot,
            paths,
        })
    }
}

/// Runs a daemon until it is told to stop.
///
/// # Errors
/// It could not start (another one runs, a path is not usable), or did not end in order.
pub fn run(options: RunOptions) -> Result<(), DaemonError> {
    if options.detached {
        detach();
    }
    keep_out_of_dumps();
    let setting = Setting::load(options.home, options.config, options.overrides)
        .map_err(DaemonError::Configure)?;
    setting
        .paths
        .create_directories()
        .map_err(DaemonError::Configure)?;
    let info = LockInfo {
        pid: std::process::id(),
        started_at: Timestamp::now(),
        socket: setting.paths.socket_endpoint.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    // First of all: a second daemon must not touch the database or the socket.
    let _lock = DaemonLock::acquire(&setting.paths.lock_file, &info).map_err(DaemonError::Lock)?;
    let log = Log::start(
        &setting.paths.log_dir,
        &setting.snapshot.config,
        !options.detached,
    )?;
    for warning in &setting.snapshot.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("worker")
        .enable_all()
        .build()
        .map_err(DaemonError::System)?;
    let result = runtime.block_on(live(setting, info, &log));
    // A blocking task that hangs (a slow disk) must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

async fn live(setting: Setting, info: LockInfo, log: &Log) -> Result<(), DaemonError> {
    let mut signals = StopSignals::listen().map_err(DaemonError::System)?;
    let shutdown = CancellationToken::new();
    let tracker = TaskTracker::new();
    let server = ServerOptions::default();
    let endpoint = Endpoint::new(setting.paths.socket_endpoint.clone());
    let engine = wire::engine(&setting.paths, &setting.snapshot.config);
    let scratch = hands::scratch(&setting.paths).map_err(DaemonError::System)?;
    let ground = hands::ground(&setting.paths, &scratch);
    let mut options = boot_options(setting, &info, log, &engine, ground, &server);
    options.tracker = tracker.clone();
    options.shutdown = shutdown.clone();
    let core = mesoclaw_core::boot::boot(options)
        .await
        .map_err(DaemonError::OpenStore)?;
    let listener = endpoint.bind().map_err(DaemonError::Bind)?;
    tracing::info!(pid = info.pid, version = info.version, socket = %info.socket.display(), "ready");
    #[cfg(target_os = "linux")]
    crate::linux::release_start_code();
    let accepting = CancellationToken::new();
    tracker.spawn(serve(
        listener,
        Arc::new(core.clone()),
        server,
        accepting.clone(),
        tracker.clone(),
    ));
    core.start_waiting();
    let reason = tokio::select! {
        signal = signals.next() => signal,
        () = shutdown.cancelled() => "asked to stop",
    };
    tracing::info!(reason, "stopping");
    shutdown.cancel();
    let result = tokio::select! {
        result = drain(core, reason, &accepting, &tracker, engine) => result,
        // Whoever asks a second time does not want to wait.
        again = signals.next() => {
            tracing::warn!(again, "stopping at once");
            Ok(())
        }
    };
    tracing::info!("stopped");
    result
}

fn boot_options(
    setting: Setting,
    info: &LockInfo,
    log: &Log,
    engine: &wire::Engine,
    ground: GroundOptions,
    server: &ServerOptions,
) -> BootOptions {
    let set_level = log.level_setter();
    let stats = Arc::clone(&server.stats);
    BootOptions {
        db_path: setting.paths.db_path.clone(),
        local: engine.parts(),
        tools: Box::new(hands::tools),
        ground,
        checkpoint_dir: setting.paths.data_dir.join("checkpoints"),
        environment: Box::new(|name| std::env::var(name).ok().map(Secret::new)),
        key_store: key_store(&setting, log.redactor.clone()),
        redactor: log.redactor.clone(),
        on_config: Box::new(move |config| set_level(config.log_level)),
        facts: DaemonFacts {
            pid: info.pid,
            version: env!("CARGO_PKG_VERSION"),
            started_at: info.started_at.clone(),
            socket: info.socket.display().to_string(),
            data_dir: setting.paths.data_dir.display().to_string(),
            clients: Box::new(move || stats.clients()),
        },
        sources: setting.sources,
        snapshot: setting.snapshot,
        tracker: TaskTracker::new(),
        shutdown: CancellationToken::new(),
    }
}

/// The key store of an installation; nothing is touched before its first use.
pub(crate) fn key_store(setting: &Setting, redactor: Redactor) -> KeyStore {
    let mut options = KeyStoreOptions::new(setting.paths.data_dir.join("keys"));
    options
        .service_id
        .clone_from(&setting.snapshot.config.keyring_service_id);
    options.redactor = redactor;
    KeyStore::open(options)
}

/// Ends turns, connections, the engine and the database, in this order and within [`DRAIN`].
async fn drain(
    core: Core,
    reason: &str,
    accepting: &CancellationToken,
    tracker: &TaskTracker,
    engine: wire::Engine,
) -> Result<(), DaemonError> {
    let ended = tokio::time::timeout(DRAIN, async {
        let closed = core.close(reason).await;
        accepting.cancel();
        tracker.close();
        tokio::join!(tracker.wait(), engine.shutdown());
        closed
    })
    .await;
    let Ok(closed) = ended else {
        let seconds = DRAIN.as_secs();
        tracing::warn!(seconds, "some work did not end in time and is cut off");
        return Ok(());
    };
    closed.map_err(DaemonError::Close)
}

#[cfg(test)]
mod tests;
