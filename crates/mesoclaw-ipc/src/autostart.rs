//! Connects to the daemon and starts it when it is not there.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use mesoclaw_api::ops::daemon::Hello;
use tokio::time::Instant;

use crate::client::{Client, ClientOptions};
use crate::endpoint::Endpoint;
use crate::error::IpcError;
use crate::lock;
use crate::platform::{self, Blocked};

/// First wait between two tries; each is half as long again as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How much of the daemon's last words goes into an error.
const LOG_TAIL_BYTES: u64 = 2048;

/// How to reach the daemon, and how to start it.
#[derive(Clone, Debug)]
pub struct StartPlan {
    /// Where it listens, unless its lock file says otherwise.
    pub endpoint: Endpoint,
    /// Its lock file, read first.
    pub lock_file: PathBuf,
    /// The program to start.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables it gets besides those of this process.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of this process it does not get: the daemon serves others too, for longer.
    pub withheld_env: Vec<OsString>,
    /// Where its stderr goes; `None` = nowhere.
    pub log_file: Option<PathBuf>,
    /// How long it may take until it listens, usually 3 s.
    pub timeout: Duration,
}

/// A daemon that was started and may not listen yet.
struct Starting {
    child: Child,
    log: Option<Log>,
    exit: Option<ExitStatus>,
}

/// The log file, and where the lines of this start begin.
struct Log {
    file: File,
    begin: u64,
}

/// Connects; when no daemon is there, starts one and connects to it. The last value says whether
/// the daemon was started here.
///
/// Clients that do this at the same moment start several, of which the lock lets one live; all of
/// them end up at that one.
///
/// # Errors
/// What listens is not ours or refuses the client, or the daemon does not start. The error then
/// has the end of what it wrote to stderr.
pub async fn connect_or_start(
    plan: &StartPlan,
    options: ClientOptions,
) -> Result<(Client, Hello, bool), IpcError> {
    let deadline = Instant::now() + plan.timeout;
    let mut wait = FIRST_WAIT;
    let mut starting: Option<Starting> = None;
    let mut was_held = false;
    loop {
        // Looked at before the connection is tried: a daemon that ends just after is seen next.
        let failed = starting.as_mut().and_then(Starting::failed);
        if let Some((client, hello)) = try_connect(plan, &options).await? {
            let is_started = starting.is_some_and(|starting| starting.finish(&hello));
            return Ok((client, hello, is_started));
        }
        // Somebody who holds the lock and does not listen is a daemon that starts or stops.
        let is_held = lock::is_held(&plan.lock_file);
        was_held |= is_held;
        match (&mut starting, failed) {
            (None, _) if !is_held => starting = Some(Starting::new(plan)?),
            (Some(ended), Some(status)) if !is_held => {
                if !std::mem::take(&mut was_held) {
                    return Err(IpcError::StartFailed {
                        status,
                        log_tail: ended.log_tail(),
                    });
                }
                // It gave way to one that is gone by now.
                starting = Some(Starting::new(plan)?);
            }
            _ => {}
        }
        if Instant::now() >= deadline {
            return Err(IpcError::StartTimeout {
                after: plan.timeout,
                log_tail: starting
                    .as_mut()
                    .map(Starting::log_tail)
                    .unwrap_or_default(),
            });
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(LONGEST_WAIT);
    }
}

/// Tries the socket the lock file names, then the usual one. `None`: nobody listens.
async fn try_connect(
    plan: &StartPlan,
    options: &ClientOptions,
) -> Result<Option<(Client, Hello)>, IpcError> {
    let named = lock::read(&plan.lock_file).map(|info| Endpoint::new(info.socket));
    let usual = Some(plan.endpoint.clone()).filter(|usual| named.as_ref() != Some(usual));
    for endpoint in [named, usual].into_iter().flatten() {
        match Client::connect(&endpoint, options.clone()).await {
            Ok(connected) => return Ok(Some(connected)),
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

impl Starting {
    fn new(plan: &StartPlan) -> Result<Self, IpcError> {
        let log = plan.log_file.as_ref().map(|path| {
            Log::open(path).map_err(|source| IpcError::OpenLog {
                path: path.clone(),
                source,
            })
        });
        let log = log.transpose()?;
        let start = |source| IpcError::Start {
            program: plan.program.clone(),
            source,
        };
        let stderr = match &log {
            Some(log) => Stdio::from(log.file.try_clone().map_err(start)?),
            None => Stdio::null(),
        };
        let mut command = Command::new(&plan.program);
        for name in &plan.withheld_env {
            command.env_remove(name);
        }
        command
            .args(&plan.args)
            .envs(plan.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        platform::detach(&mut command);
        let child = command.spawn().map_err(start)?;
        tracing::info!(pid = child.id(), program = %plan.program.display(), "started the daemon");
        Ok(Self {
            child,
            log,
            exit: None,
        })
    }

    /// How the daemon ended, when it did not end well. One that ends well has left a daemon behind.
    fn failed(&mut self) -> Option<ExitStatus> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait().ok().flatten();
        }
        self.exit.filter(|status| !status.success())
    }

    /// Whether this start led to the daemon that answered, and not the faster one of another client.
    ///
    /// A daemon that lost is ended: it waits for the lock for a moment, and would take the place
    /// of one that is stopped just then.
    fn finish(mut self, hello: &Hello) -> bool {
        if self.child.id() == hello.pid {
            return true;
        }
        let exit = self.exit.or_else(|| self.child.try_wait().ok().flatten());
        if exit.is_none()
            && let Err(error) = self.child.kill()
        {
            tracing::debug!(%error, "could not end a superfluous daemon");
        }
        exit.is_some_and(|status| status.success())
    }

    fn log_tail(&mut self) -> String {
        let Some(log) = &mut self.log else {
            return String::new();
        };
        log.tail().unwrap_or_else(|error| {
            tracing::debug!(%error, "could not read the log of the daemon");
            String::new()
        })
    }
}

impl Log {
    fn open(path: &std::path::Path) -> io::Result<Self> {
        let file = platform::open_private(path, true).map_err(|blocked| match blocked {
            Blocked::Found(found) => io::Error::other(found.to_string()),
            Blocked::Io(error) => error,
        })?;
        let begin = file.metadata()?.len();
        Ok(Self { file, begin })
    }

    fn tail(&mut self) -> io::Result<String> {
        let end = self.file.metadata()?.len();
        let from = self.begin.max(end.saturating_sub(LOG_TAIL_BYTES));
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&self.file).take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }
}
