//! The one typed configuration of mesoclaw: load, patch, validate, paths and its documents.
//!
//! It knows files, an environment handed to it and flags; it does not know what the values are
//! used for, and apart from [`process_environment`] and [`Locations::of_process`] it reads nothing
//! of the process.

mod config;
mod contract_keys;
mod defaults;
mod document;
mod error;
mod field;
mod limit;
mod load;
mod nearest;
mod parse;
mod patch;
mod paths;
mod snapshot;
mod validate;
mod write;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

pub use config::{Config, LogLevel};
pub use document::{configuration_markdown, json_schema};
pub use error::{ConfigError, SyntaxError};
pub use field::{Field, Kind, field, fields};
pub use limit::Limit;
pub use load::{Sources, load, process_environment};
pub use parse::parse_value;
pub use patch::{Patched, Shadowed, patch};
pub use paths::{Locations, Paths};
pub use snapshot::{ConfigSnapshot, ConfigWarning, Described, Origin};
