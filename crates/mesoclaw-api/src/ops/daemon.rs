//! The daemon itself: handshake, health, status, shutdown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Surface;
use crate::ids::BootId;
use crate::macros::operations;
use crate::ops::events::{SubscribeParams, Subscribed};
use crate::ops::{Done, NoParams};
use crate::time::Timestamp;

/// The first request on a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloParams {
    /// Protocol the client speaks, see [`crate::rpc::PROTOCOL`].
    pub protocol: u32,
    /// Name of the client program.
    pub client: String,
    /// Version of the client program.
    pub version: String,
    /// What kind of surface the client is.
    pub surface: Surface,
    /// Subscribe to events in the same round trip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<SubscribeParams>,
}

/// The daemon introduces itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// Protocol of this connection.
    pub protocol: u32,
    /// Version of the daemon.
    pub version: String,
    /// Process id of the daemon.
    pub pid: u32,
    /// This life of the daemon.
    pub boot_id: BootId,
    /// The answer to `subscribe`, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed: Option<Subscribed>,
}

/// `{"status": "ok"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Always `ok`; a daemon that is not well does not answer.
    pub status: String,
}

/// What runs, and since when.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DaemonStatus {
    /// Process id.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// This life of the daemon.
    pub boot_id: BootId,
    /// When it started.
    pub started_at: Timestamp,
    /// Seconds since then.
    pub uptime_secs: u64,
    /// Where it listens.
    pub socket: String,
    /// Where its data is.
    pub data_dir: String,
    /// Resident memory in bytes, where the system tells.
    pub rss_bytes: Option<u64>,
    /// Sessions in the database.
    pub sessions: u64,
    /// Turns that run now.
    pub running_turns: u32,
    /// Connected clients.
    pub clients: u32,
    /// The embedded model in memory; `None` when none is loaded.
    pub model_loaded: Option<String>,
    /// `provider:model` used when a message names none; `None` when nothing is set up.
    pub default_model: Option<String>,
    /// Whether the daemon before this one ended in order; `None` when there was none.
    pub was_last_stop_clean: Option<bool>,
}

/// Why and how to stop.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownParams {
    /// For the log and for other clients.
    pub reason: Option<String>,
}

operations! { DaemonApi;
    /// Introduce a client; the first request on every connection.
    DaemonHello = hello: "daemon.hello", Post "/hello", Public, Json, Free, Merge,
        HelloParams => Hello;
    /// Tell that the daemon answers.
    DaemonHealth = health: "daemon.health", Get "/health", Public, Json, Free, Merge,
        NoParams => Health;
    /// Tell what runs.
    DaemonGetStatus = status: "daemon.status", Get "/status", Read, Json, Free, Merge,
        NoParams => DaemonStatus;
    /// Stop the daemon: running turns are ended and stored first, within 5 s.
    DaemonShutdown = shutdown: "daemon.shutdown", Post "/shutdown", Owner, Accepted, Free, Merge,
        ShutdownParams => Done;
}
