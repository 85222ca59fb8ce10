//! Programs started without a helper: own environment, closed input, own process group where there
//! are groups. Files, network and system calls stay as they are.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::pump::Pump;
use crate::{Enforced, SandboxError, Spec, Status, group};

/// What is heard of a running program.
#[derive(Debug)]
pub(crate) enum Word {
    /// It runs, and this is enforced on it.
    Started(Enforced),
    /// It was not run, or is lost.
    Refused(SandboxError),
    /// It ended, and so did its descendants.
    Ended(Status),
}

/// A program started directly.
pub(crate) struct Direct {
    child: Child,
    pid: u32,
    words: VecDeque<Word>,
}

impl Direct {
    /// Starts the program; `why` tells why nothing is enforced on it.
    pub fn start(spec: &Spec, why: &str) -> Result<Self, SandboxError> {
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .current_dir(&spec.cwd)
            .env_clear()
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        group::own_group(&mut command);
        let child = command
            .spawn()
            .map_err(|source| SandboxError::StartProgram {
                program: spec.program.display().to_string(),
                source,
            })?;
        Ok(Self {
            pid: child.id().unwrap_or(0),
            child,
            words: VecDeque::from([Word::Started(Enforced::nothing(why))]),
        })
    }

    pub fn outputs(&mut self) -> Pump {
        Pump::new(self.child.stdout.take(), self.child.stderr.take())
    }

    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub async fn next_word(&mut self) -> Word {
        if let Some(word) = self.words.pop_front() {
            return word;
        }
        match self.child.wait().await {
            Ok(status) => {
                // What it left behind in its group goes with it.
                group::kill(self.pid);
                Word::Ended(status_of(status))
            }
            Err(source) => Word::Refused(SandboxError::Wait { source }),
        }
    }

    pub fn kill(&mut self) {
        // Once it was waited for, its id may belong to another process.
        if self.child.id().is_some() {
            group::kill(self.pid);
            // It may have ended by itself in the meantime.
            self.child.start_kill().ok();
        }
    }

    pub async fn finish(mut self, grace: Duration) {
        self.kill();
        // One that does not end in time is left to the runtime, which reaps it later.
        tokio::time::timeout(grace, self.child.wait()).await.ok();
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.kill();
    }
}

fn status_of(status: ExitStatus) -> Status {
    match status.code() {
        Some(code) => Status::Exited(code),
        None => group::signal_of(status).map_or(Status::Lost, Status::Signalled),
    }
}
