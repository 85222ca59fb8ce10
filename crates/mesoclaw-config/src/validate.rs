//! The ranges of all settings as one table, read by the checks and by the documentation.
//!
//! Checks between settings are at the end. What a value is used for is not known here.

use serde_json::Value;

use crate::config::Config;
use crate::error::ConfigError;
use crate::field::{Field, Kind};
use crate::snapshot::{ConfigSnapshot, ConfigWarning, Origin};

/// What a setting allows beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A whole number from `min` to `max`, both included.
    Integer {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A number from `min` to `max`.
    Number {
        /// The smallest.
        min: f64,
        /// Whether `min` itself is allowed.
        with_min: bool,
        /// The largest; it is allowed.
        max: f64,
    },
    /// One of these words.
    Words(&'static [&'static str]),
    /// A list of at most this many texts, none of them empty.
    Items {
        /// The longest list.
        max: usize,
    },
    /// A text that is not empty.
    NotEmpty,
    /// A path that is not empty.
    Path,
    /// An address with `http://` or `https://`, without user and password.
    HttpUrl,
    /// The name of an environment variable.
    VariableName,
    /// Every value of the type, on purpose.
    NoRange,
}

/// One row of the table.
pub(crate) struct Rule {
    pub(crate) area: &'static str,
    pub(crate) key: &'static str,
    pub(crate) unit: Option<&'static str>,
    pub(crate) limit: Limit,
}

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
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
    text("Provider", "provider_name", Limit::NotEmpty),
    text("Provider", "provider_model_id", Limit::NotEmpty),
    text("Provider", "provider_base_url", Limit::HttpUrl),
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

impl Limit {
    /// The range in words, for messages and the documentation; `None` for [`Limit::NoRange`].
    pub fn describe(&self) -> Option<String> {
        Some(match self {
            Self::Integer { min, max } => format!("{min} to {max}"),
            Self::Number {
                min,
                with_min: true,
                max,
            } => format!("{min} to {max}"),
            Self::Number { min, max, .. } => format!("above {min}, up to {max}"),
            Self::Words(words) => words.join(", "),
            Self::Items { max } => format!("at most {max}, none of them empty"),
            Self::NotEmpty | Self::Path => "not empty".to_owned(),
            Self::HttpUrl => "http:// or https://, without user and password".to_owned(),
            Self::VariableName => "letters, digits and _, not starting with a digit".to_owned(),
            Self::NoRange => return None,
        })
    }

    fn allows(&self, value: &Value) -> bool {
        match self {
            Self::Integer { min, max } => value
                .as_u64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Number { min, with_min, max } => value.as_f64().is_some_and(|number| {
                // The struct holds an `f32`, so that is what has to be in range.
                let number = f64::from(number as f32);
                number <= *max && (number > *min || (*with_min && number >= *min))
            }),
            Self::Words(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::Items { max } => value.as_array().is_some_and(|items| {
                items.len() <= *max && items.iter().all(|item| item.as_str() != Some(""))
            }),
            Self::NotEmpty | Self::Path => {
                value.as_str().is_some_and(|text| !text.trim().is_empty())
            }
            Self::HttpUrl => value.as_str().is_some_and(is_http_url),
            Self::VariableName => value.as_str().is_some_and(is_variable_name),
            Self::NoRange => true,
        }
    }
}

impl Field {
    /// The type and the range in words, for messages.
    pub fn expectation(&self) -> String {
        let mut text = self.kind.describe().to_owned();
        if let Limit::Words(words) = self.limit {
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
            Limit::VariableName => true,
            Limit::HttpUrl => value.contains('@'),
            Limit::Integer { .. }
            | Limit::Number { .. }
            | Limit::Words(_)
            | Limit::Items { .. }
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
    let Config {
        provider_base_url,
        provider_name,
        ..
    } = &snapshot.config;
    if provider_base_url.is_some() && provider_name.is_none() {
        return Err(ConfigError::MissingCompanion {
            key: "provider_base_url",
            origin: origin_of(snapshot, "provider_base_url"),
            required: "provider_name",
        });
    }
    Ok(())
}

/// The rules between settings that only leave one of them without effect.
pub(crate) fn warn_together(snapshot: &ConfigSnapshot) -> Option<ConfigWarning> {
    let config = &snapshot.config;
    let is_alone = config.provider_api_key_env.is_some() && config.provider_base_url.is_none();
    is_alone.then(|| ConfigWarning::WithoutCompanion {
        key: "provider_api_key_env",
        origin: origin_of(snapshot, "provider_api_key_env"),
        companion: "provider_base_url",
    })
}

fn origin_of(snapshot: &ConfigSnapshot, key: &str) -> Origin {
    snapshot.origin(key).cloned().unwrap_or(Origin::Default)
}

fn is_http_url(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    !host.is_empty()
        && !authority.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_variable_name(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(is_word) && text.starts_with(|c: char| is_word(c) && !c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
