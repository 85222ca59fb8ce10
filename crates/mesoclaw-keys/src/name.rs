//! The checked name of a stored key.

use std::fmt;
use std::str::FromStr;

/// Entries of the keyring that are not keys.
pub(crate) const INDEX_ENTRY: &str = "_key_index";
pub(crate) const PROBE_ENTRY: &str = "_key_probe";

const LONGEST_NAME_BYTES: usize = 128;

/// The name of a stored key: 1 to 128 of letters, digits, `_`, `:`, `.` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyName(String);

/// Why a text is no name of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyNameError {
    /// Nothing is there.
    #[error("the name of a key cannot be empty")]
    Empty,
    /// More than 128 bytes.
    #[error("the name of a key has at most 128 characters, this one has {n_bytes}")]
    TooLong {
        /// Its length.
        n_bytes: usize,
    },
    /// A character that no name has. It is not shown: somebody may have given a key for a name.
    #[error(
        "the name of a key has letters, digits, `_`, `:`, `.` and `-` only; look at character {position}"
    )]
    Character {
        /// Which one, counted from 1.
        position: usize,
    },
    /// A name that the store uses for itself.
    #[error("this name is used by the key store itself")]
    Reserved,
}

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    /// When the text is no name of a key.
    pub fn parse(text: &str) -> Result<Self, KeyNameError> {
        if text.is_empty() {
            return Err(KeyNameError::Empty);
        }
        if text.len() > LONGEST_NAME_BYTES {
            return Err(KeyNameError::TooLong {
                n_bytes: text.len(),
            });
        }
        let is_fine = |char: char| char.is_ascii_alphanumeric() || "_:.-".contains(char);
        if let Some(at) = text.chars().position(|char| !is_fine(char)) {
            return Err(KeyNameError::Character { position: at + 1 });
        }
        if text == INDEX_ENTRY || text == PROBE_ENTRY {
            return Err(KeyNameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key of a model provider or a service: `api_key:openai`.
    ///
    /// # Errors
    /// When the result is no name of a key.
    pub fn api_key(provider: &str) -> Result<Self, KeyNameError> {
        Self::parse(&format!("api_key:{provider}"))
    }

    /// A field of a channel: `channel:telegram:token`.
    ///
    /// # Errors
    /// When the result is no name of a key.
    pub fn channel(channel: &str, field: &str) -> Result<Self, KeyNameError> {
        Self::parse(&format!("channel:{channel}:{field}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let check = |text: &str, expected: Result<&str, KeyNameError>| {
            let found = KeyName::parse(text);
            assert_eq!(
                found.as_ref().map(KeyName::as_str),
                expected.as_ref().copied(),
                "{text:?}"
            );
        };
        let longest = "a".repeat(128);
        for name in [
            "api_key:openai",
            "channel:telegram:token",
            "A.b-c_9",
            &longest,
        ] {
            check(name, Ok(name));
        }
        check("", Err(KeyNameError::Empty));
        check(
            &"a".repeat(129),
            Err(KeyNameError::TooLong { n_bytes: 129 }),
        );
        check("a b", Err(KeyNameError::Character { position: 2 }));
        check("é", Err(KeyNameError::Character { position: 1 }));
        check("a/../b", Err(KeyNameError::Character { position: 2 }));
        check("a\n", Err(KeyNameError::Character { position: 2 }));
        check("_key_index", Err(KeyNameError::Reserved));
        check("_key_probe", Err(KeyNameError::Reserved));
    }

    #[test]
    fn providers_and_channels_have_their_names() {
        let name = |found: Result<KeyName, KeyNameError>| found.map(|name| name.to_string());
        assert_eq!(
            name(KeyName::api_key("openai")),
            Ok("api_key:openai".to_owned())
        );
        let slack = KeyName::channel("slack", "bot_token");
        assert_eq!(name(slack), Ok("channel:slack:bot_token".to_owned()));
        assert_eq!(
            KeyName::api_key("a b"),
            Err(KeyNameError::Character { position: 10 })
        );
    }
}
