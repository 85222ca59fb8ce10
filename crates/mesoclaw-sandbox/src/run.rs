//! Starts a program, watches it, and ends it: by itself, by the clock, by a word from outside, or
//! because it writes without end.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::capture::Capture;
use crate::platform::{Child, Word};
use crate::pump::{Pump, Stream};
use crate::{Enforced, Finished, Level, SandboxError, Spec, Status, Stopped};

/// How long a killed program, and outputs that someone still holds, are waited for.
const GRACE: Duration = Duration::from_secs(2);

/// Runs programs at one level of restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// How much is wanted.
    pub level: Level,
    /// The executable that calls [`enter`](crate::enter) when its first argument is
    /// [`HELPER_WORD`](crate::HELPER_WORD). `None` restricts nothing: the program gets its own
    /// process group and environment, and `require` refuses it.
    pub helper: Option<PathBuf>,
}

/// How a program is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Bytes kept of each output; what is beyond is read and dropped in the middle.
    pub output_cap_bytes: usize,
    /// Bytes of output after which the program is ended.
    pub flood_bytes: u64,
    /// How long it may run. `None` means until it ends or is cancelled.
    pub time_limit: Option<Duration>,
    /// Keep both outputs as one, in the order they were written.
    pub merge: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            output_cap_bytes: 256 * 1024,
            flood_bytes: 256 << 20,
            time_limit: Some(Duration::from_mins(2)),
            merge: false,
        }
    }
}

impl Sandbox {
    /// Runs a program to its end. `cancel` ends it early; `on_output` sees every piece of output as
    /// it arrives, uncapped.
    ///
    /// When this returns, the program and its descendants are gone.
    ///
    /// # Errors
    /// The program was not run: the specification, the helper, the restrictions or the program
    /// itself would not do. A program that fails is no error.
    ///
    /// # Cancellation
    /// Dropping the future ends the program and its descendants, without waiting for it.
    pub async fn run(
        &self,
        spec: Spec,
        options: RunOptions,
        cancel: impl Future<Output = ()> + Send,
        mut on_output: impl FnMut(Stream, &[u8]) + Send,
    ) -> Result<Finished, SandboxError> {
        check(&spec)?;
        let started = Instant::now();
        let (spec, temp) = with_temp(spec)?;
        let mut child = Child::start(self, &spec, &options, temp.path()).await?;
        let mut watch = Watch::new(options);
        let watched = watch
            .follow(&mut child, started, cancel, &mut on_output)
            .await;
        child.finish(GRACE).await;
        // The helper has removed it, where there is one. A directory full of files takes its time to
        // go; what cannot be removed of it stays, private to the user.
        let removal = tokio::task::spawn_blocking(move || temp.close());
        removal.await.ok();
        watched?;
        Ok(watch.finish(started.elapsed()))
    }
}

/// What is known of a running program.
struct Watch {
    options: RunOptions,
    stdout: Capture,
    stderr: Capture,
    enforced: Option<Enforced>,
    status: Option<Status>,
    stopped: Option<Stopped>,
}

impl Watch {
    fn new(options: RunOptions) -> Self {
        Self {
            options,
            stdout: Capture::new(options.output_cap_bytes),
            stderr: Capture::new(options.output_cap_bytes),
            enforced: None,
            status: None,
            stopped: None,
        }
    }

    /// Reads and listens until the program and its outputs have ended.
    async fn follow(
        &mut self,
        child: &mut Child,
        started: Instant,
        cancel: impl Future<Output = ()> + Send,
        on_output: &mut (impl FnMut(Stream, &[u8]) + Send),
    ) -> Result<(), SandboxError> {
        let mut pump = child.outputs();
        let mut cancel = pin!(cancel);
        let mut deadline = pin!(sleep_until(
            self.options.time_limit.map(|limit| started + limit)
        ));
        let mut grace = pin!(tokio::time::sleep(GRACE));
        while !self.is_over(&pump) {
            let stop = tokio::select! {
                piece = pump.next(), if !pump.is_dry() => {
                    piece.and_then(|(stream, piece)| self.see(stream, piece, on_output))
                }
                word = child.next_word(), if self.status.is_none() => {
                    grace.as_mut().reset(Instant::now() + GRACE);
                    self.hear(word)?;
                    None
                }
                () = &mut deadline, if self.may_stop() => Some(Stopped::TimeLimit),
                () = &mut cancel, if self.may_stop() => Some(Stopped::Cancelled),
                () = &mut grace, if !self.may_stop() => {
                    self.status.get_or_insert(Status::Lost);
                    break;
                }
            };
            if let Some(stop) = stop
                && self.may_stop()
            {
                self.stopped = Some(stop);
                child.kill();
                grace.as_mut().reset(Instant::now() + GRACE);
            }
        }
        Ok(())
    }

    fn is_over(&self, pump: &Pump) -> bool {
        self.status.is_some() && pump.is_dry()
    }

    /// Whether it still runs and nobody has ended it.
    fn may_stop(&self) -> bool {
        self.status.is_none() && self.stopped.is_none()
    }

    fn see(
        &mut self,
        stream: Stream,
        piece: &[u8],
        on_output: &mut impl FnMut(Stream, &[u8]),
    ) -> Option<Stopped> {
        match stream {
            Stream::Stderr if !self.options.merge => self.stderr.push(piece),
            Stream::Stdout | Stream::Stderr => self.stdout.push(piece),
        }
        on_output(stream, piece);
        let total = self.stdout.total() + self.stderr.total();
        (total > self.options.flood_bytes).then_some(Stopped::Flood)
    }

    fn hear(&mut self, word: Word) -> Result<(), SandboxError> {
        match word {
            Word::Started(enforced) => self.enforced = Some(enforced),
            Word::Ended(status) => self.status = Some(status),
            Word::Refused(error) => return Err(error),
        }
        Ok(())
    }

    fn finish(self, duration: Duration) -> Finished {
        Finished {
            status: self.status.unwrap_or(Status::Lost),
            stopped: self.stopped,
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            duration,
            enforced: self.enforced.unwrap_or_else(|| {
                Enforced::nothing("the program was ended before it was started")
            }),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn check(spec: &Spec) -> Result<(), SandboxError> {
    let paths = [&spec.program, &spec.cwd].into_iter();
    for path in paths.chain(&spec.write).chain(&spec.read) {
        if !path.is_absolute() {
            return Err(SandboxError::RelativePath { path: path.clone() });
        }
    }
    for (name, value) in &spec.env {
        let is_bad_name = name.is_empty() || name.contains(['=', '\0']);
        if is_bad_name || value.contains('\0') {
            return Err(SandboxError::BadEnvironment {
                name: name.escape_debug().to_string(),
            });
        }
    }
    Ok(())
}

/// Adds the private temporary directory, made here with a random name and for this user alone.
fn with_temp(mut spec: Spec) -> Result<(Spec, TempDir), SandboxError> {
    let make = || -> std::io::Result<(TempDir, PathBuf)> {
        let temp = tempfile::Builder::new().prefix("mesoclaw-run-").tempdir()?;
        let path = Path::canonicalize(temp.path())?;
        Ok((temp, path))
    };
    let (temp, path) = make().map_err(|source| SandboxError::MakeTemp { source })?;
    spec.env.retain(|(name, _)| name != "TMPDIR");
    if let Some(text) = path.to_str() {
        spec.env.push(("TMPDIR".to_owned(), text.to_owned()));
    }
    spec.write.push(path);
    Ok((spec, temp))
}
