//! The part of the tree about keys. A secret on the command line is kept masked from here on.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mesoclaw_api::secret::SecretText;

use super::values::parse_secret;

/// Keys and other secrets.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Keep the key of a provider
    ///
    /// Without an option it asks on a terminal, without showing what is typed, and reads stdin
    /// where that is a pipe or a file.
    Set {
        /// Id of the provider
        provider: String,
        /// Where the key comes from.
        #[command(flatten)]
        source: SecretArgs,
    },
    /// List the names of what is kept, and where
    List,
    /// Delete the key of a provider
    Remove {
        /// Id of the provider
        provider: String,
    },
    /// Try the key of a provider: the same as `provider test`
    Test {
        /// Id of the provider
        provider: String,
        /// The model to ask
        #[arg(long)]
        model: Option<String>,
    },
    /// Let the key of a provider go to the host of its present address
    Confirm {
        /// Id of the provider
        provider: String,
    },
    /// Use a key variable of the shell from now on without asking
    Allow {
        /// Its name, such as OPENAI_API_KEY
        variable: String,
    },
    /// Ask again before a key variable of the shell is used
    Disallow {
        /// Its name
        variable: String,
    },
    /// Tell where keys are kept and what that protects against, or choose the place
    ///
    /// What is kept already is moved to the new place.
    Store {
        /// The place
        #[arg(value_enum)]
        place: Option<Place>,
        /// The passphrase of the file.
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Move everything that is kept to another place
    Migrate {
        /// The place
        #[arg(long, value_enum)]
        to: Place,
        /// The passphrase of the file.
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Open the encrypted file with its passphrase
    Unlock {
        /// Read the passphrase from this file
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Take the passphrase from this environment variable
        #[arg(long, value_name = "VAR", conflicts_with = "passphrase_file")]
        passphrase_env: Option<String>,
    },
    /// Change how the encrypted file is protected
    ///
    /// Without options the new passphrase is asked for, and the present one where there is one.
    Passphrase {
        /// Protect it with a random key beside it instead
        #[arg(long, conflicts_with = "passphrase")]
        none: bool,
        /// The new passphrase.
        #[command(flatten)]
        new: PassphraseArgs,
        /// Read the present passphrase from this file
        #[arg(long, value_name = "FILE")]
        current_file: Option<PathBuf>,
        /// Take the present passphrase from this environment variable
        #[arg(long, value_name = "VAR", conflicts_with = "current_file")]
        current_env: Option<String>,
    },
    /// Keep a secret of a channel
    SetChannel {
        /// The channel
        channel: String,
        /// The field, such as `token`
        field: String,
        /// Where the secret comes from.
        #[command(flatten)]
        source: SecretArgs,
    },
    /// Delete a secret of a channel
    RemoveChannel {
        /// The channel
        channel: String,
        /// The field
        field: String,
    },
    /// Keep a secret under any name
    SetRaw {
        /// The name
        name: String,
        /// Where the secret comes from.
        #[command(flatten)]
        source: SecretArgs,
    },
    /// Delete a secret by its name
    RemoveRaw {
        /// The name
        name: String,
    },
}

/// Where a secret comes from.
#[derive(Args, Clone, Default, Debug)]
pub struct SecretArgs {
    /// The secret itself: it works, but everybody on this machine can see it
    #[arg(value_parser = parse_secret, conflicts_with_all = ["stdin", "file", "env"])]
    pub value: Option<SecretText>,

    /// Read it from stdin
    #[arg(long, conflicts_with_all = ["file", "env"])]
    pub stdin: bool,

    /// Read it from this file
    #[arg(long, value_name = "PATH", conflicts_with = "env")]
    pub file: Option<PathBuf>,

    /// Take it from this environment variable
    #[arg(long, value_name = "VAR")]
    pub env: Option<String>,
}

/// Where a passphrase comes from.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct PassphraseArgs {
    /// Protect the file with a passphrase, asked for twice
    #[arg(long)]
    pub passphrase: bool,

    /// Protect the file with the passphrase in this file
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    pub passphrase_file: Option<PathBuf>,

    /// Protect the file with the passphrase in this environment variable
    #[arg(long, value_name = "VAR", conflicts_with_all = ["passphrase", "passphrase_file"])]
    pub passphrase_env: Option<String>,
}

/// A place for secrets.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The keyring of the operating system.
    Keyring,
    /// An encrypted file.
    File,
}
