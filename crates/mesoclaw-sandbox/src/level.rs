//! How much a person wants enforced.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much of the sandbox is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Own process group, environment, closed input, limits and caps; no restriction of files,
    /// network or system calls.
    Off,
    /// Whatever this kernel has.
    #[default]
    BestEffort,
    /// Nothing runs where files and system calls cannot be restricted.
    Require,
}

impl Level {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::BestEffort => "best_effort",
            Self::Require => "require",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a sandbox level: off, best_effort or require")]
pub struct UnknownLevel(String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        [Self::Off, Self::BestEffort, Self::Require]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_back_what_they_print() {
        for level in [Level::Off, Level::BestEffort, Level::Require] {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!(
            "full".parse::<Level>(),
            Err(UnknownLevel("full".to_owned()))
        );
    }
}
