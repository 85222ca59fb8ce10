//! The tree of commands: the one source of parsing, help, `docs/cli.md`, man pages and completions.

mod keys;
mod models;
mod permissions;
mod providers;
mod sessions;
mod tools;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use keys::{KeyCommand, PassphraseArgs, Place, SecretArgs};
pub use models::ModelCommand;
pub use permissions::{
    AllowArgs, ApprovalCommand, AuditCommand, AuditFilter, AuditFormat, AuditKindWord,
    GrantCommand, PolicyCommand, PolicyTestArgs,
};
pub use providers::{AddArgs, ModelAddArgs, PriceArgs, ProviderCommand, UpdateArgs};
pub use sessions::{ExportFormat, SessionCommand};
pub use tools::{ToolCommand, ToolRunArgs, UndoArgs};
pub use values::parse_span;

/// A light, local-first AI agent. One daemon holds the agent; this command talks to it and starts it
/// when needed.
///
/// Without a command, the words are a prompt: `mesoclaw "why is the sky blue"` is short for
/// `mesoclaw run "why is the sky blue"`, `mesoclaw` alone on a terminal is `mesoclaw chat`, and
/// `echo TEXT | mesoclaw` answers TEXT.
#[derive(Parser, Debug)]
#[command(
    name = "mesoclaw",
    version,
    override_usage = "mesoclaw [OPTIONS] [PROMPT]...\n       mesoclaw <COMMAND>",
    after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 daemon not reachable, 4 not found, 5 denied, \
                  6 not configured, 7 provider failed, 8 limit reached, 124 timeout, 130 and 143 signals.",
    max_term_width = 100
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,

    /// Options of `mesoclaw run`, which is meant when there is no command.
    #[command(flatten)]
    pub run: RunArgs,

    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Global {
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// Print no notes and no progress, only results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Use this config file
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
}

/// What `mesoclaw run` takes.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct RunArgs {
    /// The prompt; `-` stands for what stdin holds, which otherwise follows the prompt
    #[arg(value_name = "PROMPT")]
    pub words: Vec<String>,

    /// Say it in this session: name or id; a new session gets the name
    #[arg(long, short, value_name = "NAME", conflicts_with = "resume")]
    pub session: Option<String>,

    /// Say it in the session used last
    #[arg(long = "continue", short = 'c')]
    pub resume: bool,

    /// Answer with this model, or with the one set for `hint:fast`, `hint:reasoning`, `hint:vision`
    /// or `hint:summarize`
    #[arg(long, value_name = "PROVIDER:MODEL")]
    pub model: Option<String>,

    /// Say this image (PNG, JPEG, GIF or WebP) with the prompt; may be given again
    #[arg(long = "image", value_name = "FILE")]
    pub images: Vec<PathBuf>,

    /// Print events as JSON, one a line, as they happen
    #[arg(long, conflicts_with = "json")]
    pub stream_json: bool,

    /// Write the answer to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Pass the answer on line by line instead of token by token
    #[arg(long)]
    pub line: bool,

    /// Stop the turn after so many seconds and exit with 124
    #[arg(long, value_name = "SECS", value_parser = values::parse_secs)]
    pub timeout: Option<f64>,

    /// Refuse a stdin of more than so many bytes (k, M and G are understood) [default: 10M]
    #[arg(long, value_name = "BYTES", value_parser = values::parse_size)]
    pub max_input: Option<u64>,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Ask one question and print the answer
    ///
    /// Arguments are the instruction. What comes on stdin follows as a fenced block, or stands where
    /// `-` is. A word `@FILE` that names a file attaches it: an image, or the text of it; `\@` is
    /// only a character. The answer alone goes to stdout, as it is written; everything else goes to
    /// stderr.
    Run(RunArgs),
    /// Talk line by line
    Chat(ChatArgs),
    /// Start, stop and look at the daemon
    #[command(subcommand)]
    Daemon(DaemonCommand),
    /// List, read and change conversations
    #[command(subcommand)]
    Session(SessionCommand),
    /// Model files that run inside mesoclaw
    #[command(subcommand)]
    Model(ModelCommand),
    /// Read and change settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Places that answer prompts, and the default model
    #[command(subcommand)]
    Provider(Box<ProviderCommand>),
    /// Keys of providers and other secrets
    #[command(subcommand)]
    Key(KeyCommand),
    /// What the agent can do: list the tools, run one
    #[command(subcommand)]
    Tool(ToolCommand),
    /// What runs, what asks and what never runs
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Answer the calls that wait for a yes
    #[command(subcommand)]
    Approval(ApprovalCommand),
    /// Answers that count for more than one call
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Every decision and every action, in a chain that shows tampering
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Put the files back that the last turn changed
    ///
    /// Tells what was put back, what was not and why, and the commands whose changes remain. Exit
    /// codes: 0 all files are as they were, 1 some are not, 4 nothing to undo.
    Undo(UndoArgs),
    /// Set up a model, by questions
    ///
    /// Looks for model servers on this machine and for key variables, shows what it found, and uses
    /// nothing of it without a yes.
    Setup(SetupArgs),
    /// Count tokens, money and time of model calls, and show how far the budget of today goes
    Usage(UsageArgs),
    /// Check the installation and say what to do
    Doctor,
    /// Print the completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all of them to a directory
    Man {
        /// The directory
        dir: Option<PathBuf>,
    },
}

/// What `mesoclaw chat` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct ChatArgs {
    /// Talk in this session: name or id; a new session gets the name
    #[arg(long, short, value_name = "NAME", conflicts_with = "resume")]
    pub session: Option<String>,

    /// Talk in the session used last
    #[arg(long = "continue", short = 'c')]
    pub resume: bool,

    /// Answer with this model
    #[arg(long, value_name = "PROVIDER:MODEL")]
    pub model: Option<String>,

    /// Say this image (PNG, JPEG, GIF or WebP) with the first message; may be given again
    #[arg(long = "image", value_name = "FILE")]
    pub images: Vec<PathBuf>,
}

/// The daemon.
#[derive(Subcommand, Debug)]
pub enum DaemonCommand {
    /// Start it in the background
    Start,
    /// Stop it: running turns are ended and stored first
    Stop,
    /// Stop it and start it again
    Restart,
    /// Tell what runs; exits with 3 when nothing does
    Status,
    /// Run it here, in the foreground
    Run {
        /// Use this value for a setting, whatever file and environment say
        #[arg(long = "set", value_name = "KEY=VALUE")]
        overrides: Vec<String>,

        /// Started by a client: log to files only
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Print its log
    Logs {
        /// Go on printing what is added
        #[arg(long, short)]
        follow: bool,

        /// The last so many lines
        #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
        lines: usize,
    },
    /// Start it at every login: writes a systemd user unit or a launchd plist
    Install,
    /// Undo `install`
    Uninstall,
}

/// Settings.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print all settings
    Show {
        /// With where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print one setting
    Get {
        /// Its name
        key: String,
    },
    /// Change a setting
    Set {
        /// Its name
        key: String,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Set a setting back to its default
    Unset {
        /// Its name
        key: String,
    },
    /// Check the config file
    Validate,
    /// Print where the config file is
    Path,
}

/// What `mesoclaw setup` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct SetupArgs {
    /// Install a model that runs inside mesoclaw, without questions
    #[arg(long)]
    pub local: bool,
}

/// What `mesoclaw usage` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct UsageArgs {
    /// Only of this session: name or id
    #[arg(long, short, value_name = "NAME")]
    pub session: Option<String>,

    /// Only of the last so many days, today included; days are those of UTC
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,

    /// What a row is
    #[arg(long, value_enum, default_value_t = UsageBy::Model)]
    pub by: UsageBy,
}

/// What a row of the usage is.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum UsageBy {
    /// A day.
    Day,
    /// A session.
    Session,
    /// A model.
    #[default]
    Model,
    /// A scheduled job.
    Job,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn tree_is_consistent() {
        Cli::command().debug_assert();
    }
}
