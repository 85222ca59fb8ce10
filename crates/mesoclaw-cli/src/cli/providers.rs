//! The part of the tree about providers and their models.

use clap::{Args, Subcommand};

use super::values::{parse_tokens, parse_usd};

/// Providers.
#[derive(Subcommand, Debug)]
pub enum ProviderCommand {
    /// List providers that can be used, hold the default model or were added
    List {
        /// With all others of the catalogue
        #[arg(long)]
        all: bool,
    },
    /// Tell what is known of a provider and of its models
    Show {
        /// Its id
        id: String,
    },
    /// Add a provider, or put another address over one of the catalogue
    ///
    /// Either `add ID --base-url URL [--name NAME]` or `add ID NAME URL`.
    Add(AddArgs),
    /// Change the address of a provider
    ///
    /// A stored key does not go to another host before it is confirmed: this asks on a terminal;
    /// elsewhere `mesoclaw key confirm ID` does it.
    Update(UpdateArgs),
    /// Remove a provider that was added; one of the catalogue gets its own address back
    Remove {
        /// Its id
        id: String,
    },
    /// Print the default model, or set it
    Default {
        /// The provider, or PROVIDER:MODEL
        provider: Option<String>,
        /// The model
        model: Option<String>,
    },
    /// Ask a provider for one token and tell what happened
    Test {
        /// Its id
        id: String,
        /// The model to ask
        #[arg(long)]
        model: Option<String>,
    },
    /// Ask a provider which models it has
    Models {
        /// Its id
        id: String,
    },
    /// Add a model to a provider, or change what is known of one
    ModelAdd(ModelAddArgs),
    /// Remove a model that was added
    ModelRemove {
        /// Id of the provider
        id: String,
        /// The model as the provider names it
        model: String,
    },
    /// Look for model servers on this machine and for key variables; changes nothing
    Detect,
}

/// What `mesoclaw provider add` takes.
#[derive(Args, Clone, Debug)]
pub struct AddArgs {
    /// Its id: lower-case letters, digits, `-` and `_`
    pub id: String,

    /// Its name for people
    #[arg(value_name = "NAME", requires = "url")]
    pub positional_name: Option<String>,

    /// Its address, with /v1 where the server has that
    #[arg(value_name = "BASE_URL", conflicts_with = "base_url")]
    pub url: Option<String>,

    /// Its address, with /v1 where the server has that
    #[arg(long, value_name = "URL", required_unless_present = "url")]
    pub base_url: Option<String>,

    /// Its name for people
    #[arg(long, conflicts_with = "positional_name")]
    pub name: Option<String>,

    /// What is spoken there: openai_chat, openai_responses, anthropic, gemini, cohere, ollama or azure
    #[arg(long)]
    pub dialect: Option<String>,

    /// How the key is sent: bearer, header:NAME or none
    #[arg(long)]
    pub auth: Option<String>,

    /// Environment variable of the daemon that holds the key
    #[arg(long, value_name = "VAR")]
    pub api_key_env: Option<String>,

    /// The `api-version` of an Azure address
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<String>,

    /// It wants no key
    #[arg(long, conflicts_with = "api_key_env")]
    pub no_key: bool,
}

/// What `mesoclaw provider update` takes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Its id
    pub id: String,

    /// Its new address
    #[arg(long, value_name = "URL")]
    pub base_url: String,

    /// Its name for people
    #[arg(long)]
    pub name: Option<String>,

    /// The `api-version` of an Azure address
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<String>,
}

/// What `mesoclaw provider model-add` takes.
#[derive(Args, Clone, Debug)]
pub struct ModelAddArgs {
    /// Id of the provider
    pub id: String,

    /// The model as the provider names it
    pub model: String,

    /// Its name for people
    #[arg(long)]
    pub name: Option<String>,

    /// Tokens of prompt and answer together (k and M are understood)
    #[arg(long, value_name = "TOKENS", value_parser = parse_tokens)]
    pub context: Option<u32>,

    /// Tokens of an answer (k and M are understood)
    #[arg(long, value_name = "TOKENS", value_parser = parse_tokens)]
    pub output: Option<u32>,

    /// It calls tools by itself
    #[arg(long, overrides_with = "no_tools")]
    pub tools: bool,

    /// It does not: it is told of tools in the prompt
    #[arg(long, overrides_with = "tools")]
    pub no_tools: bool,

    /// It sees images
    #[arg(long, overrides_with = "no_vision")]
    pub vision: bool,

    /// It does not
    #[arg(long, overrides_with = "vision")]
    pub no_vision: bool,

    /// What it costs.
    #[command(flatten)]
    pub price: PriceArgs,
}

/// Prices in millionths of a dollar for a million tokens.
#[derive(Args, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PriceArgs {
    /// Dollars for a million tokens of the prompt
    #[arg(id = "input_price", long = "price-input", value_name = "USD", value_parser = parse_usd, requires = "output_price")]
    pub input: Option<u64>,

    /// Dollars for a million tokens of the answer
    #[arg(id = "output_price", long = "price-output", value_name = "USD", value_parser = parse_usd, requires = "input_price")]
    pub output: Option<u64>,

    /// Dollars for a million tokens read from a cache
    #[arg(id = "cached_price", long = "price-cached", value_name = "USD", value_parser = parse_usd, requires = "input_price")]
    pub cached: Option<u64>,

    /// Dollars for a million tokens written to a cache
    #[arg(id = "cache_write_price", long = "price-cache-write", value_name = "USD", value_parser = parse_usd, requires = "input_price")]
    pub cache_write: Option<u64>,
}
