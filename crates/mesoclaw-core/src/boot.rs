//! Builds the parts of the core in order and cleans up after a daemon that was killed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mesoclaw_agent::model::ModelClient;
use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_agent::tool::ToolRegistry;
use mesoclaw_api::{
    BootId, BoxFuture, Item, ItemBody, ItemId, Secret, SessionId, Timestamp, TurnOutcome, Usage,
};
use mesoclaw_config::{Config, ConfigSnapshot, Sources};
use mesoclaw_keys::{KeyStore, Redactor};
use mesoclaw_store::repo::{approval, audit, item, queue, setting, turn};
use mesoclaw_store::{Store, StoreError, StoreOptions};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::approvals::Approvals;
use crate::budget::Budget;
use crate::bus::Bus;
use crate::config_service::{ConfigListener, ConfigService};
use crate::core::{Core, DaemonFacts, Inner};
use crate::keys::{KeyLookup, KeyParts, Keys};
use crate::lanes::Lanes;
use crate::models::Models;
use crate::pulls::Pulls;
use crate::session::{CallParts, Registry, SessionParts};
use crate::tools::Toolbox;
use crate::tools::audit::withdrawn;
use crate::tools::checkpoints::CheckpointFiles;
use crate::tools::direct_runs::DirectRuns;
use crate::tools::ground::{Ground, GroundOptions};
use crate::tools::rate::Rate;

/// Reader threads of the database.
const READERS: usize = 2;
/// Key of the setting that says how the last daemon ended.
pub(crate) const LAST_STOP: &str = "daemon.last_stop";

/// The embedded engine, as the core sees it.
#[derive(Clone)]
pub struct LocalParts {
    /// Answers prompts.
    pub client: Arc<dyn ModelClient>,
    /// Keeps model files.
    pub files: Arc<dyn ModelFiles>,
    /// Takes over changed configuration.
    pub apply: Arc<dyn Fn(&Config) + Send + Sync>,
}

/// What tools are given by the core.
pub struct ToolHands {
    /// The configuration in force, at every moment.
    pub config: Arc<dyn Fn() -> Arc<ConfigSnapshot> + Send + Sync>,
    /// The key of a service: its name (`tavily`) and the variable that may hold it.
    pub key: ServiceKey,
}

/// See [`ToolHands::key`].
pub type ServiceKey = Arc<
    dyn Fn(&'static str, &'static str) -> BoxFuture<'static, Option<Secret<String>>> + Send + Sync,
>;

/// Builds the tools once the core can give them what they need.
pub type ToolBuilder = Box<dyn FnOnce(ToolHands) -> ToolRegistry + Send>;

/// Everything the core is built from.
pub struct BootOptions {
    /// Where configuration comes from.
    pub sources: Sources,
    /// What was loaded from there.
    pub snapshot: ConfigSnapshot,
    /// Where the database is, or will be.
    pub db_path: PathBuf,
    /// The embedded engine; `None` in builds without it.
    pub local: Option<LocalParts>,
    /// Builds what the agent can do.
    pub tools: ToolBuilder,
    /// What the daemon knows of this machine, as far as tools care.
    pub ground: GroundOptions,
    /// Where contents of files are kept before they change.
    pub checkpoint_dir: PathBuf,
    /// Looks up keys in the daemon's own environment.
    pub environment: KeyLookup,
    /// Where secrets are kept.
    pub key_store: KeyStore,
    /// Knows every secret that was seen.
    pub redactor: Redactor,
    /// Called with every changed configuration.
    pub on_config: ConfigListener,
    /// What `daemon.status` tells about the process.
    pub facts: DaemonFacts,
    /// Owns every task of the core.
    pub tracker: TaskTracker,
    /// Cancelled to stop the daemon; `daemon.shutdown` cancels it too.
    pub shutdown: CancellationToken,
}

/// Builds the core. Turns that a killed daemon left running are marked interrupted first.
///
/// # Errors
/// The database failed.
pub async fn boot(options: BootOptions) -> Result<Core, StoreError> {
    let boot_id = BootId::random();
    let (store, recovery) = open(options.db_path).await?;
    let bus = Bus::new(boot_id.clone());
    let listener = config_listener(options.local.clone(), options.on_config);
    let config = ConfigService::new(
        options.sources,
        options.snapshot,
        Arc::clone(&bus),
        listener,
    );
    let config = Arc::new(config);
    let keys = Arc::new(Keys::new(KeyParts {
        store: options.key_store,
        redactor: options.redactor,
        environment: options.environment,
        database: store.clone(),
        bus: Arc::clone(&bus),
    }));
    let calls = call_parts(&config, &store, &bus, &keys, options.local);
    let approvals = Approvals::new(store.clone(), Arc::clone(&bus), Arc::clone(&keys));
    let approvals = Arc::new(approvals);
    let files = CheckpointFiles::new(store.clone(), options.checkpoint_dir, Arc::clone(&config));
    let files = Arc::new(files);
    sweep(&files, &options.tracker);
    let registry = (options.tools)(hands(&config, &keys));
    let toolbox = toolbox(registry, options.ground, files, &calls, &config, &store);
    let sessions = Registry::new(SessionParts {
        approvals: Arc::clone(&approvals),
        store: store.clone(),
        bus: Arc::clone(&bus),
        models: Arc::clone(&calls.models),
        config: Arc::clone(&config),
        calls: calls.clone(),
        toolbox: Arc::clone(&toolbox),
        tracker: options.tracker.clone(),
    });
    let (tracker, shutdown) = (options.tracker, options.shutdown);
    let pulls = Pulls::new(Arc::clone(&bus), tracker.clone(), shutdown.clone());
    Ok(Core::new(Inner {
        boot_id,
        approvals,
        toolbox,
        store,
        bus,
        config,
        models: calls.models,
        keys,
        budget: calls.budget,
        circuits: calls.circuits,
        sessions,
        pulls,
        lanes: Lanes::default(),
        facts: options.facts,
        was_last_stop_clean: recovery.was_last_stop_clean,
        waiting: Mutex::new(recovery.waiting),
        tracker,
        shutdown,
    }))
}

fn call_parts(
    config: &Arc<ConfigService>,
    store: &Store,
    bus: &Arc<Bus>,
    keys: &Arc<Keys>,
    local: Option<LocalParts>,
) -> CallParts {
    CallParts {
        models: Arc::new(Models::new(
            Arc::clone(config),
            store.clone(),
            local,
            Arc::clone(keys),
        )),
        keys: Arc::clone(keys),
        budget: Arc::new(Budget::new(
            Arc::clone(config),
            store.clone(),
            Arc::clone(bus),
        )),
        circuits: Arc::default(),
    }
}

fn toolbox(
    registry: ToolRegistry,
    ground: GroundOptions,
    files: Arc<CheckpointFiles>,
    calls: &CallParts,
    config: &Arc<ConfigService>,
    store: &Store,
) -> Arc<Toolbox> {
    Arc::new(Toolbox {
        registry,
        config: Arc::clone(config),
        store: store.clone(),
        keys: Arc::clone(&calls.keys),
        ground: Arc::new(Ground::new(ground)),
        files,
        rate: Rate::default(),
        direct: DirectRuns::default(),
    })
}

fn hands(config: &Arc<ConfigService>, keys: &Arc<Keys>) -> ToolHands {
    let (config, keys) = (Arc::clone(config), Arc::clone(keys));
    ToolHands {
        config: Arc::new(move || config.current()),
        key: Arc::new(move |service, variable| {
            let keys = Arc::clone(&keys);
            Box::pin(async move { keys.of_service(service, variable).await })
        }),
    }
}

/// Removes what nobody refers to any more, beside the start and not before it.
fn sweep(files: &Arc<CheckpointFiles>, tracker: &TaskTracker) {
    let files = Arc::clone(files);
    tracker.spawn(async move { files.sweep().await });
}

fn log_migration(report: &mesoclaw_store::OpenReport) {
    if let Some(backup) = &report.backup {
        tracing::info!(backup = %backup.display(), "database migrated; the copy is what it was");
    }
}

/// Opens the database and cleans up after a daemon that was killed.
async fn open(path: PathBuf) -> Result<(Store, Recovery), StoreError> {
    let (store, report) = Store::open(StoreOptions {
        path,
        readers: READERS,
    })?;
    log_migration(&report);
    let recovery = store.write(recover).await?;
    Ok((store, recovery))
}

/// Gives changed configuration to everybody who keeps a part of it.
fn config_listener(local: Option<LocalParts>, on_config: ConfigListener) -> ConfigListener {
    Box::new(move |config| {
        if let Some(local) = &local {
            (local.apply)(config);
        }
        on_config(config);
    })
}

/// What a killed daemon left behind.
struct Recovery {
    was_last_stop_clean: Option<bool>,
    /// Sessions whose waiting messages may go on: those whose last turn was not cut off.
    waiting: Vec<SessionId>,
}

/// Marks turns of a killed daemon as interrupted.
fn recover(tx: &mesoclaw_store::Connection) -> Result<Recovery, StoreError> {
    let running = turn::running(tx)?;
    for row in &running {
        interrupt(tx, row)?;
        approval::clear_expiry(tx, &row.id)?;
    }
    // Whoever ran a tool by itself is gone with the last daemon.
    for taken_back in approval::withdraw_without_turn(tx, &Timestamp::now())? {
        audit::append(tx, withdrawn(&taken_back))?;
    }
    let was_last_stop_clean = setting::get(tx, LAST_STOP)?
        .and_then(|stop| stop.get("clean").and_then(serde_json::Value::as_bool));
    setting::set(tx, LAST_STOP, &json!({"clean": false}))?;
    let mut waiting = Vec::new();
    for session_id in queue::sessions_with_queue(tx)? {
        let last = turn::last(tx, &session_id)?.and_then(|turn| turn.outcome);
        if last != Some(TurnOutcome::Interrupted) {
            waiting.push(session_id);
        }
    }
    if !running.is_empty() {
        tracing::warn!(
            turns = running.len(),
            "turns were cut off and can be continued"
        );
    }
    Ok(Recovery {
        was_last_stop_clean,
        waiting,
    })
}

fn interrupt(tx: &mesoclaw_store::Connection, row: &turn::TurnRow) -> Result<(), StoreError> {
    let now = Timestamp::now();
    let next = next_number(&item::of_turn(tx, &row.id)?);
    let outcome = TurnOutcome::Interrupted;
    item::upsert(
        tx,
        &Item {
            id: ItemId::of_turn(&row.id, next),
            session_id: row.session_id.clone(),
            turn_id: Some(row.id.clone()),
            position: 0,
            created_at: now.clone(),
            body: ItemBody::Outcome {
                outcome: outcome.clone(),
                usage: Usage::default(),
            },
        },
    )?;
    turn::finish(tx, &row.id, &outcome, &Usage::default(), 0, &now)?;
    Ok(())
}

/// The number after the highest one of these items of a turn; entries that were never stored leave
/// gaps.
fn next_number(items: &[Item]) -> u32 {
    items
        .iter()
        .filter_map(|item| item.id.as_str().rsplit('.').next()?.parse::<u32>().ok())
        .max()
        .map_or(0, |number| number.saturating_add(1))
}
