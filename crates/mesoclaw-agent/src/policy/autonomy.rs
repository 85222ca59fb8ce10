//! `Autonomy`: how much runs without a question.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much runs without a question. Each level allows all that the one before it allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// Reads inside the workspace run; everything else asks.
    Strict,
    /// Low risk runs; medium and high ask.
    #[default]
    Supervised,
    /// Low and medium risk run; high asks. What is forbidden stays forbidden.
    Autonomous,
}

impl Autonomy {
    /// The levels, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Supervised, Self::Autonomous];

    /// Reads a word of the configuration. The second part is a sentence for the user when the
    /// word is one of another system that means this level here.
    ///
    /// # Errors
    /// When the word is not known.
    pub fn parse(word: &str) -> Result<(Self, Option<String>), UnknownAutonomy> {
        let lower = word.trim().to_ascii_lowercase().replace('_', "-");
        let level = match lower.as_str() {
            "strict" => return Ok((Self::Strict, None)),
            "supervised" => return Ok((Self::Supervised, None)),
            "autonomous" => return Ok((Self::Autonomous, None)),
            "readonly" | "read-only" => Self::Strict,
            "full" | "semi-autonomous" => Self::Autonomous,
            _ => {
                return Err(UnknownAutonomy {
                    word: word.to_owned(),
                });
            }
        };
        let notice = format!(
            "the autonomy level `{}` is called `{level}` here: {}",
            word.trim(),
            level.describe()
        );
        Ok((level, Some(notice)))
    }

    /// The level in a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Strict => "Reads inside the workspace run; everything else asks.",
            Self::Supervised => {
                "What only looks, inside the workspace, runs; everything else asks."
            }
            Self::Autonomous => {
                "What looks, changes the workspace or runs its code runs; deletes, unknown programs and everything outside ask."
            }
        }
    }
}

impl fmt::Display for Autonomy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Supervised => "supervised",
            Self::Autonomous => "autonomous",
        })
    }
}

impl FromStr for Autonomy {
    type Err = UnknownAutonomy;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::parse(word).map(|(level, _)| level)
    }
}

/// The word names no level.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{word}` is not an autonomy level: use `strict`, `supervised` or `autonomous`")]
pub struct UnknownAutonomy {
    /// The word.
    pub word: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_reference_mean_a_level_and_say_so() {
        for (word, level, has_notice) in [
            ("strict", Autonomy::Strict, false),
            ("Supervised", Autonomy::Supervised, false),
            ("autonomous", Autonomy::Autonomous, false),
            ("readonly", Autonomy::Strict, true),
            ("ReadOnly", Autonomy::Strict, true),
            ("full", Autonomy::Autonomous, true),
            ("semi-autonomous", Autonomy::Autonomous, true),
            ("semi_autonomous", Autonomy::Autonomous, true),
        ] {
            let (parsed, notice) = Autonomy::parse(word).unwrap();
            assert_eq!((parsed, notice.is_some()), (level, has_notice), "{word}");
        }
        assert!("yolo".parse::<Autonomy>().is_err());
    }
}
