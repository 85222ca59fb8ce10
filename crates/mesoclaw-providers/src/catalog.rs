//! The catalogue: known providers and models with limits and prices, from `catalog.toml`.
//!
//! It knows nothing of what the user defined: the database wins over it, and whoever reads both
//! puts the two together. What it does not say (an absent limit or price) is not known.

use std::sync::OnceLock;

use mesoclaw_api::Usage;
use serde::{Deserialize, Deserializer};

use crate::dialect::{Auth, Dialect};

const TEXT: &str = include_str!("../catalog.toml");
/// Decimals of a dollar that are kept.
const DECIMALS: usize = 6;
/// Tokens a price is for.
const TOKENS_PER_PRICE: u128 = 1_000_000;

/// All known providers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    provider: Vec<CatalogProvider>,
}

/// One known provider.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogProvider {
    /// `openai`: the part before the colon of a model's full name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is; `None` = no network (the embedded engine), or see `base_url_template`.
    pub base_url: Option<String>,
    /// An address with a `{part}` that only the user knows, in place of `base_url`.
    pub base_url_template: Option<String>,
    /// `api-version` of the requests, unless the user sets another; Azure alone has one.
    pub api_version: Option<String>,
    /// What is spoken there.
    pub dialect: Dialect,
    /// How a key is sent.
    pub auth: Auth,
    /// Name of the key in the key store; `None` = it takes none.
    pub key_name: Option<String>,
    /// Environment variables that usually hold the key, the most usual first.
    pub key_variables: Vec<String>,
    /// Whether it refuses requests without a key; if not, a key is sent where one is set.
    pub requires_api_key: bool,
    /// Whether requests may offer tools.
    pub supports_tools: bool,
    /// Whether it runs on this machine.
    pub is_local: bool,
    /// Whether address and dialect were found on a page or in a library of the maker.
    pub verified: bool,
    /// Where the facts were read.
    pub docs: String,
    /// The day they were read, `YYYY-MM-DD`.
    pub checked: String,
    /// What else a user should know.
    pub note: Option<String>,
    /// Known models, the strongest first; more may exist.
    #[serde(default, rename = "model")]
    pub models: Vec<CatalogModel>,
}

/// One known model. `None` = not known.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogModel {
    /// The maker's id: the part after the colon of the full name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Tokens of prompt and answer together, as the maker counts them.
    pub context_limit: Option<u32>,
    /// Tokens of the longest answer.
    pub output_limit: Option<u32>,
    /// Whether it can call tools.
    pub supports_tools: Option<bool>,
    /// Whether it takes images.
    pub supports_vision: Option<bool>,
    /// Whether it can think before it answers.
    pub supports_reasoning: Option<bool>,
    /// What tokens cost.
    pub price: Option<Price>,
    /// What tokens cost in a call with a long prompt, where that differs.
    pub long_prompt: Option<LongPrompt>,
    /// Where the facts were read.
    pub source: String,
    /// The day they were read, `YYYY-MM-DD`.
    pub checked: String,
    /// What else a user should know.
    pub note: Option<String>,
}

/// Prices in millionths of a US dollar for a million tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of the prompt.
    #[serde(deserialize_with = "usd")]
    pub input: u64,
    /// Tokens of the prompt that were read from a cache; `None` = like `input`.
    #[serde(default, deserialize_with = "some_usd")]
    pub cached_input: Option<u64>,
    /// Tokens of the prompt that were written to a cache; `None` = like `input`.
    #[serde(default, deserialize_with = "some_usd")]
    pub cache_write: Option<u64>,
    /// Tokens of the answer, thinking included.
    #[serde(deserialize_with = "usd")]
    pub output: u64,
}

/// Prices of a call whose prompt is long; they hold for all tokens of that call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// A prompt is long when it has more tokens than this, cached ones included.
    pub above_tokens: u64,
    /// The prices then.
    pub price: Price,
}

/// Names of the environment variables that hold keys, without parsing the whole catalogue: every
/// start of a client asks for them.
pub fn key_variables() -> impl Iterator<Item = &'static str> {
    TEXT.lines()
        .filter_map(|line| line.strip_prefix("key_variables = ["))
        .flat_map(|list| list.split('"').skip(1).step_by(2))
}

/// The catalogue of this program, parsed at the first call.
pub fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        // The text is part of the program and a test parses it, so nothing is lost here: a
        // program whose catalogue does not parse does not pass its tests.
        toml_edit::de::from_str(TEXT).unwrap_or_default()
    })
}

impl Catalog {
    /// The provider of this id.
    pub fn provider(&self, id: &str) -> Option<&CatalogProvider> {
        self.provider.iter().find(|provider| provider.id == id)
    }

    /// All providers, in the order of the file.
    pub fn providers(&self) -> &[CatalogProvider] {
        &self.provider
    }
}

impl CatalogProvider {
    /// The model of this id.
    pub fn model(&self, id: &str) -> Option<&CatalogModel> {
        self.models.iter().find(|model| model.id == id)
    }

    /// Whether it can be used only with an address of the user's own.
    pub fn needs_base_url(&self) -> bool {
        self.base_url.is_none() && self.dialect != Dialect::Local
    }
}

impl CatalogModel {
    /// The prices of one call with a prompt of this many tokens.
    pub fn price_of_call(&self, input_tokens: u64) -> Option<&Price> {
        match &self.long_prompt {
            Some(long) if input_tokens > long.above_tokens => Some(&long.price),
            _ => self.price.as_ref(),
        }
    }

    /// What one call cost, in millionths of a US dollar.
    ///
    /// `usage` is that of one call: in a sum, long prompts can no longer be told from short ones.
    pub fn cost_microusd(&self, usage: &Usage) -> Option<u64> {
        self.price_of_call(usage.input_tokens)
            .map(|price| price.cost_microusd(usage))
    }
}

impl Price {
    /// What this usage costs, in millionths of a US dollar, rounded to the nearest (a half up).
    ///
    /// A provider whose parts exceed their whole (more cached tokens than prompt tokens) is
    /// charged for the parts.
    pub fn cost_microusd(&self, usage: &Usage) -> u64 {
        let parts = usage.cached_tokens.saturating_add(usage.cache_write_tokens);
        let sum: u128 = [
            (usage.input_tokens.saturating_sub(parts), self.input),
            (usage.cached_tokens, self.cached_input.unwrap_or(self.input)),
            (
                usage.cache_write_tokens,
                self.cache_write.unwrap_or(self.input),
            ),
            (usage.output_tokens, self.output),
        ]
        .into_iter()
        .map(|(tokens, price)| u128::from(tokens) * u128::from(price))
        .fold(0, u128::saturating_add);
        let rounded = sum.saturating_add(TOKENS_PER_PRICE / 2) / TOKENS_PER_PRICE;
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}

/// Reads dollars (`2`, `0.125`) as millionths of a dollar, exactly.
///
/// `None` when the text is anything but digits with at most six decimals, or does not fit.
pub fn parse_usd(text: &str) -> Option<u64> {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return None,
        None => (text, ""),
    };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > DECIMALS || !are_digits(whole) || !are_digits(decimals)
    {
        return None;
    }
    format!("{whole}{decimals:0<DECIMALS$}").parse().ok()
}

fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_usd(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "`{text}` is not a price: dollars with at most {DECIMALS} decimals, like `0.125`"
        ))
    })
}

fn some_usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    usd(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
