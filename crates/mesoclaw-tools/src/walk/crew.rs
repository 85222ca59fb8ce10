//! The work that is left, shared by the threads of a walk.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::workspace::{Directory, Entry};

use super::rules::Rules;

/// One piece of work.
pub(super) enum Job {
    /// List a directory, relative to the root.
    Directory {
        /// Which.
        relative: PathBuf,
        /// What is left out in it.
        rules: Arc<Rules>,
    },
    /// Look at some entries of a directory.
    Files {
        /// Its handle.
        directory: Arc<Directory>,
        /// Which, relative to the root.
        relative: PathBuf,
        /// The entries.
        entries: Vec<Entry>,
    },
}

/// The work that is left, and who is at work.
pub(super) struct Crew {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    jobs: Vec<Job>,
    n_working: usize,
    n_waiting: usize,
    was_abandoned: bool,
}

impl Crew {
    pub(super) fn new(first: Job) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: vec![first],
                n_working: 0,
                n_waiting: 0,
                was_abandoned: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// A piece of work; waits for one while others may still add some. `None` when all is done.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            // The newest first: deep before wide keeps the list short.
            if let Some(job) = state.jobs.pop() {
                state.n_working += 1;
                return Some(job);
            }
            if state.n_working == 0 {
                self.changed.notify_all();
                return None;
            }
            state.n_waiting += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.n_waiting -= 1;
        }
    }

    /// Adds work.
    pub(super) fn add(&self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let mut state = self.state();
        if state.was_abandoned {
            return;
        }
        state.jobs.extend(jobs);
        if state.n_waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Says at its end that the piece taken last is done, also when a visitor breaks down: the
    /// others would wait for ever.
    pub(super) fn done_on_drop(&self) -> Done<'_> {
        Done(self)
    }

    fn done(&self) {
        let mut state = self.state();
        state.n_working -= 1;
        if state.n_working == 0 && state.jobs.is_empty() {
            self.changed.notify_all();
        }
    }

    /// Drops all work that is left.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.jobs.clear();
        state.was_abandoned = true;
    }

    pub(super) fn was_abandoned(&self) -> bool {
        self.state().was_abandoned
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of work in hand.
pub(super) struct Done<'a>(&'a Crew);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}
