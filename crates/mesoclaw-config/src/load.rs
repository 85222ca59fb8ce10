//! Puts the configuration together: file, then environment, then flags.
//!
//! Every value remembers where it comes from. Nothing here reads the process environment except
//! [`process_environment`], and nothing watches the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml_edit::{Document, Item, Table};

use crate::config::Config;
use crate::contract_keys::is_unused_contract_key;
use crate::error::{ConfigError, SyntaxError};
use crate::field::{ENVIRONMENT_PREFIX, Field, field, fields};
use crate::nearest::{nearest_names, no_such_key};
use crate::parse::{from_toml, parse_for};
use crate::snapshot::{ConfigSnapshot, ConfigWarning, Origin};
use crate::validate::{check_together, warn_together};

/// Variables with our prefix that are no settings: they are read elsewhere.
const OTHER_VARIABLES: &[&str] = &["MESOCLAW_HOME"];

/// Everything a configuration is put together from. Keep it to load again or to patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    config_file: PathBuf,
    environment: BTreeMap<String, String>,
    flags: BTreeMap<String, String>,
}

impl Sources {
    /// The sources with this config file, which need not exist.
    ///
    /// `environment` are variables with their values; the ones without our prefix are not kept, and
    /// an empty value counts as not set. `flags` are names of settings with their values as text.
    pub fn new(
        config_file: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self {
            config_file: config_file.into(),
            environment: environment
                .into_iter()
                .filter(|(name, value)| name.starts_with(ENVIRONMENT_PREFIX) && !value.is_empty())
                .collect(),
            flags: flags.into_iter().collect(),
        }
    }

    /// The config file that is read and patched.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }
}

/// Reads the configuration: flags win over the environment, which wins over the file.
///
/// A file that does not exist means defaults. Unknown names in the file are warnings; in the
/// environment only those that look like a mistyped setting.
///
/// # Errors
/// The file cannot be read or is not TOML, a value of any source has the wrong type or is out of
/// range, a flag names no setting, or settings contradict each other.
pub fn load(sources: &Sources) -> Result<ConfigSnapshot, ConfigError> {
    assemble(sources, &read_file(&sources.config_file)?)
}

/// The variables of this process that may be settings.
///
/// # Errors
/// A variable with our prefix is not UTF-8.
pub fn process_environment() -> Result<Vec<(String, String)>, ConfigError> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(ConfigError::EnvironmentNotUtf8 { name }),
        })
        .collect()
}

/// The text of the config file; empty when there is none.
pub(crate) fn read_file(path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ConfigError::ReadFile {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The error for a text that is not TOML.
pub(crate) fn syntax_error(path: &Path, text: &str, error: &toml_edit::TomlError) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ConfigError::ParseFile {
        path: path.to_owned(),
        line: line_at(text, offset),
        column: before.chars().count() - before[..line_start].chars().count() + 1,
        source: SyntaxError {
            message: error.message().replace('\n', ", "),
        },
    }
}

/// Puts the configuration together with `text` in place of what the file holds.
pub(crate) fn assemble(sources: &Sources, text: &str) -> Result<ConfigSnapshot, ConfigError> {
    let mut layers = Layers::default();
    layers.add_file(&sources.config_file, text)?;
    layers.add_environment(&sources.environment)?;
    layers.add_flags(&sources.flags)?;
    layers.finish()
}

#[derive(Default)]
struct Layers {
    values: Map<String, Value>,
    origins: BTreeMap<&'static str, Origin>,
    warnings: Vec<ConfigWarning>,
}

impl Layers {
    fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let document = Document::parse(text).map_err(|error| syntax_error(path, text, &error))?;
        let table = document.as_table();
        for (name, item) in table {
            let origin = Origin::File {
                path: path.to_owned(),
                line: line_of_key(table, name, text),
            };
            let Some(field) = field(name) else {
                self.warn_of_unknown(name, origin);
                continue;
            };
            if name != field.key && table.contains_key(field.key) {
                self.warn_of_doubled(name, field.key, origin);
                continue;
            }
            let value = item
                .as_value()
                .and_then(from_toml)
                .ok_or_else(|| field.invalid(&shown(item), Some(&origin)))?;
            let value = field.check(value, Some(&origin))?;
            self.set(field, value, origin);
        }
        Ok(())
    }

    fn add_environment(
        &mut self,
        environment: &BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        for (name, text) in environment {
            let origin = Origin::Environment { name: name.clone() };
            let key = name
                .strip_prefix(ENVIRONMENT_PREFIX)
                .filter(|rest| !rest.contains(|c: char| c.is_ascii_lowercase()))
                .unwrap_or_default()
                .to_ascii_lowercase();
            let Some(field) = field(&key) else {
                let is_near = is_unused_contract_key(&key) || !nearest_names(&key).is_empty();
                if is_near && !OTHER_VARIABLES.contains(&name.as_str()) {
                    self.warn_of_unknown(&key, origin);
                }
                continue;
            };
            if key != field.key && environment.contains_key(&field.environment) {
                self.warn_of_doubled(&key, field.key, origin);
                continue;
            }
            let value = parse_for(field, text, Some(&origin))?;
            self.set(field, value, origin);
        }
        Ok(())
    }

    fn add_flags(&mut self, flags: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for (name, text) in flags {
            let field = field(name).ok_or_else(|| no_such_key(name))?;
            if name != field.key && flags.contains_key(field.key) {
                return Err(ConfigError::DoubledKey {
                    alias: name.clone(),
                    key: field.key,
                });
            }
            let value = parse_for(field, text, Some(&Origin::Flag))?;
            self.set(field, value, Origin::Flag);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ConfigSnapshot, ConfigError> {
        let config: Config = serde_json::from_value(Value::Object(self.values))
            .map_err(|source| ConfigError::Assemble { source })?;
        for field in fields() {
            self.origins.entry(field.key).or_insert(Origin::Default);
        }
        // The variable that holds a key may be called anything, also something like a setting.
        let key_variable = config.provider_api_key_env.as_deref();
        self.warnings.retain(|warning| {
            let ConfigWarning::UnknownKey { origin, .. } = warning else {
                return true;
            };
            !matches!(origin, Origin::Environment { name } if Some(name.as_str()) == key_variable)
        });
        let mut snapshot = ConfigSnapshot {
            config,
            origins: self.origins,
            warnings: self.warnings,
        };
        check_together(&snapshot)?;
        let together = warn_together(&snapshot);
        snapshot.warnings.extend(together);
        Ok(snapshot)
    }

    fn set(&mut self, field: &Field, value: Value, origin: Origin) {
        self.values.insert(field.key.to_owned(), value);
        self.origins.insert(field.key, origin);
    }

    fn warn_of_unknown(&mut self, key: &str, origin: Origin) {
        let key = key.to_owned();
        self.warnings.push(if is_unused_contract_key(&key) {
            ConfigWarning::UnusedKey { key, origin }
        } else {
            let nearest = nearest_names(&key);
            ConfigWarning::UnknownKey {
                key,
                origin,
                nearest,
            }
        });
    }

    fn warn_of_doubled(&mut self, alias: &str, key: &'static str, origin: Origin) {
        self.warnings.push(ConfigWarning::DoubledKey {
            alias: alias.to_owned(),
            key,
            origin,
        });
    }
}

fn shown(item: &Item) -> String {
    match item {
        Item::None => String::new(),
        Item::Value(value) => value.to_string().trim().to_owned(),
        Item::Table(_) | Item::ArrayOfTables(_) => "a table".to_owned(),
    }
}

fn line_of_key(table: &Table, name: &str, text: &str) -> usize {
    let start = table
        .key(name)
        .and_then(toml_edit::Key::span)
        .map_or(0, |span| span.start);
    line_at(text, start)
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests;
