//! The ranges of all settings as one table, read by the checks and by the documentation.
//!
//! Checks between settings are at the end. What a value is used for is not known here.

use serde_json::Value;

use crate::error::ConfigError;
use crate::field::{Field, Kind};
use crate::limit::Limit;
use crate::snapshot::{ConfigSnapshot, ConfigWarning, Origin};

/// One row of the table.
pub(crate) struct Rule {
    pub(crate) area: &'static str,
    pub(crate) key: &'static str,
    pub(crate) unit: Option<&'static str>,
    pub(crate) limit: Limit,
}

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
const TYPES: &[&str] = &[
    "openai",
    "openai_chat",
    "openai_responses",
    "anthropic",
    "gemini",
    "cohere",
    "ollama",
    "azure",
];
const AGENT_TOOLS: &[&str] = &["auto", "always", "never"];
const SANDBOX: &[&str] = &["off", "best_effort", "require"];
const AUTONOMY: Limit = Limit::WordsAndOld {
    words: &["strict", "supervised", "autonomous"],
    old: &[
        ("readonly", "strict"),
        ("full", "autonomous"),
        ("semi-autonomous", "autonomous"),
    ],
};
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const MOST_TOKENS: u64 = 1_000_000_000_000;
const MONEY: Limit = Limit::Number {
    // A smaller amount would be none where money is counted in millionths of a dollar.
    min: 0.000_001,
    with_min: true,
    max: 1_000_000.0,
};
const UP_TO_TWO: Limit = Limit::Number {
    min: 0.0,
    with_min: true,
    max: 2.0,
};
const SHARE: Limit = Limit::Number {
    min: 0.0,
    with_min: false,
    max: 1.0,
};
const ONE_TO_TWO: Limit = Limit::Number {
    min: 1.0,
    with_min: true,
    max: 2.0,
};

const fn text(area: &'static str, key: &'static str, limit: Limit) -> Rule {
    Rule {
        area,
        key,
        unit: None,
        limit,
    }
}

const fn count(
    area: &'static str,
    key: &'static str,
    min: u64,
    max: u64,
    unit: &'static str,
) -> Rule {
    Rule {
        area,
        key,
        unit: Some(unit),
        limit: Limit::Integer { min, max },
    }
}

/// Every setting, in the order of the documentation.
pub(crate) const RULES: &[Rule] = &[
    text("Paths", "data_dir", Limit::Path),
    text("Paths", "db_path", Limit::Path),
    text("Paths", "models_dir", Limit::Path),
    text("Logging", "log_level", Limit::Words(LEVELS)),
    count("Logging", "log_keep_days", 1, 365, "days"),
    text("Provider", "provider_name", Limit::ProviderId),
    text("Provider", "provider_model_id", Limit::NotEmpty),
    text("Provider", "provider_base_url", Limit::HttpUrl),
    text("Provider", "provider_type", Limit::Words(TYPES)),
    text("Provider", "provider_api_key_env", Limit::VariableName),
    count(
        "Provider",
        "provider_connect_timeout_secs",
        1,
        300,
        "seconds",
    ),
    count(
        "Provider",
        "provider_first_token_timeout_secs",
        1,
        3600,
        "seconds",
    ),
    count("Provider", "provider_idle_timeout_secs", 1, 3600, "seconds"),
    count("Provider", "provider_max_retries", 0, 10, "retries"),
    count(
        "Provider",
        "provider_retry_after_max_secs",
        0,
        3600,
        "seconds",
    ),
    text("Provider", "provider_fallbacks", Limit::Models { max: 8 }),
    count("Provider", "provider_circuit_failures", 0, 100, "failures"),
    count(
        "Provider",
        "provider_circuit_pause_secs",
        1,
        3600,
        "seconds",
    ),
    text("Models", "model_fast", Limit::Model),
    text("Models", "model_reasoning", Limit::Model),
    text("Models", "model_vision", Limit::Model),
    text("Models", "model_summarize", Limit::Model),
    text("Keys", "keyring_service_id", Limit::NotEmpty),
    text("Budget", "budget_daily_usd", MONEY),
    count("Budget", "budget_daily_tokens", 1, MOST_TOKENS, "tokens"),
    text("Budget", "budget_session_usd", MONEY),
    count("Budget", "budget_session_tokens", 1, MOST_TOKENS, "tokens"),
    count("Agent", "agent_max_turns", 1, 1000, "model calls"),
    count("Agent", "agent_max_continuations", 0, 100, "continuations"),
    count("Agent", "agent_max_tokens", 1, 1_000_000, "tokens"),
    count("Agent", "agent_turn_timeout_secs", 1, 86_400, "seconds"),
    text("Agent", "agent_system_prompt", Limit::NoRange),
    text("Agent", "agent_temperature", UP_TO_TWO),
    text("Agent", "agent_top_p", SHARE),
    text(
        "Agent",
        "agent_seed",
        Limit::Integer {
            min: 0,
            max: u32::MAX as u64,
        },
    ),
    text("Agent", "agent_stop", Limit::Items { max: 8 }),
    count("Approvals", "approval_timeout_secs", 5, 86_400, "seconds"),
    text("Security", "security_autonomy_level", AUTONOMY),
    text("Security", "security_sandbox", Limit::Words(SANDBOX)),
    count(
        "Security",
        "security_rate_limit_max",
        0,
        10_000,
        "tool calls",
    ),
    count(
        "Security",
        "security_rate_limit_window_secs",
        1,
        86_400,
        "seconds",
    ),
    count("Security", "max_tool_retries", 0, 100, "repetitions"),
    text("Tools", "agent_tools", Limit::Words(AGENT_TOOLS)),
    text("Tools", "disabled_tools", Limit::Items { max: 64 }),
    count("Tools", "tool_output_max_bytes", KIB, MIB, "bytes"),
    count("Tools", "tool_shell_timeout_secs", 1, 86_400, "seconds"),
    count("Tools", "tool_shell_max_timeout_secs", 1, 86_400, "seconds"),
    count("Tools", "tool_file_read_max_lines", 1, 1_000_000, "lines"),
    count("Tools", "tool_file_read_max_bytes", KIB, GIB, "bytes"),
    count(
        "Tools",
        "tool_file_search_max_results",
        1,
        10_000,
        "results",
    ),
    count("Tools", "tool_process_list_limit", 1, 10_000, "processes"),
    text("Tools", "tool_readable_paths", Limit::Items { max: 64 }),
    text(
        "Tools",
        "tool_environment",
        Limit::VariableNames { max: 64 },
    ),
    count("Web", "web_search_timeout_secs", 1, 300, "seconds"),
    count("Web", "web_search_max_results", 1, 20, "results"),
    count("Web", "web_fetch_timeout_secs", 1, 300, "seconds"),
    count("Web", "web_fetch_max_bytes", KIB, 100 * MIB, "bytes"),
    text("Web", "web_allow_private_hosts", Limit::Hosts { max: 64 }),
    text("Web", "web_use_proxy", Limit::NoRange),
    count(
        "Checkpoints",
        "checkpoint_max_bytes",
        0,
        1024 * GIB,
        "bytes",
    ),
    count("Checkpoints", "checkpoint_file_max_bytes", 0, GIB, "bytes"),
    count(
        "Context",
        "context_max_history_messages",
        0,
        10_000,
        "messages",
    ),
    count(
        "Embedded model",
        "local_idle_unload_secs",
        0,
        86_400,
        "seconds",
    ),
    count("Embedded model", "local_threads", 0, 256, "threads"),
    count(
        "Embedded model",
        "local_context_tokens",
        256,
        131_072,
        "tokens",
    ),
    text("Embedded model", "local_repeat_penalty", ONE_TO_TWO),
];

impl Field {
    /// The type and the range in words, for messages.
    pub fn expectation(&self) -> String {
        let mut text = self.kind.describe().to_owned();
        if let Limit::Words(words) | Limit::WordsAndOld { words, .. } = self.limit {
            text = format!("one of {}", words.join(", "));
        } else if let Some(range) = self.limit.describe() {
            text = format!("{text}, {range}");
        }
        if let Some(unit) = self.unit {
            text = format!("{text} {unit}");
        }
        text
    }

    /// Checks type and range, and returns the value in the form the struct wants.
    pub(crate) fn check(
        &self,
        value: Value,
        origin: Option<&Origin>,
    ) -> Result<Value, ConfigError> {
        let has_type = match self.kind {
            Kind::Text => value.is_string(),
            // A negative number has the right type, but no range allows it.
            Kind::Integer => value.is_u64() || value.is_i64(),
            Kind::Number => value.is_number(),
            Kind::Bool => value.is_boolean(),
            Kind::List => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string)),
        };
        if !has_type || !self.limit.allows(&value) {
            return Err(self.invalid(&value.to_string(), origin));
        }
        // A whole number is a fine temperature, and the struct and the file hold it as a float.
        match value.as_f64() {
            Some(number) if self.kind == Kind::Number => Ok(Value::from(number)),
            Some(_) | None => Ok(value),
        }
    }

    pub(crate) fn invalid(&self, value: &str, origin: Option<&Origin>) -> ConfigError {
        const LONGEST_SHOWN: usize = 80;
        // People paste keys where the name of a variable belongs, and passwords into addresses.
        let is_secret = match self.limit {
            Limit::VariableName | Limit::VariableNames { .. } => true,
            Limit::HttpUrl | Limit::Hosts { .. } => value.contains('@'),
            Limit::Integer { .. }
            | Limit::Number { .. }
            | Limit::Words(_)
            | Limit::WordsAndOld { .. }
            | Limit::Items { .. }
            | Limit::Model
            | Limit::Models { .. }
            | Limit::ProviderId
            | Limit::NotEmpty
            | Limit::Path
            | Limit::NoRange => false,
        };
        let value = if is_secret { "***" } else { value };
        let mut shown: String = value.chars().take(LONGEST_SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        ConfigError::InvalidValue {
            key: self.key,
            value: shown,
            expected: self.expectation(),
            origin: origin.cloned(),
        }
    }
}

/// The rules between settings that make a configuration unusable.
pub(crate) fn check_together(snapshot: &ConfigSnapshot) -> Result<(), ConfigError> {
    let config = &snapshot.config;
    if config.provider_base_url.is_some() && config.provider_name.is_none() {
        return Err(ConfigError::MissingCompanion {
            key: "provider_base_url",
            origin: origin_of(snapshot, "provider_base_url"),
            required: "provider_name",
        });
    }
    if config.tool_shell_timeout_secs > config.tool_shell_max_timeout_secs {
        return Err(ConfigError::Above {
            key: "tool_shell_timeout_secs",
            value: config.tool_shell_timeout_secs.into(),
            origin: origin_of(snapshot, "tool_shell_timeout_secs"),
            limit: "tool_shell_max_timeout_secs",
            limit_value: config.tool_shell_max_timeout_secs.into(),
        });
    }
    Ok(())
}

/// What is odd about the values as a whole and leaves the configuration usable.
pub(crate) fn warn_together(snapshot: &ConfigSnapshot) -> Vec<ConfigWarning> {
    without_companion(snapshot)
        .chain(old_words(snapshot))
        .collect()
}

/// Settings that have no effect because another one is unset.
fn without_companion(snapshot: &ConfigSnapshot) -> impl Iterator<Item = ConfigWarning> {
    let config = &snapshot.config;
    let is_alone = config.provider_base_url.is_none();
    [
        ("provider_type", config.provider_type.is_some()),
        (
            "provider_api_key_env",
            config.provider_api_key_env.is_some(),
        ),
    ]
    .into_iter()
    .filter(move |(_, is_set)| is_alone && *is_set)
    .map(|(key, _)| ConfigWarning::WithoutCompanion {
        key,
        origin: origin_of(snapshot, key),
        companion: "provider_base_url",
    })
}

/// Words that are understood and have a proper name.
fn old_words(snapshot: &ConfigSnapshot) -> impl Iterator<Item = ConfigWarning> {
    RULES.iter().filter_map(|rule| {
        let Limit::WordsAndOld { old, .. } = rule.limit else {
            return None;
        };
        let described = snapshot.describe(rule.key).ok()?;
        let (word, meaning) = old.iter().find(|(word, _)| described.value == *word)?;
        Some(ConfigWarning::OldWord {
            key: rule.key,
            word,
            meaning,
            origin: described.origin,
        })
    })
}

fn origin_of(snapshot: &ConfigSnapshot, key: &str) -> Origin {
    snapshot.origin(key).cloned().unwrap_or(Origin::Default)
}

#[cfg(test)]
mod tests;
