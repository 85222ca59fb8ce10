//! The configuration as it was put together: values, where each comes from, and what was odd.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::contract_keys::why_unused;
use crate::error::ConfigError;
use crate::field::{fields, resolve_key};
use crate::nearest::did_you_mean;

/// Where a value comes from; a later one wins over an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The config file.
    File {
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// An environment variable of the daemon.
    Environment {
        /// The variable.
        name: String,
    },
    /// An option on the command line of the daemon.
    Flag,
}

/// One consistent state of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSnapshot {
    /// The values.
    pub config: Config,
    /// The origin of every setting; each name of [`Config::field_names`] is there.
    pub origins: BTreeMap<&'static str, Origin>,
    /// What was ignored and should be looked at.
    pub warnings: Vec<ConfigWarning>,
}

/// One setting with its value and origin, for `config show --origin`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// The name of the setting.
    pub key: &'static str,
    /// Its value; `null` means unset.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Something in a file or the environment that has no effect, or another one than it may seem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigWarning {
    /// No setting has this name.
    UnknownKey {
        /// The name that was given.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The names that come near, the nearest first; may be empty.
        nearest: Vec<&'static str>,
    },
    /// The setting is part of the contract, but nothing reads it.
    UnusedKey {
        /// The name that was given.
        key: String,
        /// Where it stands.
        origin: Origin,
    },
    /// A setting stands there under both of its names; the value of `alias` is ignored.
    DoubledKey {
        /// The other name.
        alias: String,
        /// The name of the setting.
        key: &'static str,
        /// Where the alias stands.
        origin: Origin,
    },
    /// A setting has no effect as long as another one is unset.
    WithoutCompanion {
        /// The setting that is there.
        key: &'static str,
        /// Where it stands.
        origin: Origin,
        /// The setting it belongs to.
        companion: &'static str,
    },
    /// A value is a word of an earlier system.
    OldWord {
        /// The setting.
        key: &'static str,
        /// The word, which counts.
        word: &'static str,
        /// What it is called now.
        meaning: &'static str,
        /// Where it stands.
        origin: Origin,
    },
}

impl ConfigSnapshot {
    /// The origin of a setting, given its name or another name of it.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(resolve_key(key)?)
    }

    /// Every setting with its value and origin, in the order of the documentation.
    pub fn describe_all(&self) -> Vec<Described> {
        let mut values = self.values();
        fields()
            .iter()
            .map(|field| Described {
                key: field.key,
                value: values.remove(field.key).unwrap_or(Value::Null),
                origin: self.origin(field.key).cloned().unwrap_or(Origin::Default),
            })
            .collect()
    }

    /// One setting with its value and origin, given its name or another name of it.
    ///
    /// # Errors
    /// No setting has this name, or it is not used by this version.
    pub fn describe(&self, key: &str) -> Result<Described, ConfigError> {
        let key = resolve_key(key).ok_or_else(|| crate::nearest::no_such_key(key))?;
        Ok(Described {
            key,
            value: self.values().remove(key).unwrap_or(Value::Null),
            origin: self.origin(key).cloned().unwrap_or(Origin::Default),
        })
    }

    /// The settings whose value differs from `other`, in the order of the documentation.
    pub fn changed_keys(&self, other: &Self) -> Vec<&'static str> {
        let (mine, theirs) = (self.values(), other.values());
        Config::field_names()
            .filter(|key| mine.get(*key) != theirs.get(*key))
            .collect()
    }

    fn values(&self) -> Map<String, Value> {
        match serde_json::to_value(&self.config) {
            Ok(Value::Object(values)) => values,
            // Only a path that is not UTF-8 cannot be written as JSON, and paths come from text.
            Ok(_) | Err(_) => Map::new(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey {
                key,
                origin,
                nearest,
            } => write!(
                f,
                "{origin}: there is no setting {key}{}",
                did_you_mean(nearest)
            ),
            Self::UnusedKey { key, origin } => {
                let why = why_unused(key);
                write!(f, "{origin}: {key} is not used by this version{why}")
            }
            Self::DoubledKey { alias, key, origin } => write!(
                f,
                "{origin}: {alias} is another name of {key}, which is set too; {alias} is ignored"
            ),
            Self::WithoutCompanion {
                key,
                origin,
                companion,
            } => write!(
                f,
                "{origin}: {key} has no effect while {companion} is unset"
            ),
            Self::OldWord {
                key,
                word,
                meaning,
                origin,
            } => write!(f, "{origin}: {key} is {word}, which means {meaning}"),
        }
    }
}
