//! What only Unix can tell about stdin, stdout, processes and the terminal.

use std::fs::{File, Permissions};
use std::io::{self, PipeReader, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, kill_process};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush,
    tcgetattr, tcgetwinsize, tcsetattr,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

use crate::run::approve::asker::Typed;
use crate::run::stops::Stop;

/// Silence after which what comes was typed with the question in sight.
const QUIET: Duration = Duration::from_millis(300);

/// What comes within this time after a line came with it.
const TOGETHER: Duration = Duration::from_millis(30);

/// A stdin that is no terminal.
pub enum StdinFile {
    /// A regular file.
    Regular,
    /// A pipe, with or without a name.
    Pipe,
    /// Anything else.
    Other,
}

/// What stdin is, given that it is no terminal.
pub fn stdin_file() -> StdinFile {
    let stdin = io::stdin();
    let kind = stdin
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| File::from(fd).metadata())
        .map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if kind.is_file() => StdinFile::Regular,
        Ok(kind) if kind.is_fifo() => StdinFile::Pipe,
        Ok(_) | Err(_) => StdinFile::Other,
    }
}

/// Whether stdin has data or has ended, waiting at most `patience`. Nothing is read.
pub fn stdin_has_data(patience: Duration) -> bool {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    is_ready(&mut fds, patience)
}

/// Writes as much as stdout takes without blocking, at most 4 KiB; `None` when it takes nothing now.
///
/// The size is what a pipe that reports room takes for sure, so a reader that stands still never
/// keeps the program from hearing a signal.
pub fn write_stdout(bytes: &[u8]) -> io::Result<Option<usize>> {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    if !is_ready(&mut fds, Duration::ZERO) {
        return Ok(None);
    }
    let piece = bytes.get(..4096).unwrap_or(bytes);
    match rustix::io::write(&stdout, piece) {
        Ok(count) => Ok(Some(count)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_ready(fds: &mut [PollFd<'_>], patience: Duration) -> bool {
    let timeout = Timespec {
        tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(patience.subsec_nanos()),
    };
    // A poll that fails says nothing: trying to read or write then shows the error itself.
    poll(fds, Some(&timeout)).map_or(true, |count| count > 0)
}

/// Asks a process to end.
///
/// # Errors
/// There is no such process, or it belongs to somebody else.
pub fn terminate(pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    Ok(kill_process(pid, rustix::process::Signal::TERM)?)
}

/// Forgets what was typed and not yet read.
pub fn discard_typed() {
    // Fails when stdin is no terminal; then nobody types.
    tcflush(io::stdin(), QueueSelector::IFlush).ok();
}

/// How many columns the terminal has, as far as it tells.
pub fn columns() -> Option<usize> {
    let sizes = [tcgetwinsize(io::stdout()), tcgetwinsize(io::stderr())];
    let columns = sizes.into_iter().find_map(Result::ok)?.ws_col;
    (columns > 0).then_some(usize::from(columns))
}

/// A line that is typed after the prompt was shown. What is typed before is forgotten: the prompt
/// comes after a while in which no key was pressed. Ends early when something comes over `woken`.
///
/// # Errors
/// Stdin is no terminal, or the terminal is gone.
pub fn read_fresh_line(woken: &PipeReader, prompt: &dyn Fn()) -> io::Result<Typed> {
    let mut piece = [0_u8; 4096];
    let deaf = Deaf::begin()?;
    loop {
        match wait(woken, Some(QUIET)) {
            Ready::Woken => return Ok(Typed::Withdrawn),
            Ready::Nothing => break,
            Ready::Typed if read_stdin(&mut piece)? == 0 => return Ok(Typed::End),
            Ready::Typed => {}
        }
    }
    drop(deaf);
    prompt();
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        match wait(woken, None) {
            Ready::Woken => {
                tcflush(io::stdin(), QueueSelector::IFlush)?;
                return Ok(Typed::Withdrawn);
            }
            Ready::Nothing => {}
            Ready::Typed => match read_stdin(&mut piece)? {
                0 => return Ok(Typed::End),
                count => line.extend_from_slice(piece.get(..count).unwrap_or_default()),
            },
        }
    }
    if matches!(wait(woken, Some(TOGETHER)), Ready::Typed) {
        tcflush(io::stdin(), QueueSelector::IFlush)?;
        return Ok(Typed::Several);
    }
    let text = String::from_utf8_lossy(&line);
    Ok(Typed::Line(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// What can be read.
enum Ready {
    Woken,
    Typed,
    Nothing,
}

fn wait(woken: &PipeReader, patience: Option<Duration>) -> Ready {
    let stdin = io::stdin();
    let mut fds = [
        PollFd::new(woken, PollFlags::IN),
        PollFd::new(&stdin, PollFlags::IN),
    ];
    let timeout = patience.map(|patience| Timespec {
        tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(patience.subsec_nanos()),
    });
    // A poll that was interrupted is one that found nothing.
    if poll(&mut fds, timeout.as_ref()).unwrap_or(0) == 0 {
        return Ready::Nothing;
    }
    let [from_pipe, from_stdin] = &fds;
    if !from_pipe.revents().is_empty() {
        Ready::Woken
    } else if from_stdin.revents().is_empty() {
        Ready::Nothing
    } else {
        Ready::Typed
    }
}

fn read_stdin(piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(io::stdin(), &mut *piece) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// A terminal that hands over each key at once and shows none; dropped, it is as it was, and what
/// was not read is gone.
struct Deaf(Termios);

impl Deaf {
    fn begin() -> io::Result<Self> {
        let mode = tcgetattr(io::stdin())?;
        let mut deaf = mode.clone();
        deaf.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL);
        deaf.local_modes.insert(LocalModes::ISIG);
        deaf.special_codes[SpecialCodeIndex::VMIN] = 1;
        deaf.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &deaf)?;
        Ok(Self(mode))
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        // The terminal may be gone (a hang-up); then there is nothing to put back.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}

/// Makes a file readable and writable for its owner alone.
pub fn make_private(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// The mode of the terminal, to give it back when a line editor is left in the middle of a line.
pub struct TerminalMode(Option<Termios>);

impl TerminalMode {
    /// The mode as it is now; nothing when stdin is no terminal.
    pub fn save() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// Puts the mode back and ends bracketed paste where `can_edit` says that it was begun.
    pub fn restore(&self, can_edit: bool) {
        let Some(mode) = &self.0 else { return };
        // The terminal may be gone (a hang-up); then there is nothing to put back.
        tcsetattr(io::stdin(), OptionalActions::Now, mode).ok();
        if can_edit {
            io::stdout().lock().write_all(b"\x1b[?2004l\n").ok();
        }
    }
}

/// Stdin without a buffer of its own, so that no copy of what is read stays behind.
///
/// # Errors
/// There is no stdin.
pub fn raw_stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Hides what is typed; dropped, the terminal is as it was.
pub struct HiddenInput(Termios);

impl HiddenInput {
    /// Begins to hide.
    ///
    /// # Errors
    /// Stdin is no terminal.
    pub fn begin() -> io::Result<Self> {
        let mode = tcgetattr(io::stdin())?;
        let mut hidden = mode.clone();
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL);
        hidden
            .local_modes
            .insert(LocalModes::ICANON | LocalModes::ISIG);
        hidden.input_modes.insert(InputModes::ICRNL);
        // Stopped or ended with a core dump, the program could not put the mode back: the keys for
        // that do nothing meanwhile.
        for key in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            hidden.special_codes[key] = 0;
        }
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self(mode))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // The terminal may be gone (a hang-up); then there is nothing to put back.
        tcsetattr(io::stdin(), OptionalActions::Now, &self.0).ok();
    }
}

/// A line of the terminal with its end; `None` at the end of the input.
///
/// # Errors
/// The terminal is gone.
pub fn read_hidden_line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // A terminal gives a line at a time, of at most 4 KiB.
    let mut line = Zeroizing::new(Vec::with_capacity(8 * 1024));
    let mut piece = Zeroizing::new([0_u8; 4096]);
    loop {
        match rustix::io::read(io::stdin(), &mut piece[..]) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => return Ok(Some(line)),
            Ok(count) => {
                line.extend_from_slice(piece.get(..count).unwrap_or_default());
                if line.last() == Some(&b'\n') || line.len() > 4096 {
                    return Ok(Some(line));
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Ctrl-C and SIGTERM.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// The system refuses signal handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
        }
    }
}
