//! What can go wrong with the configuration.

use std::path::PathBuf;

use crate::snapshot::Origin;

/// An action on the configuration that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The config file exists but could not be read.
    #[error("could not read the config file {}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// The config file is not TOML.
    #[error("the config file {} is not valid TOML at line {line}, column {column}", path.display())]
    ParseFile {
        /// The file.
        path: PathBuf,
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake in characters, from 1.
        column: usize,
        /// What the parser says.
        source: SyntaxError,
    },

    /// A value has the wrong type or is out of range.
    #[error("{key} cannot be {value}{}: expected {expected}", place(origin.as_ref()))]
    InvalidValue {
        /// The setting.
        key: &'static str,
        /// The value as it was written, shortened when it is long.
        value: String,
        /// The type and the range that are allowed.
        expected: String,
        /// Where the value stands; `None` when it was handed over by a caller.
        origin: Option<Origin>,
    },

    /// No setting has this name.
    #[error("there is no setting {key}{}", crate::nearest::did_you_mean(nearest))]
    UnknownKey {
        /// The name that was given.
        key: String,
        /// The names that come near, the nearest first; may be empty.
        nearest: Vec<&'static str>,
    },

    /// The setting exists in the contract of the program, but nothing reads it.
    #[error(
        "the setting {key} is not used by this version{}",
        crate::contract_keys::why_unused(key)
    )]
    UnusedKey {
        /// The name that was given.
        key: String,
    },

    /// The same setting was given under two names.
    #[error("{alias} is another name of {key}, and both were given")]
    DoubledKey {
        /// The other name.
        alias: String,
        /// The name of the setting.
        key: &'static str,
    },

    /// A setting means nothing without another one.
    #[error("{key} is set{} but {required} is not", place(Some(origin)))]
    MissingCompanion {
        /// The setting that is there.
        key: &'static str,
        /// Where it comes from.
        origin: Origin,
        /// The setting that has to be there too.
        required: &'static str,
    },

    /// A number is above the one that limits it.
    #[error(
        "{key} is {value}{}, but it may be at most {limit}, which is {limit_value}",
        place(Some(origin))
    )]
    Above {
        /// The setting that is too large.
        key: &'static str,
        /// Its value.
        value: u64,
        /// Where it comes from.
        origin: Origin,
        /// The setting that limits it.
        limit: &'static str,
        /// The value of that.
        limit_value: u64,
    },

    /// A patch has to be a JSON object.
    #[error("a patch of the configuration must be an object of settings, not {found}")]
    PatchNotObject {
        /// The JSON type that was given.
        found: &'static str,
    },

    /// An environment variable holds bytes that are not UTF-8.
    #[error("the environment variable {name} is not valid UTF-8")]
    EnvironmentNotUtf8 {
        /// The variable.
        name: String,
    },

    /// The checked values do not fit the struct, which is a fault of this crate.
    #[error("could not assemble the configuration")]
    Assemble {
        /// What does not fit.
        source: serde_json::Error,
    },

    /// A directory could not be created.
    #[error("could not create the directory {}", path.display())]
    CreateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// The config file could not be written; the old one is unchanged.
    #[error("could not write the config file {}", path.display())]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// The system does not say where the home directory is, and `MESOCLAW_HOME` is not set.
    #[error("the home directory of this user is not known and MESOCLAW_HOME is not set")]
    NoHomeDirectory,

    /// The current directory is needed for a relative path and cannot be found out.
    #[error("could not find out the current directory")]
    CurrentDirectory {
        /// Why.
        source: std::io::Error,
    },

    /// A path starts with `~` in a way that cannot be resolved.
    #[error("{key} is {}, and that home directory is not known", path.display())]
    ExpandHome {
        /// The setting.
        key: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

/// What the TOML parser says, on one line.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The parser's message without its drawing of the line.
    pub message: String,
}

fn place(origin: Option<&Origin>) -> String {
    origin.map_or_else(String::new, |origin| format!(" ({origin})"))
}
