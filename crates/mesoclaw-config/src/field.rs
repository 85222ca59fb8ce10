//! What is known about each setting: the struct's schema joined with the table of ranges.

use std::sync::OnceLock;

use serde_json::Value;

use crate::config::Config;
use crate::limit::Limit;
use crate::validate::{RULES, Rule};

/// Everything known about one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the file.
    pub key: &'static str,
    /// Its other name, when it has one.
    pub alias: Option<&'static str>,
    /// The heading it stands under in the documentation.
    pub area: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it allows beyond the type.
    pub limit: Limit,
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// Its default; `null` means unset.
    pub default: Value,
    /// Its doc comment; the first line is a sentence.
    pub description: String,
    /// The environment variable that sets it.
    pub environment: String,
}

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// A number with or without a fraction.
    Number,
    /// True or false.
    Bool,
    /// A list of strings.
    List,
}

/// Other names of settings, which the contract has.
const ALIASES: &[(&str, &str)] = &[
    ("default_provider", "provider_name"),
    ("default_model", "provider_model_id"),
];

/// What the name of every environment variable of a setting starts with.
pub(crate) const ENVIRONMENT_PREFIX: &str = "MESOCLAW_";

/// All settings, in the order of the documentation.
pub fn fields() -> &'static [Field] {
    static FIELDS: OnceLock<Vec<Field>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let schema = schemars::schema_for!(Config).to_value();
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        let properties = &schema["properties"];
        RULES
            .iter()
            .map(|rule| describe(rule, &properties[rule.key], &defaults[rule.key]))
            .collect()
    })
}

/// One setting, given its name or another name of it.
pub fn field(key: &str) -> Option<&'static Field> {
    fields()
        .iter()
        .find(|field| field.key == key || field.alias == Some(key))
}

/// The proper name for a name or another name of a setting.
pub(crate) fn resolve_key(key: &str) -> Option<&'static str> {
    field(key).map(|field| field.key)
}

/// Every name a setting can be given by.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    fields()
        .iter()
        .flat_map(|field| std::iter::once(field.key).chain(field.alias))
}

fn describe(rule: &Rule, schema: &Value, default: &Value) -> Field {
    Field {
        key: rule.key,
        alias: ALIASES
            .iter()
            .find_map(|(alias, key)| (*key == rule.key).then_some(*alias)),
        area: rule.area,
        kind: Kind::from_schema(schema),
        limit: rule.limit,
        unit: rule.unit,
        default: default.clone(),
        description: schema["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        environment: format!("{ENVIRONMENT_PREFIX}{}", rule.key.to_ascii_uppercase()),
    }
}

impl Kind {
    /// The type in words, with its article.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::List => "a list of texts",
        }
    }

    /// The name JSON Schema has for the type.
    pub(crate) fn schema_name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::List => "array",
        }
    }

    fn from_schema(schema: &Value) -> Self {
        let name = match &schema["type"] {
            // An optional field has the type and "null".
            Value::Array(names) => names
                .iter()
                .filter_map(Value::as_str)
                .find(|name| *name != "null"),
            name => name.as_str(),
        };
        [Self::Integer, Self::Number, Self::Bool, Self::List]
            .into_iter()
            .find(|kind| Some(kind.schema_name()) == name)
            .unwrap_or(Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_is_forgotten_for_any_field() {
        let schema = schemars::schema_for!(Config).to_value();
        let in_schema: BTreeSet<_> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let in_table: BTreeSet<_> = RULES.iter().map(|rule| rule.key).collect();
        assert_eq!(
            in_schema, in_table,
            "a field without a row, or a row without a field"
        );
        assert_eq!(RULES.len(), in_table.len(), "a row stands there twice");

        for field in fields() {
            let key = field.key;
            let first_line = field.description.lines().next().unwrap_or_default();
            assert!(
                first_line.ends_with('.'),
                "{key}: the first line is no sentence"
            );
            assert_eq!(
                field.environment,
                format!("MESOCLAW_{}", key.to_uppercase())
            );
            assert!(!field.area.is_empty(), "{key} has no area");
            match field.kind {
                Kind::Integer => assert!(matches!(field.limit, Limit::Integer { .. }), "{key}"),
                Kind::Number => assert!(matches!(field.limit, Limit::Number { .. }), "{key}"),
                Kind::List => assert!(
                    matches!(
                        field.limit,
                        Limit::Items { .. }
                            | Limit::Models { .. }
                            | Limit::VariableNames { .. }
                            | Limit::Hosts { .. }
                    ),
                    "{key}"
                ),
                Kind::Bool => assert_eq!(field.limit, Limit::NoRange, "{key}"),
                Kind::Text => {}
            }
            for (ending, unit) in [
                ("_secs", "seconds"),
                ("_days", "days"),
                ("_tokens", "tokens"),
                ("_bytes", "bytes"),
            ] {
                if key.ends_with(ending) {
                    assert_eq!(field.unit, Some(unit), "{key}");
                }
            }
            if let Limit::Integer { min, max } = field.limit {
                for end in [min, max] {
                    assert!(
                        field.description.contains(&end.to_string()),
                        "{key}: the description does not name {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn kinds_come_from_the_struct() {
        let cases = [
            ("data_dir", Kind::Text),
            ("log_level", Kind::Text),
            ("agent_max_turns", Kind::Integer),
            ("agent_seed", Kind::Integer),
            ("budget_daily_usd", Kind::Number),
            ("budget_daily_tokens", Kind::Integer),
            ("provider_fallbacks", Kind::List),
            ("model_fast", Kind::Text),
            ("agent_top_p", Kind::Number),
            ("local_repeat_penalty", Kind::Number),
            ("agent_stop", Kind::List),
            ("security_autonomy_level", Kind::Text),
            ("tool_readable_paths", Kind::List),
            ("web_use_proxy", Kind::Bool),
        ];
        for (key, kind) in cases {
            assert_eq!(field(key).unwrap().kind, kind, "{key}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_release() {
        let set: Vec<_> = fields()
            .iter()
            .filter(|field| !field.default.is_null())
            .map(|field| (field.key, field.default.to_string()))
            .collect();
        let expected = [
            ("log_level", "\"info\""),
            ("log_keep_days", "7"),
            ("provider_connect_timeout_secs", "10"),
            ("provider_first_token_timeout_secs", "120"),
            ("provider_idle_timeout_secs", "60"),
            ("provider_max_retries", "2"),
            ("provider_retry_after_max_secs", "30"),
            ("provider_fallbacks", "[]"),
            ("provider_circuit_failures", "5"),
            ("provider_circuit_pause_secs", "30"),
            ("keyring_service_id", "\"com.sprklai.mesoclaw\""),
            ("agent_max_turns", "20"),
            ("agent_max_continuations", "5"),
            ("agent_max_tokens", "4096"),
            ("agent_turn_timeout_secs", "1800"),
            ("agent_stop", "[]"),
            ("approval_timeout_secs", "120"),
            ("security_autonomy_level", "\"supervised\""),
            ("security_sandbox", "\"best_effort\""),
            ("security_rate_limit_max", "60"),
            ("security_rate_limit_window_secs", "60"),
            ("max_tool_retries", "3"),
            ("agent_tools", "\"auto\""),
            ("disabled_tools", "[]"),
            ("tool_output_max_bytes", "32768"),
            ("tool_shell_timeout_secs", "30"),
            ("tool_shell_max_timeout_secs", "600"),
            ("tool_file_read_max_lines", "10000"),
            ("tool_file_read_max_bytes", "10485760"),
            ("tool_file_search_max_results", "100"),
            ("tool_process_list_limit", "200"),
            ("tool_readable_paths", "[]"),
            ("tool_environment", "[]"),
            ("web_search_timeout_secs", "30"),
            ("web_search_max_results", "20"),
            ("web_fetch_timeout_secs", "30"),
            ("web_fetch_max_bytes", "5242880"),
            ("web_allow_private_hosts", "[]"),
            ("web_use_proxy", "false"),
            ("checkpoint_max_bytes", "268435456"),
            ("checkpoint_file_max_bytes", "10485760"),
            ("context_max_history_messages", "20"),
            ("local_idle_unload_secs", "300"),
            ("local_threads", "0"),
            ("local_context_tokens", "4096"),
            ("local_repeat_penalty", "1.1"),
        ]
        .map(|(key, value)| (key, value.to_owned()));
        assert_eq!(set, expected);
    }

    #[test]
    fn aliases_are_the_ones_serde_knows() {
        for (alias, key) in ALIASES {
            assert_eq!(resolve_key(alias), Some(*key));
            let config: Config =
                serde_json::from_value(serde_json::json!({ *alias: "x" })).unwrap();
            assert_eq!(serde_json::to_value(config).unwrap()[*key], "x");
        }
    }
}
