//! What ends a run from outside: Ctrl-C, SIGTERM, the end of the time.

use std::time::Duration;

use mesoclaw_api::{ApiError, ErrorCode};
use tokio::time::{Instant, sleep_until};

use crate::exit::{CliResult, INTERRUPTED, TERMINATED, TIMEOUT};
use crate::term::Signals;

/// Why a run has to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// `--timeout` is over.
    Timeout,
}

impl Stop {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => INTERRUPTED,
            Self::Terminate => TERMINATED,
            Self::Timeout => TIMEOUT,
        }
    }

    /// The word in the `outcome` field of JSON output.
    pub fn status(self) -> &'static str {
        match self {
            Self::Interrupt | Self::Terminate => "cancelled",
            Self::Timeout => "timeout",
        }
    }
}

/// Listens for stops. From its making on, signals no longer end the process by themselves.
pub struct Stops {
    signals: Signals,
    deadline: Option<Instant>,
}

impl Stops {
    /// Starts to listen; needs a running runtime.
    ///
    /// # Errors
    /// The system refuses signal handlers.
    pub fn listen(timeout: Option<Duration>) -> CliResult<Self> {
        let signals = Signals::listen().map_err(|error| {
            ApiError::new(
                ErrorCode::Io,
                format!("could not listen for signals: {error}"),
            )
        })?;
        Ok(Self {
            signals,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
        })
    }

    /// The next stop. The end of the time comes once.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Stop {
        let Some(deadline) = self.deadline else {
            return self.signals.next().await;
        };
        tokio::select! {
            biased;
            stop = self.signals.next() => stop,
            () = sleep_until(deadline) => {
                self.deadline = None;
                Stop::Timeout
            }
        }
    }
}
