//! How a program ended and what it said.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Captured, Enforced};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It returned this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// It was given up: it did not end in time after it was killed.
    Lost,
}

impl Status {
    /// Whether it returned 0.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// Why a program was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// It ran longer than it may.
    TimeLimit,
    /// Someone cancelled it.
    Cancelled,
    /// It wrote more than [`RunOptions::flood_bytes`](crate::RunOptions).
    Flood,
}

/// A program that has ended, with all its descendants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// Why it was ended from outside; `None` when it ended by itself.
    pub stopped: Option<Stopped>,
    /// Its output, or both streams in the order of arrival when they were merged.
    pub stdout: Captured,
    /// Its error output; empty when merged.
    pub stderr: Captured,
    /// How long it ran.
    pub duration: Duration,
    /// What was enforced on it.
    pub enforced: Enforced,
}

impl Finished {
    /// Whether the time limit ended it.
    pub fn is_timed_out(&self) -> bool {
        self.stopped == Some(Stopped::TimeLimit)
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.stopped == Some(Stopped::Cancelled)
    }
}
