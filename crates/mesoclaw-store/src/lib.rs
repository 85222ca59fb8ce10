//! SQLite store of mesoclaw: one writer thread, reader threads, migrations, repositories.
//!
//! Reading order: `store.rs` (the handle), `writer.rs` (group commit), `readers.rs`, `open.rs`
//! (what may be opened and how), `migrate.rs`, then `repo/`: plain functions over a
//! [`Connection`]. It knows nothing of turns in motion, events or surfaces.

mod conn;
mod error;
mod file;
mod inspect;
mod migrate;
mod open;
mod readers;
mod store;
mod writer;

pub mod repo;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

/// What the closures of [`Store::read`] and [`Store::write`] get, for helper functions that take
/// it along.
pub use rusqlite::Connection;

pub use error::{StoreError, StoreResult};
pub use inspect::{Inspection, inspect};
pub use migrate::SCHEMA_VERSION;
pub use open::OpenReport;
pub use store::{Store, StoreOptions, StoreStats};
