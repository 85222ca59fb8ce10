//! The part of the tree about tools and what they changed.

use clap::{Args, Subcommand};

/// Tools of the agent.
#[derive(Subcommand, Debug)]
pub enum ToolCommand {
    /// List the tools
    List,
    /// Tell about a tool and its arguments
    Info {
        /// Its name
        name: String,
    },
    /// Run a tool by itself, judged by the same policy as a call of the model
    ///
    /// On a terminal it asks where the policy asks. In a pipe it never does: the call is denied, with
    /// the rule that asks and what would allow it. Exit codes: 0 it did its work, 1 it failed,
    /// 2 wrong arguments, 4 no such tool, 5 denied.
    Run(ToolRunArgs),
}

/// What `mesoclaw tool run` takes.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct ToolRunArgs {
    /// Its name
    pub name: String,

    /// Its arguments; a word without a name is the value of the one argument a tool needs
    #[arg(value_name = "KEY=VALUE")]
    pub words: Vec<String>,

    /// Its arguments as a JSON object; `-` reads it from stdin
    #[arg(
        long,
        value_name = "JSON",
        conflicts_with = "words",
        allow_hyphen_values = true
    )]
    pub args: Option<String>,

    /// With the workspace and the grants of this session: name or id
    #[arg(long, short, value_name = "NAME")]
    pub session: Option<String>,
}

/// What `mesoclaw undo` takes.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct UndoArgs {
    /// In this session: name or id [default: the session used last]
    #[arg(long, short, value_name = "NAME")]
    pub session: Option<String>,

    /// The files of this turn instead of the last one that changed files
    #[arg(long, value_name = "ID")]
    pub turn: Option<String>,

    /// Tell only what would be done
    #[arg(long)]
    pub dry_run: bool,

    /// List the turns that changed files
    #[arg(long, conflicts_with_all = ["turn", "dry_run"])]
    pub list: bool,
}
