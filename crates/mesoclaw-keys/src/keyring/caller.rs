//! Calls to the keyring on a thread of its own, each waited for only so long: a keyring may put up
//! a prompt that nobody answers.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use keyring_core::{CredentialStore, Error};

use crate::error::KeyringFailure;

/// Connects to a keyring.
pub(crate) type Opener = Arc<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync>;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Calls that wait for one thread; further ones are refused.
const N_WAITING_JOBS: usize = 16;

/// Threads that live at one time; all but one of them wait for a keyring that does not answer.
const MOST_THREADS: usize = 4;

/// An idle connection is closed, with the threads it has.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Caller {
    opener: Opener,
    limit: Duration,
    current: Mutex<Option<Worker>>,
    /// Held by each thread, so that the count tells how many live.
    life: Arc<()>,
}

#[derive(Clone)]
struct Worker {
    jobs: SyncSender<Job>,
    /// Set when nobody waits for its answers any more.
    is_given_up: Arc<AtomicBool>,
}

struct Connection {
    opener: Opener,
    store: Option<Arc<CredentialStore>>,
}

impl Caller {
    pub(super) fn new(opener: Opener, limit: Duration) -> Self {
        Self {
            opener,
            limit,
            current: Mutex::new(None),
            life: Arc::new(()),
        }
    }

    /// Does the work on the thread. A connection that broke is renewed once, so the work may be
    /// done twice.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&CredentialStore) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, KeyringFailure> {
        let (worker, answer) = self.send(work)?;
        match answer.recv_timeout(self.limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.give_up(&worker);
                Err(KeyringFailure::Answer {
                    limit_ms: self.limit.as_millis() as u64,
                })
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.give_up(&worker);
                Err(KeyringFailure::Run)
            }
        }
    }

    fn send<T: Send + 'static>(
        &self,
        work: impl Fn(&CredentialStore) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<(Worker, Receiver<Result<T, KeyringFailure>>), KeyringFailure> {
        let (reply, answer) = sync_channel(1);
        let worker = self.worker()?;
        let is_given_up = Arc::clone(&worker.is_given_up);
        let job = Box::new(move |connection: &mut Connection| {
            // Whoever asked was told that it failed, so it must not happen later.
            if !is_given_up.load(Ordering::Acquire) {
                // Nobody listens when the time was up meanwhile.
                reply.send(connection.run(&work)).ok();
            }
        });
        match worker.jobs.try_send(job) {
            Ok(()) => Ok((worker, answer)),
            Err(TrySendError::Full(_)) => Err(KeyringFailure::FinishEarlier),
            Err(TrySendError::Disconnected(_)) => {
                self.give_up(&worker);
                Err(KeyringFailure::Run)
            }
        }
    }

    fn worker(&self) -> Result<Worker, KeyringFailure> {
        let mut current = self.current();
        if let Some(worker) = &*current {
            return Ok(worker.clone());
        }
        if Arc::strong_count(&self.life) > MOST_THREADS {
            return Err(KeyringFailure::FinishEarlier);
        }
        let (jobs, waiting) = sync_channel(N_WAITING_JOBS);
        let worker = Worker {
            jobs,
            is_given_up: Arc::default(),
        };
        let connection = Connection {
            opener: Arc::clone(&self.opener),
            store: None,
        };
        let life = Arc::clone(&self.life);
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                connection.serve(&waiting);
                drop(life);
            })
            .map_err(|source| KeyringFailure::Connect(Box::new(source)))?;
        *current = Some(worker.clone());
        Ok(worker)
    }

    /// The next call gets a new thread; this one ends when its keyring answers.
    fn give_up(&self, worker: &Worker) {
        worker.is_given_up.store(true, Ordering::Release);
        let mut current = self.current();
        let is_current = |other: &Worker| Arc::ptr_eq(&other.is_given_up, &worker.is_given_up);
        if current.as_ref().is_some_and(is_current) {
            *current = None;
        }
    }

    /// A panic elsewhere leaves the worker as it was, so poison means nothing here.
    fn current(&self) -> MutexGuard<'_, Option<Worker>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut caller = f.debug_struct("Caller");
        caller.field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Connection {
    /// Until nobody can send jobs any more.
    fn serve(mut self, waiting: &Receiver<Job>) {
        loop {
            let job = if self.store.is_none() {
                waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                waiting.recv_timeout(IDLE)
            };
            match job {
                Ok(job) => job(&mut self),
                Err(RecvTimeoutError::Timeout) => self.store = None,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn run<T>(
        &mut self,
        work: &impl Fn(&CredentialStore) -> keyring_core::Result<T>,
    ) -> Result<T, KeyringFailure> {
        let was_open = self.store.is_some();
        let result = self.run_once(work);
        // The keyring, or the bus it is on, may have been restarted since the last call.
        if was_open && matches!(result, Err(KeyringFailure::Do(_))) {
            return self.run_once(work);
        }
        result
    }

    fn run_once<T>(
        &mut self,
        work: &impl Fn(&CredentialStore) -> keyring_core::Result<T>,
    ) -> Result<T, KeyringFailure> {
        let store = if let Some(store) = &self.store {
            Arc::clone(store)
        } else {
            let opened = (self.opener)().map_err(cannot_connect)?;
            Arc::clone(self.store.insert(opened))
        };
        let result = work(&*store).map_err(KeyringFailure::from);
        if matches!(result, Err(KeyringFailure::Do(_))) {
            self.store = None;
        }
        result
    }
}

fn cannot_connect(error: Error) -> KeyringFailure {
    match KeyringFailure::from(error) {
        KeyringFailure::Do(source) => KeyringFailure::Connect(source),
        other => other,
    }
}
