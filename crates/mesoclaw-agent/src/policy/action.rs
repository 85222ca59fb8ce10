//! `Action`: what a call would do, in the few words the policy judges.

use serde::{Deserialize, Serialize};

/// One thing a call would do. A tool lists all of them before it runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Action {
    /// Looks at harmless facts of this machine or of mesoclaw itself.
    Inspect,
    /// Reads a file.
    Read {
        /// As the call gives it.
        path: String,
    },
    /// Looks at names below a directory. A search in contents is [`Action::Read`] of it.
    List {
        /// As the call gives it.
        path: String,
    },
    /// Creates or changes a file.
    Write {
        /// As the call gives it.
        path: String,
    },
    /// Removes a file.
    Delete {
        /// As the call gives it.
        path: String,
    },
    /// Runs a command line.
    Command {
        /// The line, unchanged.
        line: String,
    },
    /// Reads an address of the network.
    Fetch {
        /// The address.
        url: String,
    },
    /// Asks a search service of the network.
    Search {
        /// What for.
        query: String,
    },
    /// Ends a process.
    Signal {
        /// The process.
        pid: u32,
    },
    /// Sends something to somebody: a message, a mail.
    Send {
        /// To whom.
        to: String,
    },
    /// Changes something that mesoclaw keeps about its user: a memory, an observation.
    Remember {
        /// What, in a few words.
        what: String,
    },
    /// Files a proposal that an owner decides later.
    Propose {
        /// What, in a few words.
        what: String,
    },
    /// Runs code that is not ours: a plugin, a tool of an MCP server.
    Foreign {
        /// Whose.
        name: String,
        /// What it does, in a few words.
        what: String,
    },
    /// Anything else; always asks.
    Other {
        /// What, in a few words.
        what: String,
    },
}
