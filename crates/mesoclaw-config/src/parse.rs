//! Text from a command line or an environment variable to a checked value.

use serde_json::Value;

use crate::error::ConfigError;
use crate::field::{Field, Kind, field};
use crate::nearest::no_such_key;
use crate::snapshot::Origin;

/// Reads `text` as a value of the setting `key` and checks its range.
///
/// Numbers may have `_` between digits. A list is a JSON or TOML array, or texts with commas
/// between them; an empty text is an empty list.
///
/// # Errors
/// No setting has this name, or the text is not a value it allows.
pub fn parse_value(key: &str, text: &str) -> Result<Value, ConfigError> {
    let field = field(key).ok_or_else(|| no_such_key(key))?;
    parse_for(field, text, None)
}

/// Like [`parse_value`], for a text that came from `origin`.
pub(crate) fn parse_for(
    field: &Field,
    text: &str,
    origin: Option<&Origin>,
) -> Result<Value, ConfigError> {
    let trimmed = text.trim();
    let value = match field.kind {
        Kind::Text => Some(Value::from(text)),
        Kind::Integer => integer(trimmed),
        Kind::Number => number(trimmed),
        Kind::Bool => trimmed.parse::<bool>().ok().map(Value::from),
        Kind::List => list(trimmed),
    };
    match value {
        Some(value) => field.check(value, origin),
        None => Err(field.invalid(text, origin)),
    }
}

/// The JSON form of a TOML value; `None` for what JSON does not have.
pub(crate) fn from_toml(value: &toml_edit::Value) -> Option<Value> {
    match value {
        toml_edit::Value::String(text) => Some(Value::from(text.value().as_str())),
        toml_edit::Value::Integer(number) => Some(Value::from(*number.value())),
        toml_edit::Value::Float(number) => {
            serde_json::Number::from_f64(*number.value()).map(Value::Number)
        }
        toml_edit::Value::Boolean(is_true) => Some(Value::from(*is_true.value())),
        toml_edit::Value::Array(items) => items.iter().map(from_toml).collect(),
        toml_edit::Value::Datetime(_) | toml_edit::Value::InlineTable(_) => None,
    }
}

fn integer(text: &str) -> Option<Value> {
    let digits = without_separators(text)?;
    let unsigned = digits.parse::<u64>().map(Value::from);
    unsigned
        .or_else(|_| digits.parse::<i64>().map(Value::from))
        .ok()
}

fn number(text: &str) -> Option<Value> {
    let number: f64 = without_separators(text)?.parse().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

fn without_separators(text: &str) -> Option<String> {
    let is_proper = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    is_proper.then(|| text.replace('_', ""))
}

fn list(text: &str) -> Option<Value> {
    if text.is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    if text.starts_with('[') {
        // A broken array is a mistake: read as texts with commas it would be a strange list.
        return serde_json::from_str(text)
            .ok()
            .or_else(|| from_toml(&text.parse().ok()?));
    }
    Some(text.split(',').map(str::trim).map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_values_of_the_field_type() {
        let cases = [
            ("agent_max_turns", " 30 ", json!(30)),
            ("agent_max_tokens", "10_000", json!(10000)),
            ("agent_temperature", "1", json!(1.0)),
            ("agent_temperature", "0.25", json!(0.25)),
            ("provider_name", "42", json!("42")),
            ("default_model", "true", json!("true")),
            ("agent_system_prompt", "  keep \n", json!("  keep \n")),
            ("agent_stop", "", json!([])),
            ("agent_stop", "</s>, END", json!(["</s>", "END"])),
            ("agent_stop", r#"["a,b", "\n"]"#, json!(["a,b", "\n"])),
            ("agent_stop", "['x', 'y',]", json!(["x", "y"])),
        ];
        for (key, text, expected) in cases {
            assert_eq!(parse_value(key, text).unwrap(), expected, "{key} {text:?}");
        }
    }

    #[test]
    fn texts_that_are_no_value_are_refused() {
        let cases = [
            ("agent_max_turns", "many"),
            ("agent_max_turns", "2.0"),
            ("agent_max_turns", "1__0"),
            ("agent_max_turns", "99999999999999999999999"),
            ("agent_max_turns", "-1"),
            ("agent_max_turns", ""),
            ("agent_temperature", "nan"),
            ("agent_temperature", "inf"),
            ("agent_stop", "[a"),
            ("agent_stop", "a,,b"),
            ("agent_stop", "[1]"),
            ("provider_base_url", "localhost:8080"),
        ];
        for (key, text) in cases {
            let error = parse_value(key, text).unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidValue { .. }),
                "{key} {text:?}: {error}"
            );
        }
        let unknown = parse_value("agent_stops", "x").unwrap_err();
        assert!(matches!(unknown, ConfigError::UnknownKey { .. }));
    }
}
