//! The same as `unix.rs` for Windows, as far as the standard library reaches there.
//!
//! Written to the documented behaviour and type-checked only; it was not run.

use std::fs::File;
use std::io::{self, BufRead, PipeReader, Write};
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::signal::windows::{CtrlC, CtrlClose, ctrl_c, ctrl_close};
use zeroize::Zeroizing;

use crate::run::approve::asker::Typed;
use crate::run::stops::Stop;

/// A stdin that is no terminal.
pub enum StdinFile {
    /// A regular file.
    Regular,
    /// A pipe.
    Pipe,
    /// Anything else.
    Other,
}

/// What stdin is, given that it is no terminal.
pub fn stdin_file() -> StdinFile {
    let kind = io::stdin()
        .as_handle()
        .try_clone_to_owned()
        .and_then(|handle| File::from(handle).metadata());
    match kind {
        Ok(metadata) if metadata.is_file() => StdinFile::Regular,
        // Metadata of a pipe cannot be asked for there.
        Err(_) => StdinFile::Pipe,
        Ok(_) => StdinFile::Other,
    }
}

/// Whether stdin has data: a pipe cannot be asked there without reading, so it is waited for.
pub fn stdin_has_data(_patience: Duration) -> bool {
    true
}

/// Writes as much as stdout takes; this may block.
pub fn write_stdout(bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(Some(bytes.len()))
}

/// Ends a process. There is no polite way for a process without a window.
///
/// # Errors
/// There is no such process, or it belongs to somebody else.
pub fn terminate(pid: u32) -> io::Result<()> {
    let status = Command::new("taskkill")
        .args(["/F", "/PID", &pid.to_string()])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::PermissionDenied))
    }
}

/// What was typed stays: the standard library cannot discard it there.
pub fn discard_typed() {}

/// How many columns the terminal has: the standard library does not tell there.
pub fn columns() -> Option<usize> {
    None
}

/// The first line that begins after the prompt was shown. The standard library cannot forget what
/// was typed before, and cannot stop a read: a line that came at once counts as typed ahead.
///
/// # Errors
/// The terminal is gone.
pub fn read_fresh_line(_woken: &PipeReader, prompt: &dyn Fn()) -> io::Result<Typed> {
    const TOO_QUICK: Duration = Duration::from_millis(300);
    prompt();
    let asked = std::time::Instant::now();
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(Typed::End);
    }
    if asked.elapsed() < TOO_QUICK {
        return Ok(Typed::Several);
    }
    Ok(Typed::Line(line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Files below the user's profile are private there through inherited rights.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The mode of the terminal; the line editor's thread puts it back itself there.
pub struct TerminalMode;

impl TerminalMode {
    /// Nothing to save.
    pub fn save() -> Self {
        Self
    }

    /// Nothing to restore.
    pub fn restore(&self, _can_edit: bool) {}
}

/// Stdin without a buffer of its own, so that no copy of what is read stays behind.
///
/// # Errors
/// There is no stdin.
pub fn raw_stdin() -> io::Result<File> {
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Would hide what is typed; the standard library cannot do that there.
pub struct HiddenInput;

impl HiddenInput {
    /// Says that it cannot.
    ///
    /// # Errors
    /// Always.
    pub fn begin() -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// A line of the terminal with its end; never asked for, since nothing can be hidden.
///
/// # Errors
/// Always.
pub fn read_hidden_line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Ctrl-C, and the close of the console as the order to end.
pub struct Signals {
    interrupt: CtrlC,
    close: CtrlClose,
}

impl Signals {
    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// The system refuses handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            close: ctrl_close()?,
        })
    }

    /// The next signal.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.close.recv() => Stop::Terminate,
        }
    }
}
