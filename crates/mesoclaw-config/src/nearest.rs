//! The setting somebody may have meant.

use crate::contract_keys::is_unused_contract_key;
use crate::error::ConfigError;
use crate::field::all_names;

/// How alike two names have to be, from 0 to 1.
const LEAST_ALIKE: f64 = 0.6;
/// How alike a name is at least that ends with what was written.
const LEAST_FOR_AN_END: f64 = 0.8;
const MOST_NAMES: usize = 3;
/// A shorter part of a name says nothing about which one was meant.
const SHORTEST_PART: usize = 4;

/// The names of settings that come near to `key`, the nearest first.
pub(crate) fn nearest_names(key: &str) -> Vec<&'static str> {
    let key = key.to_ascii_lowercase();
    let mut scored: Vec<(f64, &'static str)> = all_names()
        .map(|name| (likeness(&key, name), name))
        .filter(|(score, _)| *score >= LEAST_ALIKE)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    scored
        .into_iter()
        .take(MOST_NAMES)
        .map(|(_, name)| name)
        .collect()
}

/// The nearest names as the end of a message; empty when there are none.
pub(crate) fn did_you_mean(nearest: &[&str]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!("; the nearest is {}", nearest.join(", then "))
}

/// The error for a name that no setting has.
pub(crate) fn no_such_key(key: &str) -> ConfigError {
    if is_unused_contract_key(key) {
        ConfigError::UnusedKey {
            key: key.to_owned(),
        }
    } else {
        ConfigError::UnknownKey {
            key: key.to_owned(),
            nearest: nearest_names(key),
        }
    }
}

fn likeness(key: &str, name: &str) -> f64 {
    let by_letters = strsim::normalized_damerau_levenshtein(key, name);
    if key.len() < SHORTEST_PART || !name.contains(key) {
        return by_letters;
    }
    // Somebody who writes a part of a name means one of the names it is a part of, and most likely
    // one where only the beginning is missing: `model` is the model, not a setting of models.
    let is_end = name
        .strip_suffix(key)
        .is_some_and(|beginning| beginning.ends_with('_'));
    let least = if is_end {
        LEAST_FOR_AN_END
    } else {
        LEAST_ALIKE
    };
    let share = key.len() as f64 / name.len() as f64;
    by_letters.max(least + (1.0 - least) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_are_found() {
        let cases: [(&str, &[&str]); 11] = [
            ("agent_max_turn", &["agent_max_turns", "agent_max_tokens"]),
            ("max_turns", &["agent_max_turns"]),
            ("Log_Level", &["log_level"]),
            ("loglevel", &["log_level"]),
            ("temperature", &["agent_temperature"]),
            ("model", &["default_model", "model_fast", "models_dir"]),
            ("fallbacks", &["provider_fallbacks"]),
            ("budget_usd", &["budget_daily_usd"]),
            ("defualt_model", &["default_model"]),
            ("qqq", &[]),
            ("", &[]),
        ];
        for (key, expected) in cases {
            let found = nearest_names(key);
            let start: Vec<_> = found.iter().take(expected.len()).copied().collect();
            assert_eq!(start, expected, "{key}");
            assert!(found.len() <= MOST_NAMES);
            assert_eq!(found.is_empty(), expected.is_empty(), "{key}");
        }
    }

    #[test]
    fn contract_keys_are_told_apart_from_unknown_ones() {
        assert_eq!(
            no_such_key("gateway_port").to_string(),
            "the setting gateway_port is not used by this version"
        );
        assert_eq!(
            no_such_key("log_levl").to_string(),
            "there is no setting log_levl; the nearest is log_level"
        );
    }
}
