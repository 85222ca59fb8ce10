//! The core: implements every operation of the table, owns sessions, events, approvals and models.
//!
//! Reading order: `core.rs` (how a call gets in), `session/mod.rs` (how a turn runs), `bus.rs`
//! (how news get out), `boot.rs`. It knows no socket, no terminal and no HTTP.

mod approvals;
mod budget;
mod bus;
mod circuit;
mod config_service;
mod core;
mod error;
mod images;
mod keys;
mod lanes;
mod models;
mod ops;
mod pulls;
mod session;
mod tools;

pub mod boot;

pub use boot::{BootOptions, LocalParts, ServiceKey, ToolBuilder, ToolHands};
pub use config_service::ConfigListener;
pub use core::{Core, DaemonFacts};
pub use keys::{KeyLookup, key_variables};
pub use mesoclaw_keys::{KeyStore, KeyStoreOptions, Redactor};
pub use mesoclaw_providers::is_loopback;
pub use mesoclaw_store::{Inspection, StoreError, inspect as inspect_database};
pub use tools::ground::GroundOptions;
