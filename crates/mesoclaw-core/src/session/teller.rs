//! Stores and tells, in order: an entry is durable before anybody hears of it.
//!
//! One task a session. Steps of one batch that follow each other without news in between share one
//! transaction. Drafts of a growing text are stored on the side, so that a slow disk does not hold
//! back the text itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mesoclaw_api::{ApiError, ApiResult, Event, Item};
use mesoclaw_store::repo::item;
use mesoclaw_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use crate::bus::Bus;
use crate::error::{from_store, shutting_down};
use crate::session::write::{CallWrite, Write, apply_all};

/// Batches that may wait; a full queue holds the turn back.
const BATCHES: usize = 256;

/// One thing to store or tell.
pub(crate) enum Step {
    Write(Box<Write>),
    News(News),
}

/// One thing to tell, once everything before it is durable.
pub(crate) enum News {
    Tell(Box<Event>),
    /// Runs with the error if storing failed.
    Then(Box<dyn FnOnce(Result<(), ApiError>) + Send>),
}

impl From<Write> for Step {
    fn from(write: Write) -> Self {
        Self::Write(Box::new(write))
    }
}

impl From<CallWrite> for Step {
    fn from(write: CallWrite) -> Self {
        Self::from(Write::from(write))
    }
}

impl From<Event> for Step {
    fn from(event: Event) -> Self {
        Self::News(News::Tell(Box::new(event)))
    }
}

impl Step {
    /// Something to do once everything before it is durable.
    pub fn then(then: impl FnOnce(Result<(), ApiError>) + Send + 'static) -> Self {
        Self::News(News::Then(Box::new(then)))
    }
}

/// The sending half: what the actor and its turn hold.
#[derive(Clone)]
pub(crate) struct Teller {
    tx: mpsc::Sender<Batch>,
    is_broken: watch::Receiver<bool>,
}

enum Batch {
    Steps(Vec<Step>),
    Draft(Box<Item>),
}

impl Teller {
    /// Starts the task of a session.
    pub fn start(store: Store, bus: Arc<Bus>, tracker: &TaskTracker) -> Self {
        let (tx, rx) = mpsc::channel(BATCHES);
        let (set_broken, is_broken) = watch::channel(false);
        tracker.spawn(
            Task {
                store,
                bus,
                draft: None,
                failed: None,
                set_broken,
            }
            .run(rx),
        );
        Self { tx, is_broken }
    }

    /// Hands over steps; waits when too many wait already.
    pub async fn put(&self, steps: Vec<Step>) {
        if !steps.is_empty() {
            // The task ends only after its last sender, so this cannot fail while we hold one.
            self.tx.send(Batch::Steps(steps)).await.ok();
        }
    }

    /// Stores a text that still grows; nobody is told.
    pub async fn draft(&self, item: Item) {
        self.tx.send(Batch::Draft(Box::new(item))).await.ok();
    }

    /// Hands over writes and waits until they are durable.
    ///
    /// # Errors
    /// They could not be stored; nothing of them is.
    pub async fn stored(&self, writes: Vec<Write>) -> ApiResult<()> {
        let (tx, rx) = oneshot::channel();
        let mut steps: Vec<Step> = writes.into_iter().map(Step::from).collect();
        steps.push(Step::then(move |stored| {
            tx.send(stored).ok();
        }));
        self.put(steps).await;
        rx.await.unwrap_or_else(|_| Err(shutting_down()))
    }

    /// Waits until everything handed over so far is durable and told.
    pub async fn flushed(&self) {
        // Whether it could be stored was told to whoever handed it over.
        self.stored(Vec::new()).await.ok();
    }

    /// Resolves when something of the running turn could not be stored: the turn must end.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn broken(&self) {
        let mut is_broken = self.is_broken.clone();
        // The task ends only after its last sender, so it cannot be gone while we wait.
        is_broken.wait_for(|is_broken| *is_broken).await.ok();
    }
}

type DraftWrite = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

struct Task {
    store: Store,
    bus: Arc<Bus>,
    draft: Option<DraftWrite>,
    /// Why nothing more of the running turn is stored; forgotten at its end.
    failed: Option<ApiError>,
    set_broken: watch::Sender<bool>,
}

impl Task {
    async fn run(mut self, mut rx: mpsc::Receiver<Batch>) {
        loop {
            tokio::select! {
                result = poll_draft(&mut self.draft) => {
                    self.draft = None;
                    log(result);
                }
                batch = rx.recv() => match batch {
                    Some(Batch::Steps(steps)) => self.steps(steps).await,
                    Some(Batch::Draft(item)) => self.start_draft(*item).await,
                    None => break,
                },
            }
        }
        self.end_draft().await;
    }

    async fn start_draft(&mut self, draft: Item) {
        self.end_draft().await;
        let store = self.store.clone();
        self.draft = Some(Box::pin(async move {
            store
                .write(move |tx| item::upsert(tx, &draft).map(|_| ()))
                .await
        }));
    }

    /// A draft must never overtake the final text of its item.
    async fn end_draft(&mut self) {
        if let Some(draft) = self.draft.take() {
            log(draft.await);
        }
    }

    async fn steps(&mut self, steps: Vec<Step>) {
        let mut writes = Vec::new();
        let mut news = Vec::new();
        for step in steps {
            match step {
                Step::Write(write) => {
                    if !news.is_empty() {
                        self.flush(&mut writes, &mut news).await;
                    }
                    writes.push(*write);
                }
                Step::News(one) => news.push(one),
            }
        }
        self.flush(&mut writes, &mut news).await;
    }

    /// One transaction, then the news of it. After a failed write the rest of the turn is neither
    /// stored nor told, but for its end: nobody hears of what is not stored, and a client that
    /// waits for the end must not hang.
    async fn flush(&mut self, writes: &mut Vec<Write>, news: &mut Vec<News>) {
        let writes = std::mem::take(writes);
        if writes
            .iter()
            .any(|write| matches!(write, Write::NewTurn(_)))
        {
            self.failed = None;
            self.set_broken.send_replace(false);
        }
        let is_end = writes
            .iter()
            .any(|write| matches!(write, Write::FinishTurn { .. }));
        let failed = if !writes.is_empty() && writes.iter().all(Write::is_of_queue) {
            // The queue is no part of the turn: a change of it that failed fails alone.
            self.write(writes).await.err()
        } else {
            if self.failed.is_some() {
                self.write_end(writes).await;
            } else if let Err(error) = self.write(writes).await {
                self.failed = Some(error);
                self.set_broken.send_replace(true);
            }
            self.failed.clone()
        };
        for one in news.drain(..) {
            match one {
                News::Tell(event) => {
                    if failed.is_none() || event.must_deliver() {
                        self.bus.publish(*event);
                    }
                }
                News::Then(then) => then(failed.clone().map_or(Ok(()), Err)),
            }
        }
        if is_end && self.failed.take().is_some() {
            self.set_broken.send_replace(false);
        }
    }

    async fn write(&mut self, writes: Vec<Write>) -> ApiResult<()> {
        if writes.is_empty() {
            return Ok(());
        }
        self.end_draft().await;
        let stored = self
            .store
            .write(move |tx| apply_all(tx, writes))
            .await
            .map_err(from_store)
            .inspect_err(|error| {
                self.bus.publish(Event::Warning {
                    message: format!("this could not be stored: {error}"),
                });
            })?;
        for item in stored {
            self.bus.publish(Event::ItemStored { item });
        }
        Ok(())
    }

    /// The row of a turn that failed to be stored ends at least, if the disk lets it: otherwise the
    /// turn counts as running until the next start.
    async fn write_end(&mut self, writes: Vec<Write>) {
        let end: Vec<Write> = writes
            .into_iter()
            .filter(|write| matches!(write, Write::FinishTurn { .. }))
            .collect();
        if end.is_empty() {
            return;
        }
        if let Err(error) = self.store.write(move |tx| apply_all(tx, end)).await {
            tracing::error!(error = %mesoclaw_api::error::chain(&error), "turn not ended");
        }
    }
}

async fn poll_draft(draft: &mut Option<DraftWrite>) -> Result<(), StoreError> {
    match draft {
        Some(write) => write.await,
        None => std::future::pending().await,
    }
}

fn log(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(error = %mesoclaw_api::error::chain(&error), "draft not stored");
    }
}

#[cfg(test)]
mod tests;
