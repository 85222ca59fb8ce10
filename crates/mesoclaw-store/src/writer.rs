//! The writer thread: it has the only connection that writes, and shares commits.
//!
//! Whatever waits when the thread comes round goes into one transaction, so writes that wait
//! together wait for the disk once. Each has a savepoint, so a failing one undoes only itself,
//! and each is answered only after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{StoreError, StoreResult};

/// Writes that share a commit at most: bounds how long the first of them waits.
const LARGEST_BATCH: usize = 256;

/// What the thread is asked to do.
pub(crate) enum Command {
    /// Run this.
    Write(Box<dyn Write>),
    /// Do what waits and end.
    Close,
}

/// A write whose closure and answer are of any type.
pub(crate) trait Write: Send {
    /// Runs the closure and keeps its answer. False when it failed and must be undone.
    fn run(&mut self, conn: &Connection) -> bool;
    /// Replaces the answer of a closure that went well but is not stored.
    fn fail(&mut self, error: StoreError);
    /// Gives the answer to the caller.
    fn reply(self: Box<Self>);
}

/// The one implementation of [`Write`].
pub(crate) struct Closure<F, T> {
    work: Option<F>,
    answer: StoreResult<T>,
    reply: oneshot::Sender<StoreResult<T>>,
}

impl<F, T> Closure<F, T> {
    /// A write, and where its answer comes out.
    pub fn new(work: F) -> (Self, oneshot::Receiver<StoreResult<T>>) {
        let (reply, answer) = oneshot::channel();
        let write = Self {
            work: Some(work),
            answer: Err(StoreError::Closed),
            reply,
        };
        (write, answer)
    }
}

impl<F, T> Write for Closure<F, T>
where
    F: FnOnce(&Connection) -> StoreResult<T> + Send,
    T: Send,
{
    fn run(&mut self, conn: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.answer = run_guarded(work, conn);
        }
        self.answer.is_ok()
    }

    fn fail(&mut self, error: StoreError) {
        if self.answer.is_ok() || self.work.is_some() {
            self.answer = Err(error);
        }
    }

    fn reply(self: Box<Self>) {
        // Whoever asked may be gone; the write is stored all the same.
        self.reply.send(self.answer).ok();
    }
}

/// Runs a closure; its panic becomes an error and the thread goes on.
pub(crate) fn run_guarded<F, T>(work: F, conn: &Connection) -> StoreResult<T>
where
    F: FnOnce(&Connection) -> StoreResult<T>,
{
    // The connection is put right by the rollback that follows every failure.
    catch_unwind(AssertUnwindSafe(|| work(conn))).unwrap_or(Err(StoreError::Panicked))
}

/// What the thread counts.
#[derive(Default)]
pub(crate) struct Counters {
    /// Transactions made durable.
    pub commits: AtomicU64,
    /// Writes in them.
    pub writes: AtomicU64,
}

/// The body of the thread; returns when told to close or when every handle is gone.
pub(crate) fn run(conn: Connection, mut commands: mpsc::Receiver<Command>, counters: &Counters) {
    let mut batch: Vec<Box<dyn Write>> = Vec::new();
    while let Some(first) = commands.blocking_recv() {
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Write(write) => batch.push(write),
                // What was sent before is still delivered, what comes after is refused.
                Command::Close => commands.close(),
            }
            next = if batch.len() < LARGEST_BATCH {
                commands.try_recv().ok()
            } else {
                None
            };
        }
        if !batch.is_empty() {
            commit_batch(&conn, &mut batch, counters);
            batch.drain(..).for_each(Write::reply);
        }
    }
    close(conn);
}

/// Afterwards the database is one file, without a log beside it.
fn close(conn: Connection) {
    if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log could not be written back; the next start does it");
    }
    if let Err((_, error)) = conn.close() {
        tracing::warn!(%error, "the database could not be closed in order");
    }
}

fn commit_batch(conn: &Connection, batch: &mut [Box<dyn Write>], counters: &Counters) {
    let mut n_stored = 0;
    let result = step(conn, "BEGIN IMMEDIATE")
        .and_then(|()| run_batch(conn, batch, &mut n_stored))
        .and_then(|()| step(conn, "COMMIT"));
    match result {
        Ok(()) => {
            counters.commits.fetch_add(1, Ordering::Relaxed);
            counters.writes.fetch_add(n_stored, Ordering::Relaxed);
        }
        Err(error) => {
            roll_back(conn);
            tracing::error!(%error, writes = batch.len(), "a commit failed");
            let source = Arc::new(error);
            for write in batch {
                write.fail(StoreError::Commit {
                    source: Arc::clone(&source),
                });
            }
        }
    }
}

fn run_batch(
    conn: &Connection,
    batch: &mut [Box<dyn Write>],
    n_stored: &mut u64,
) -> Result<(), rusqlite::Error> {
    for index in 0..batch.len() {
        let (before, from_here) = batch.split_at_mut(index);
        let Some(write) = from_here.first_mut() else {
            continue;
        };
        step(conn, "SAVEPOINT one_write")?;
        let is_good = write.run(conn);
        if conn.is_autocommit() {
            // A full disk makes SQLite give up the whole transaction at once.
            write.fail(StoreError::Undone);
            for write in before {
                write.fail(StoreError::Undone);
            }
            *n_stored = 0;
            step(conn, "BEGIN IMMEDIATE")?;
            continue;
        }
        if is_good {
            *n_stored += 1;
        } else {
            step(conn, "ROLLBACK TO one_write")?;
        }
        step(conn, "RELEASE one_write")?;
    }
    Ok(())
}

/// Runs a statement of transaction control.
pub(crate) fn step(conn: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn roll_back(conn: &Connection) {
    if conn.is_autocommit() {
        return;
    }
    if let Err(error) = step(conn, "ROLLBACK") {
        tracing::error!(%error, "a rollback failed");
    }
}
