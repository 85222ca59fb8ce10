//! The part of the tree about conversations.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// Conversations.
#[derive(Subcommand, Debug)]
pub enum SessionCommand {
    /// List sessions, the latest first
    List {
        /// At most so many
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<u32>,
    },
    /// Print a conversation
    Show {
        /// Name or id
        session: String,
    },
    /// Give a session another name
    Rename {
        /// Name or id
        session: String,
        /// The new name
        title: String,
    },
    /// Copy a session
    Fork {
        /// Name or id
        session: String,
        /// Name of the copy
        #[arg(long, value_name = "NAME")]
        title: Option<String>,
        /// The last item to take along, by its id
        #[arg(long, value_name = "ITEM")]
        until: Option<String>,
    },
    /// Print the model that answers in a session, or choose it
    Model {
        /// Name or id
        session: String,
        /// The model that answers here when a message names none, or `hint:fast` and the like
        #[arg(value_name = "PROVIDER:MODEL", conflicts_with = "unset")]
        model: Option<String>,
        /// The default model answers here again
        #[arg(long)]
        unset: bool,
    },
    /// Delete a session and everything in it
    Delete {
        /// Name or id
        session: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Write a conversation in another form
    Export {
        /// Name or id
        session: String,
        /// The form
        #[arg(long, short, value_enum, default_value_t = ExportFormat::Md)]
        format: ExportFormat,
        /// Write to this file instead of stdout
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Search the contents of all sessions
    Search {
        /// Words; all must occur, the last one may be a beginning
        #[arg(required = true)]
        query: Vec<String>,
        /// Only in this session: name or id
        #[arg(long, short, value_name = "NAME")]
        session: Option<String>,
        /// At most so many places
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<u32>,
    },
    /// List the messages that wait in a session, add one, change one or take one back
    ///
    /// A message for a session where nothing runs is answered at once.
    Queue {
        /// Name or id
        session: String,
        /// A message to add
        text: Option<String>,
        /// Change the waiting message with this number or id to the text
        #[arg(long, value_name = "N", requires = "text", conflicts_with = "drop")]
        edit: Option<String>,
        /// Take back the waiting message with this number or id
        #[arg(long, value_name = "N", conflicts_with = "text")]
        drop: Option<String>,
    },
}

/// Form of an exported conversation.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// Markdown.
    Md,
    /// One JSON object.
    Json,
    /// One JSON object an item.
    Jsonl,
}
