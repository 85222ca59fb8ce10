//! The one place that writes to stdout and stderr for commands: sanitised on a terminal, as it is in
//! a pipe, with a broken pipe as an error that ends the program quietly.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use mesoclaw_api::{ApiError, Timestamp};
use serde::Serialize;

use crate::exit::{CliError, CliResult};
use crate::sanitise::{for_terminal, one_line};

/// Where and how a command speaks.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// `--json`: results and errors are JSON.
    pub json: bool,
    /// `--quiet`: no notes, only results and errors.
    pub quiet: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
}

impl Console {
    /// The console of this process.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self {
            json,
            quiet,
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Whether a person can be asked: stdin and stderr are terminals.
    pub fn can_ask(self) -> bool {
        self.stderr_is_terminal && io::stdin().is_terminal()
    }

    /// Writes to stdout.
    pub fn print(self, text: &str) -> CliResult<()> {
        let mut stdout = io::stdout().lock();
        if self.stdout_is_terminal {
            stdout.write_all(for_terminal(text).as_bytes())?;
        } else {
            stdout.write_all(text.as_bytes())?;
        }
        stdout.flush()?;
        Ok(())
    }

    /// Writes a line to stdout.
    pub fn line(self, text: &str) -> CliResult<()> {
        self.print(&format!("{text}\n"))
    }

    /// Writes a value as one line of JSON to stdout.
    pub fn value<T: Serialize>(self, value: &T) -> CliResult<()> {
        let text = serde_json::to_string(value).map_err(ApiError::unserialisable)?;
        self.line(&text)
    }

    /// The answer of a command: `value` with `--json`, else the text without its last line end.
    pub fn result<T: Serialize>(self, value: &T, text: &str) -> CliResult<()> {
        if self.json {
            self.value(value)
        } else if text.is_empty() {
            Ok(())
        } else {
            self.line(text.strip_suffix('\n').unwrap_or(text))
        }
    }

    /// Confirms on stdout what a command did; nothing with `--quiet`, a value with `--json`.
    pub fn done<T: Serialize>(self, value: &T, text: &str) -> CliResult<()> {
        if self.quiet && !self.json {
            return Ok(());
        }
        self.result(value, text)
    }

    /// Something a person should know, on stderr; nothing with `--quiet`.
    pub fn note(self, text: &str) {
        if !self.quiet {
            self.say(&format!("mesoclaw: {text}\n"));
        }
    }

    /// How far a long work is, on stderr, only where somebody looks.
    pub fn progress(self, text: &str) {
        if !self.quiet && self.stderr_is_terminal {
            self.say(&format!("mesoclaw: {text}\n"));
        }
    }

    /// Writes to stderr as it is, without a line end: questions, progress bars.
    pub fn say(self, text: &str) {
        let mut stderr = io::stderr().lock();
        let written = if self.stderr_is_terminal {
            stderr.write_all(for_terminal(text).as_bytes())
        } else {
            stderr.write_all(text.as_bytes())
        };
        // There is nobody left who could be told that stderr is gone.
        written.and_then(|()| stderr.flush()).ok();
    }

    /// Goes back to the start of the line on stderr and writes over it. Only for progress bars on
    /// a terminal that can do more than append.
    pub fn overwrite(self, text: &str) {
        if self.quiet {
            return;
        }
        let mut stderr = io::stderr().lock();
        let line = format!("\r{:<78}\r{}", "", one_line(text));
        // A progress bar that cannot be shown is no loss.
        stderr
            .write_all(line.as_bytes())
            .and_then(|()| stderr.flush())
            .ok();
    }

    /// Reports an error on stderr: text with the hint below, or one object with `--json`.
    pub fn error(self, error: &ApiError) {
        let text = if self.json {
            serde_json::to_string(error).unwrap_or_default()
        } else {
            error_text(error)
        };
        self.say(&(text + "\n"));
    }

    /// Reports how a command ended, if it did not end well, and gives the exit code.
    pub fn finish(self, result: CliResult) -> u8 {
        match result {
            Ok(code) => code,
            Err(error) => {
                if let CliError::Api(api) = &error {
                    self.error(api);
                }
                error.exit_code()
            }
        }
    }
}

/// An error in words: the message, and the hint on lines of its own.
pub fn error_text(error: &ApiError) -> String {
    let mut text = format!("mesoclaw: {}", error.message);
    for line in error.hint.iter().flat_map(|hint| hint.lines()) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

/// Answers `--version`.
pub fn version() -> ExitCode {
    let text = concat!("mesoclaw ", env!("CARGO_PKG_VERSION"), "\n");
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(CliError::from(error).exit_code()),
    }
}

/// Adds formatted text.
pub fn push(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a `String` never fails.
    text.write_fmt(more).ok();
}

/// Rows as text in columns, each as wide as its widest cell; the last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0; columns];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let padding = width - cell.chars().count();
            line.push_str(cell);
            line.push_str(&" ".repeat(padding + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A word the way a shell takes it, for commands in hints.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The beginning of an id, as long as lists show it.
pub fn short_id(id: &str) -> String {
    id.chars().take(8).collect()
}

/// A moment to the minute.
pub fn minute(at: &Timestamp) -> String {
    let text = at.as_str();
    text.get(..16).unwrap_or(text).replace('T', " ")
}

/// A number of bytes for people.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut name = "B";
    for unit in UNITS {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        name = unit;
    }
    format!("{value:.1} {name}")
}

/// A number of seconds for people.
pub fn duration(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        3600..86_400 => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
        _ => format!("{} d {} h", secs / 86_400, secs % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [
            vec!["ID".to_owned(), "NAME".to_owned()],
            vec!["é1".to_owned(), "a b".to_owned()],
            vec!["longer".to_owned(), String::new()],
        ];
        assert_eq!(table(&rows), "ID      NAME\né1      a b\nlonger\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (92_370_000, "92.4 MB"),
            (4_700_000_000, "4.7 GB"),
        ];
        for (count, expected) in cases {
            assert_eq!(bytes(count), expected);
        }
        let times = [
            (5, "5 s"),
            (65, "1 min 5 s"),
            (3_700, "1 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (secs, expected) in times {
            assert_eq!(duration(secs), expected);
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (text, expected) in [
            ("demo-1", "demo-1"),
            ("a b", "'a b'"),
            ("it's $HOME", "'it'\\''s $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }

    #[test]
    fn hints_stand_below_the_message() {
        let error = ApiError::not_found("session", "x").with_hint("one\ntwo");
        assert_eq!(
            error_text(&error),
            "mesoclaw: there is no session `x`\n  one\n  two"
        );
    }
}
