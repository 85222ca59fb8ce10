//! [`Store`]: the handle everybody holds. It hands closures to the threads and waits for answers.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::conn;
use crate::error::{StoreError, StoreResult};
use crate::inspect::problems;
use crate::migrate::MIGRATIONS;
use crate::open::{self, OpenReport};
use crate::readers::Readers;
use crate::writer::{self, Closure, Command, Counters};

/// Writes that wait for the thread at most; further callers wait for a place.
const WAITING_WRITES: usize = 256;

/// Where the database is and how many threads may read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreOptions {
    /// The file; it and its directory are made when they are missing.
    pub path: PathBuf,
    /// Reader threads at most, at least one; they start when they are needed.
    pub readers: usize,
}

/// What the writer thread did since the store was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreStats {
    /// Transactions made durable.
    pub commits: u64,
    /// Writes in them.
    pub writes: u64,
}

/// A handle of the open database. Clones share the threads.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    commands: mpsc::Sender<Command>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    counters: Arc<Counters>,
}

impl Store {
    /// Opens the database, makes it when it is missing, and migrates it when it is old. Blocks.
    ///
    /// # Errors
    /// Links, files that are no database, databases of other programs and of newer versions of
    /// this one are refused and left as they are.
    pub fn open(options: StoreOptions) -> StoreResult<(Self, OpenReport)> {
        let opened = open::open(&options.path, MIGRATIONS)?;
        let (commands, receiver) = mpsc::channel(WAITING_WRITES);
        let counters = Arc::new(Counters::default());
        let conn = opened.writer;
        let thread_counters = Arc::clone(&counters);
        let thread = thread::Builder::new()
            .name("store-write".to_owned())
            .spawn(move || writer::run(conn, receiver, &thread_counters))
            .map_err(|source| StoreError::StartThread { source })?;
        let store = Self {
            inner: Arc::new(Inner {
                commands,
                writer: Mutex::new(Some(thread)),
                readers: Readers::new(opened.path, options.readers),
                counters,
            }),
        };
        Ok((store, opened.report))
    }

    /// Runs a closure on one snapshot of the database: what others write meanwhile is not seen.
    ///
    /// # Cancellation
    /// A closure that was handed over runs to its end; its answer is dropped.
    pub async fn read<F, T>(&self, work: F) -> StoreResult<T>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.readers.run(work).await
    }

    /// Runs a closure in a transaction and answers when it is on disk. All of it is stored, or
    /// nothing when it fails or panics. Writes run in the order they were handed over.
    ///
    /// # Cancellation
    /// A write that was handed over is stored even if nobody waits for it any more. Dropped while
    /// it waits for a place in the queue, it is not done.
    pub async fn write<F, T>(&self, work: F) -> StoreResult<T>
    where
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let (write, answer) = Closure::new(work);
        self.inner
            .commands
            .send(Command::Write(Box::new(write)))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Refuses new work, does what waits, writes the log back into the file and ends the threads.
    /// A second call does nothing.
    ///
    /// # Cancellation
    /// Dropped before its end, some threads may still run; call it again.
    pub async fn close(&self) {
        let readers = self.inner.readers.close();
        join(readers).await;
        if self.inner.commands.send(Command::Close).await.is_err() {
            tracing::debug!("the store is closed already");
        }
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        join(writer.into_iter().collect()).await;
    }

    /// Checks the whole database, indexes and search index included. Takes long when it is large.
    /// Empty when all is well.
    pub async fn integrity_check(&self) -> StoreResult<Vec<String>> {
        let path = self.inner.readers.path().to_owned();
        // On a connection of its own: FTS5 checks against the structure a connection remembers
        // from its last search, and finds faults that are none when others wrote since.
        self.read(move |_| problems(&conn::open_reader(&path)?, "PRAGMA integrity_check"))
            .await
    }

    /// What the writer thread did so far.
    pub fn stats(&self) -> StoreStats {
        let counters = &self.inner.counters;
        StoreStats {
            commits: counters.commits.load(Ordering::Relaxed),
            writes: counters.writes.load(Ordering::Relaxed),
        }
    }
}

/// Waits for threads without holding up the runtime.
async fn join(threads: Vec<JoinHandle<()>>) {
    if threads.is_empty() {
        return;
    }
    let joined = tokio::task::spawn_blocking(move || {
        threads
            .into_iter()
            .filter_map(|thread| thread.join().err())
            .count()
    })
    .await;
    match joined {
        Ok(0) => {}
        Ok(n_panicked) => tracing::error!(n_panicked, "threads of the store panicked"),
        Err(error) => tracing::error!(%error, "the threads of the store could not be awaited"),
    }
}

#[cfg(test)]
mod tests;
