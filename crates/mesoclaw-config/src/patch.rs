//! Changes settings in the config file: a JSON merge patch that keeps comments and order.
//!
//! It does not change the environment or flags; a value they override is reported as shadowed.

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, Item, Table};

use crate::error::ConfigError;
use crate::field::{Field, field, fields};
use crate::load::{Sources, assemble, read_file, syntax_error};
use crate::nearest::no_such_key;
use crate::parse::from_toml;
use crate::snapshot::{ConfigSnapshot, Origin};
use crate::write::write_private;

/// What a patch led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The configuration after the patch.
    pub snapshot: ConfigSnapshot,
    /// Patched settings that something stronger than the file overrides.
    pub shadowed: Vec<Shadowed>,
    /// Whether the file had to be written; `false` when it already said all this.
    pub is_written: bool,
}

/// A setting that stands in the file and is overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The setting.
    pub key: &'static str,
    /// What overrides it.
    pub by: Origin,
}

/// Applies a merge patch to the config file: settings with new values, `null` for back to default.
///
/// The patched configuration is checked as a whole before anything is written. The file is written
/// to a temporary file beside it and renamed, readable for its owner alone; a missing directory is
/// created. `null` also removes a name from the file that is no setting.
///
/// # Errors
/// The patch is not an object, names no setting or the same one twice; a value or the configuration
/// as a whole is not allowed; the file cannot be read, parsed or written. The file is unchanged then.
pub fn patch(sources: &Sources, patch: &Value) -> Result<Patched, ConfigError> {
    let path = sources.config_file();
    let text = read_file(path)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error| syntax_error(path, &text, &error))?;
    // What a rendering alone changes, like the end of the last line, is not worth a write.
    let unchanged_text = document.to_string();
    let changes = changes(patch, document.as_table())?;
    for change in &changes {
        apply(&mut document, change);
    }
    let new_text = document.to_string();
    let snapshot = assemble(sources, &new_text)?;
    let is_written = new_text != unchanged_text;
    if is_written {
        write_private(path, &with_line_ends_of(&text, new_text))?;
    }
    Ok(Patched {
        shadowed: shadowed(&changes, &snapshot),
        snapshot,
        is_written,
    })
}

/// One entry of the patch. `field` is `None` for a name in the file that is no setting.
struct Change<'a> {
    name: &'a str,
    field: Option<&'static Field>,
    value: Option<Value>,
}

fn changes<'a>(patch: &'a Value, table: &Table) -> Result<Vec<Change<'a>>, ConfigError> {
    let Value::Object(entries) = patch else {
        return Err(ConfigError::PatchNotObject {
            found: type_name(patch),
        });
    };
    let mut changes = entries
        .iter()
        .map(|(name, value)| change(name, value, entries, table))
        .collect::<Result<Vec<_>, _>>()?;
    // The order of a JSON object depends on how `serde_json` was built; that of the settings does not.
    changes.sort_by_key(|change| {
        let key = change.field.map(|field| field.key);
        fields().iter().position(|field| Some(field.key) == key)
    });
    Ok(changes)
}

fn change<'a>(
    name: &'a str,
    value: &Value,
    entries: &Map<String, Value>,
    table: &Table,
) -> Result<Change<'a>, ConfigError> {
    let field = field(name);
    let value = match (field, value) {
        (Some(_), Value::Null) => None,
        (None, Value::Null) if table.contains_key(name) => None,
        (None, _) => return Err(no_such_key(name)),
        (Some(field), value) => Some(field.check(value.clone(), None)?),
    };
    if let Some(field) = field
        && field.key != name
        && entries.contains_key(field.key)
    {
        return Err(ConfigError::DoubledKey {
            alias: name.to_owned(),
            key: field.key,
        });
    }
    Ok(Change { name, field, value })
}

fn apply(document: &mut DocumentMut, change: &Change<'_>) {
    let Some(field) = change.field else {
        remove(document, change.name);
        return;
    };
    let Some(value) = &change.value else {
        remove(document, field.key);
        field
            .alias
            .into_iter()
            .for_each(|alias| remove(document, alias));
        return;
    };
    // The spelling the file has is kept; a second spelling would only be ignored.
    match field.alias {
        Some(alias) if document.contains_key(field.key) => {
            remove(document, alias);
            set(document, field.key, value);
        }
        Some(alias) if document.contains_key(alias) => set(document, alias, value),
        Some(_) | None => set(document, field.key, value),
    }
}

fn set(document: &mut DocumentMut, key: &str, value: &Value) {
    let Some(mut value) = to_toml(value) else {
        // Only `null` has no TOML form, and that is a removal.
        return;
    };
    if let Some(old) = document.get_mut(key).and_then(Item::as_value_mut) {
        // The same value in other words, like other quotes, stays as somebody wrote it.
        if from_toml(old) == from_toml(&value) {
            return;
        }
        *value.decor_mut() = old.decor().clone();
        *old = value;
        return;
    }
    remove(document, key);
    document.insert(key, Item::Value(value));
    let is_flat = document.iter().all(|(_, item)| item.is_value());
    let trailing = raw_text(Some(document.trailing()));
    // A new key goes below the comments at the end of the file, not above them.
    if is_flat && !trailing.trim().is_empty() {
        let newline = if trailing.ends_with('\n') { "" } else { "\n" };
        prepend_to_key(document, key, &format!("{trailing}{newline}"));
        document.set_trailing("");
    }
}

/// Removes a key; a comment above it stays and then belongs to what follows.
fn remove(document: &mut DocumentMut, key: &str) {
    let next = document
        .iter()
        .skip_while(|(name, _)| *name != key)
        .nth(1)
        .map(|(name, _)| name.to_owned());
    let Some((removed, item)) = document.remove_entry(key) else {
        return;
    };
    let prefix = match &item {
        Item::Table(table) => raw_text(table.decor().prefix()),
        Item::None | Item::Value(_) | Item::ArrayOfTables(_) => {
            raw_text(removed.leaf_decor().prefix())
        }
    };
    if !prefix.contains('#') {
        return;
    }
    let next_item = next.as_deref().and_then(|next| document.get_mut(next));
    match (next_item, next.as_deref()) {
        (Some(Item::Value(_)), Some(next)) => prepend_to_key(document, next, &prefix),
        (Some(Item::Table(table)), _) if !table.is_dotted() => {
            let old = raw_text(table.decor().prefix());
            table.decor_mut().set_prefix(prefix + &old);
        }
        _ => {
            let trailing = raw_text(Some(document.trailing()));
            document.set_trailing(prefix + &trailing);
        }
    }
}

fn prepend_to_key(document: &mut DocumentMut, key: &str, text: &str) {
    if let Some(mut key) = document.key_mut(key) {
        let old = raw_text(key.leaf_decor().prefix());
        key.leaf_decor_mut().set_prefix(format!("{text}{old}"));
    }
}

fn raw_text(raw: Option<&toml_edit::RawString>) -> String {
    raw.and_then(toml_edit::RawString::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn to_toml(value: &Value) -> Option<toml_edit::Value> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Bool(is_true) => Some((*is_true).into()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(number.into()),
            None => number.as_f64().map(Into::into),
        },
        Value::Array(items) => items
            .iter()
            .map(to_toml)
            .collect::<Option<Array>>()
            .map(Into::into),
        Value::Null | Value::Object(_) => None,
    }
}

/// The parser gives every line a plain line feed.
fn with_line_ends_of(old: &str, new: String) -> String {
    if old.contains("\r\n") {
        new.replace('\n', "\r\n")
    } else {
        new
    }
}

fn shadowed(changes: &[Change<'_>], snapshot: &ConfigSnapshot) -> Vec<Shadowed> {
    changes
        .iter()
        .filter_map(|change| {
            let key = change.field?.key;
            match snapshot.origin(key)? {
                Origin::Default | Origin::File { .. } => None,
                by @ (Origin::Environment { .. } | Origin::Flag) => Some(Shadowed {
                    key,
                    by: by.clone(),
                }),
            }
        })
        .collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
