//! What a setting allows beyond its type: ranges, words, forms of texts.

use serde_json::Value;

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
    /// One of these words, or one that an earlier system had.
    WordsAndOld {
        /// The words.
        words: &'static [&'static str],
        /// Words of an earlier system, each with the one it means.
        old: &'static [(&'static str, &'static str)],
    },
    /// A list of at most this many texts, none of them empty.
    Items {
        /// The longest list.
        max: usize,
    },
    /// `PROVIDER:MODEL`.
    Model,
    /// A list of at most this many `PROVIDER:MODEL`.
    Models {
        /// The longest list.
        max: usize,
    },
    /// Id of a provider.
    ProviderId,
    /// A text that is not empty.
    NotEmpty,
    /// A path that is not empty.
    Path,
    /// An address with `http://` or `https://`, without user and password.
    HttpUrl,
    /// The name of an environment variable.
    VariableName,
    /// A list of at most this many names of environment variables.
    VariableNames {
        /// The longest list.
        max: usize,
    },
    /// A list of at most this many hosts, each with or without a port.
    Hosts {
        /// The longest list.
        max: usize,
    },
    /// Every value of the type, on purpose.
    NoRange,
}

/// The form of a model's name, in words.
const MODEL_FORM: &str = "PROVIDER:MODEL and no hint";
/// The form of a variable's name, in words.
const VARIABLE_FORM: &str = "letters, digits and _, not starting with a digit";
/// The form of a host, in words.
const HOST_FORM: &str = "HOST, HOST:PORT, *.HOST or an address";
/// Longest id of a provider.
const MAX_ID_BYTES: usize = 64;

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
            Self::Words(words) | Self::WordsAndOld { words, .. } => words.join(", "),
            Self::Items { max } => format!("at most {max}, none of them empty"),
            Self::Model => MODEL_FORM.to_owned(),
            Self::Models { max } => format!("at most {max}, each {MODEL_FORM}"),
            Self::ProviderId => {
                format!("1 to {MAX_ID_BYTES} lower-case letters, digits, `-` and `_`")
            }
            Self::NotEmpty | Self::Path => "not empty".to_owned(),
            Self::HttpUrl => "http:// or https://, without user and password".to_owned(),
            Self::VariableName => VARIABLE_FORM.to_owned(),
            Self::VariableNames { max } => format!("at most {max}, each {VARIABLE_FORM}"),
            Self::Hosts { max } => format!("at most {max}, each {HOST_FORM}"),
            Self::NoRange => return None,
        })
    }

    /// Whether a value of the right type is in the range.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        match self {
            Self::Integer { min, max } => value
                .as_u64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Number { min, with_min, max } => value.as_f64().is_some_and(|number| {
                // Some fields hold an `f32`: what they make of the number has to be in range too.
                let is_inside = |number: f64, min: f64, max: f64| {
                    number <= max && (number > min || (*with_min && number >= min))
                };
                let rounded = |number: f64| f64::from(number as f32);
                is_inside(number, *min, *max)
                    && is_inside(rounded(number), rounded(*min), rounded(*max))
            }),
            Self::Words(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::WordsAndOld { words, old } => value.as_str().is_some_and(|text| {
                words.contains(&text) || old.iter().any(|(word, _)| *word == text)
            }),
            Self::Items { max } => is_list_of(value, *max, |text| !text.is_empty()),
            Self::Model => value.as_str().is_some_and(is_model),
            Self::Models { max } => is_list_of(value, *max, is_model),
            Self::VariableNames { max } => is_list_of(value, *max, is_variable_name),
            Self::Hosts { max } => is_list_of(value, *max, is_host),
            Self::ProviderId => value.as_str().is_some_and(is_provider_id),
            Self::NotEmpty | Self::Path => {
                value.as_str().is_some_and(|text| !text.trim().is_empty())
            }
            Self::HttpUrl => value.as_str().is_some_and(is_http_url),
            Self::VariableName => value.as_str().is_some_and(is_variable_name),
            Self::NoRange => true,
        }
    }
}

fn is_list_of(value: &Value, max: usize, is_allowed: fn(&str) -> bool) -> bool {
    value.as_array().is_some_and(|items| {
        items.len() <= max
            && items
                .iter()
                .all(|item| item.as_str().is_some_and(is_allowed))
    })
}

/// Whether a text has the letters of a host; what it leads to is for others to tell.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_of_host = |c: char| c.is_alphanumeric() || ".-_:[]".contains(c);
    name.starts_with(|c: char| c.is_alphanumeric() || "[:_".contains(c))
        && name.chars().all(is_of_host)
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

fn is_provider_id(text: &str) -> bool {
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.chars().all(is_id)
}

fn is_variable_name(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(is_word) && text.starts_with(|c: char| is_word(c) && !c.is_ascii_digit())
}

/// A hint is no model: it would have to name another setting, or itself.
fn is_model(text: &str) -> bool {
    let Some((provider, model)) = text.split_once(':') else {
        return false;
    };
    !provider.is_empty()
        && provider != "hint"
        && !provider.contains(char::is_whitespace)
        && !model.is_empty()
        && model.trim() == model
        && !text.chars().any(char::is_control)
}
