//! The reader threads: each has a connection that can only look, and gives every closure one
//! snapshot of the database.
//!
//! A thread starts when a closure waits and no thread is free, so a store that is only opened
//! has none. A thread without work sleeps until there is some.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::conn;
use crate::error::{StoreError, StoreResult};
use crate::writer::{run_guarded, step};

/// Closures that wait for a thread at most; further callers wait for a place.
const WAITING_READS: usize = 256;

type Read = Box<dyn FnOnce(StoreResult<&Connection>) + Send>;

/// A pool of reader threads; its threads end when it is dropped.
pub(crate) struct Readers {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    largest: usize,
}

struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Read, OwnedSemaphorePermit)>,
    idle: usize,
    threads: Vec<JoinHandle<()>>,
    is_closed: bool,
}

impl Readers {
    /// A pool of at most `largest` threads (at least one), none of them started.
    pub fn new(path: PathBuf, largest: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                path,
                state: Mutex::default(),
                wake: Condvar::new(),
            }),
            places: Arc::new(Semaphore::new(WAITING_READS)),
            largest: largest.max(1),
        }
    }

    /// The database.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Runs a closure on one snapshot.
    pub async fn run<F, T>(&self, work: F) -> StoreResult<T>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let places = Arc::clone(&self.places);
        let place = places
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |conn| {
            let result = conn.and_then(|conn| read_snapshot(conn, work));
            // Whoever asked may be gone, and then nobody misses the answer.
            reply.send(result).ok();
        });
        self.hand_over(read, place)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Refuses new closures. Those that wait are still run.
    pub fn close(&self) -> Vec<JoinHandle<()>> {
        self.places.close();
        let mut state = self.shared.lock();
        state.is_closed = true;
        self.shared.wake.notify_all();
        std::mem::take(&mut state.threads)
    }

    fn hand_over(&self, read: Read, place: OwnedSemaphorePermit) -> StoreResult<()> {
        let mut state = self.shared.lock();
        if state.is_closed {
            return Err(StoreError::Closed);
        }
        if state.waiting.len() >= state.idle && state.threads.len() < self.largest {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new()
                .name(format!("store-read-{}", state.threads.len()))
                .spawn(move || shared.serve());
            match thread {
                Ok(thread) => state.threads.push(thread),
                // The threads there are will come to it.
                Err(error) if !state.threads.is_empty() => {
                    tracing::warn!(%error, "a reader thread could not be started");
                }
                Err(source) => return Err(StoreError::StartThread { source }),
            }
        }
        state.waiting.push_back((read, place));
        self.shared.wake.notify_one();
        Ok(())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // The threads end by themselves; nobody is left to wait for them.
        drop(self.close());
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of a thread.
    fn serve(&self) {
        let mut conn = None;
        while let Some((read, _place)) = self.next() {
            // A connection that could not be opened is tried again for the next closure.
            if conn.is_none() {
                match conn::open_reader(&self.path) {
                    Ok(opened) => conn = Some(opened),
                    Err(error) => {
                        read(Err(error));
                        continue;
                    }
                }
            }
            if let Some(conn) = &conn {
                read(Ok(conn));
            }
        }
    }

    fn next(&self) -> Option<(Read, OwnedSemaphorePermit)> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

fn read_snapshot<F, T>(conn: &Connection, work: F) -> StoreResult<T>
where
    F: FnOnce(&Connection) -> StoreResult<T>,
{
    step(conn, "BEGIN")?;
    let result = run_guarded(work, conn);
    // Nothing was written: this only lets go of the snapshot.
    if !conn.is_autocommit() {
        step(conn, "ROLLBACK")?;
    }
    result
}
