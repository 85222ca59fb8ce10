//! The daemon's side of a helper: starts it, hands it the order, hears its reports.

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command;

use super::descendants;
use super::wire::{Order, Report};
use crate::direct::{Direct, Word};
use crate::pump::Pump;
use crate::{HELPER_WORD, Level, RunOptions, Sandbox, SandboxError, Spec, Status};

/// A running program.
pub(crate) enum Child {
    Direct(Direct),
    Supervised(Supervised),
}

/// A program under a helper.
pub(crate) struct Supervised {
    helper: tokio::process::Child,
    /// Closing it tells the helper to end everything.
    leash: Option<OwnedWriteHalf>,
    reports: Lines<BufReader<OwnedReadHalf>>,
    is_started: bool,
}

impl Child {
    pub async fn start(
        sandbox: &Sandbox,
        spec: &Spec,
        options: &RunOptions,
        temp: &Path,
    ) -> Result<Self, SandboxError> {
        match (&sandbox.helper, sandbox.level) {
            (Some(_), _) => Supervised::start(sandbox, spec, options, temp)
                .await
                .map(Self::Supervised),
            (None, Level::Require) => Err(SandboxError::NotEnforceable {
                missing: "any restriction without a helper program".to_owned(),
            }),
            (None, Level::Off | Level::BestEffort) => {
                Direct::start(spec, "there is no helper program").map(Self::Direct)
            }
        }
    }

    pub fn outputs(&mut self) -> Pump {
        match self {
            Self::Direct(direct) => direct.outputs(),
            Self::Supervised(child) => {
                Pump::new(child.helper.stdout.take(), child.helper.stderr.take())
            }
        }
    }

    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub async fn next_word(&mut self) -> Word {
        match self {
            Self::Direct(direct) => direct.next_word().await,
            Self::Supervised(child) => child.next_word().await,
        }
    }

    pub fn kill(&mut self) {
        match self {
            Self::Direct(direct) => direct.kill(),
            Self::Supervised(child) => child.leash = None,
        }
    }

    pub async fn finish(self, grace: Duration) {
        match self {
            Self::Direct(direct) => direct.finish(grace).await,
            Self::Supervised(child) => child.finish(grace).await,
        }
    }
}

impl Supervised {
    async fn start(
        sandbox: &Sandbox,
        spec: &Spec,
        options: &RunOptions,
        temp: &Path,
    ) -> Result<Self, SandboxError> {
        let path = sandbox.helper.clone().unwrap_or_default();
        let failed = |source| SandboxError::StartHelper {
            path: path.clone(),
            source,
        };
        let (ours, theirs) = StdStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let ours = UnixStream::from_std(ours).map_err(failed)?;
        let helper = Command::new(&path)
            .arg(HELPER_WORD)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (reports, mut leash) = ours.into_split();
        let order = serde_json::to_vec(&Order::new(sandbox.level, spec, options, temp));
        let mut order = order.map_err(|error| SandboxError::SendOrder {
            source: error.into(),
        })?;
        order.push(b'\n');
        match leash.write_all(&order).await {
            Ok(()) => {}
            // It ended without reading.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                return Err(SandboxError::NoAnswer);
            }
            Err(source) => return Err(SandboxError::SendOrder { source }),
        }
        Ok(Self {
            helper,
            leash: Some(leash),
            reports: BufReader::new(reports).lines(),
            is_started: false,
        })
    }

    async fn next_word(&mut self) -> Word {
        let line = self.reports.next_line().await.ok().flatten();
        let report = line.and_then(|line| serde_json::from_str(&line).ok());
        match report {
            Some(Report::Started(enforced)) => {
                self.is_started = true;
                Word::Started(enforced)
            }
            Some(Report::Ended(status)) => Word::Ended(status),
            Some(Report::Refused(refusal)) => Word::Refused(refusal.into()),
            None if self.is_started => {
                // The helper was killed. What it ran may hold the outputs open.
                if let Some(session) = self.helper.id() {
                    descendants::kill_session(session);
                }
                Word::Ended(Status::Lost)
            }
            None => Word::Refused(SandboxError::NoAnswer),
        }
    }

    async fn finish(mut self, grace: Duration) {
        self.leash = None;
        let session = self.helper.id();
        let ended = tokio::time::timeout(grace, self.helper.wait()).await;
        let ended_well = matches!(&ended, Ok(Ok(status)) if status.success());
        if let Some(session) = session
            && !ended_well
        {
            // Without the helper, what is left is known by its session.
            self.helper.start_kill().ok();
            descendants::kill_session(session);
            tokio::time::timeout(grace, self.helper.wait()).await.ok();
        }
    }
}
