//! What stdin, stdout and the terminal are. Nothing here writes escape sequences.

use std::io::{self, IsTerminal};
use std::time::Duration;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

pub use platform::{
    HiddenInput, Signals, TerminalMode, discard_typed, make_private, raw_stdin, read_fresh_line,
    read_hidden_line, terminate, write_stdout,
};

/// The columns of a terminal that does not tell.
const USUAL_COLUMNS: usize = 80;

/// How many columns a line may have.
pub fn columns() -> usize {
    platform::columns().unwrap_or(USUAL_COLUMNS)
}

/// How long a pipe beside arguments may stay silent before it is left alone.
pub const PIPE_PATIENCE: Duration = Duration::from_millis(200);

/// What stdin is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StdinKind {
    /// A person.
    Terminal,
    /// A regular file.
    File,
    /// A pipe that has data, or has ended.
    PipeWithData,
    /// A pipe that has said nothing so far.
    SilentPipe,
    /// Anything else: `/dev/null`, a socket.
    Other,
}

/// What stdout is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StdoutKind {
    /// A person.
    Terminal,
    /// A pipe, a file, anything else.
    Other,
}

/// What stdin of this process is; a pipe gets `patience` to show data.
pub fn stdin_kind(patience: Duration) -> StdinKind {
    if io::stdin().is_terminal() {
        return StdinKind::Terminal;
    }
    match platform::stdin_file() {
        platform::StdinFile::Regular => StdinKind::File,
        platform::StdinFile::Pipe if platform::stdin_has_data(patience) => StdinKind::PipeWithData,
        platform::StdinFile::Pipe => StdinKind::SilentPipe,
        platform::StdinFile::Other => StdinKind::Other,
    }
}

/// What stdout of this process is.
pub fn stdout_kind() -> StdoutKind {
    if io::stdout().is_terminal() {
        StdoutKind::Terminal
    } else {
        StdoutKind::Other
    }
}

/// What the terminal can do, for `doctor` and for the choice of the line editor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terminal {
    /// `TERM`; `None` when it is unset or empty.
    pub name: Option<String>,
    /// Whether it can move its cursor.
    pub can_edit: bool,
    /// Whether the locale is UTF-8.
    pub is_utf8: bool,
}

impl Terminal {
    /// The terminal of this process, as its environment describes it.
    pub fn of_process() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let name = set("TERM");
        // The first of these that is set decides, as in the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let is_plain = set("ACCESSIBLE").is_some_and(|value| value != "0");
        Self {
            can_edit: !is_plain
                && (cfg!(windows)
                    || name.as_deref().is_some_and(|name| {
                        !matches!(name, "dumb" | "cons25" | "emacs" | "unknown")
                    })),
            is_utf8: locale.is_some_and(|value| {
                let value = value.to_ascii_lowercase();
                value.contains("utf-8") || value.contains("utf8")
            }),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_follows_the_environment() {
        let check = |variables: &[(&str, &str)], can_edit, is_utf8| {
            let terminal = Terminal::from_variables(|name| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(
                (terminal.can_edit, terminal.is_utf8),
                (can_edit, is_utf8),
                "{variables:?}"
            );
        };
        check(&[("TERM", "xterm"), ("LANG", "de_DE.UTF-8")], true, true);
        check(&[("TERM", "vt100"), ("LANG", "C")], true, false);
        check(&[("TERM", "dumb"), ("LC_ALL", "C.utf8")], false, true);
        check(&[], false, false);
        check(&[("TERM", "")], false, false);
        check(&[("TERM", "xterm"), ("ACCESSIBLE", "1")], false, false);
        check(&[("TERM", "xterm"), ("ACCESSIBLE", "0")], true, false);
        check(
            &[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "en_US.UTF-8")],
            true,
            false,
        );
    }
}
