//! The part of the tree about what the agent may do: policy, requests, grants, audit.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::values::parse_span;

/// The policy.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Print the level, and what runs, asks and never runs
    Show {
        /// Only the rules
        #[arg(long)]
        rules: bool,
        /// Only the programs it knows
        #[arg(long, conflicts_with = "rules")]
        programs: bool,
    },
    /// Judge a command, or a call of another tool, without running it
    ///
    /// Prints the verdict, the rule and every part of the call. Exit codes: 0 it would run or a
    /// person would be asked (the first word says which), 5 it would be denied.
    Test(PolicyTestArgs),
}

/// What `mesoclaw policy test` takes.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct PolicyTestArgs {
    /// The command line
    #[arg(required_unless_present = "tool", conflicts_with = "tool")]
    pub command: Option<String>,

    /// Another tool
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,

    /// Its arguments as a JSON object
    #[arg(long, value_name = "JSON", requires = "tool")]
    pub args: Option<String>,

    /// By this level: strict, supervised or autonomous [default: the one that holds]
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,

    /// As if the model had read text from outside
    #[arg(long)]
    pub tainted: bool,

    /// In the workspace and with the grants of this session: name or id
    #[arg(long, short, value_name = "NAME")]
    pub session: Option<String>,
}

/// Requests for approval. An id may be a beginning of at least 4 characters.
#[derive(Subcommand, Debug)]
pub enum ApprovalCommand {
    /// List the calls that wait for an answer
    List {
        /// Also those that were answered
        #[arg(long)]
        all: bool,
        /// Only of this session: name or id
        #[arg(long, short, value_name = "NAME")]
        session: Option<String>,
    },
    /// Print everything about a request
    Show {
        /// Its id
        id: String,
    },
    /// Let the call run
    Allow(AllowArgs),
    /// Do not let the call run
    Deny {
        /// Its id
        id: String,
        /// Why not: the model sees it
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// What `mesoclaw approval allow` takes.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct AllowArgs {
    /// Its id
    pub id: String,

    /// And calls like it in this session
    #[arg(long)]
    pub session: bool,

    /// And calls like it in this workspace
    #[arg(long, conflicts_with = "session")]
    pub project: bool,

    /// And calls like it everywhere
    #[arg(long, conflicts_with_all = ["session", "project"])]
    pub always: bool,

    /// Calls like it are those of this pattern [default: those `approval show` prints]
    #[arg(long = "pattern", value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// The rule ends after this time, such as 30m, 2h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub expires: Option<u64>,

    /// Only if this is the digest of the request
    #[arg(long, value_name = "HEX")]
    pub digest: Option<String>,
}

/// Grants: answers that count for more than one call.
#[derive(Subcommand, Debug)]
pub enum GrantCommand {
    /// List the grants that count
    List {
        /// Also those that ended
        #[arg(long)]
        all: bool,
    },
    /// Tell what a pattern would allow; stores nothing
    ///
    /// Exit codes: 0, and 1 when a call was given that the pattern does not cover.
    Test {
        /// The pattern
        pattern: String,
        /// A command to hold against it
        #[arg(conflicts_with = "args")]
        command: Option<String>,
        /// Another tool than shell
        #[arg(long, value_name = "NAME")]
        tool: Option<String>,
        /// Arguments of that tool to hold against it, as a JSON object
        #[arg(long, value_name = "JSON", requires = "tool")]
        args: Option<String>,
    },
    /// Take a grant back
    Revoke {
        /// Its id, or a beginning of at least 4 characters
        id: String,
    },
}

/// The audit.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// List entries, the latest last
    List {
        /// Which ones.
        #[command(flatten)]
        filter: AuditFilter,
        /// At most so many, the latest of them
        #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Print an entry
    Show {
        /// Its number
        number: i64,
    },
    /// Check that no entry was changed, taken out or put in
    ///
    /// Exit codes: 0 all is as it was written, 1 it is not.
    Verify {
        /// A head that was printed earlier: it must still be there
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Write all entries in another form
    Export {
        /// Which ones.
        #[command(flatten)]
        filter: AuditFilter,
        /// The form
        #[arg(long, short, value_enum, default_value_t = AuditFormat::Jsonl)]
        format: AuditFormat,
        /// Write to this file instead of stdout
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Which entries of the audit.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct AuditFilter {
    /// Only of this session: name or id
    #[arg(long, short, value_name = "NAME")]
    pub session: Option<String>,

    /// Only of this tool
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,

    /// Only of this kind
    #[arg(long, value_enum)]
    pub kind: Option<AuditKindWord>,
}

/// A kind of entry.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditKindWord {
    /// The policy judged a call.
    Decision,
    /// Somebody answered a request, or time ran out.
    Approval,
    /// A call ended.
    Result,
    /// A grant was stored.
    Granted,
    /// A grant was taken back.
    Revoked,
    /// Files were put back.
    Undone,
}

/// Form of an exported audit.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditFormat {
    /// One JSON object an entry.
    Jsonl,
    /// Comma-separated values with a heading.
    Csv,
}
