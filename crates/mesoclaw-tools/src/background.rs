//! Blocking work of a tool on a thread of its own, which ends when the call ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mesoclaw_agent::model_files::CancelToken;

/// What long work looks at between two steps.
#[derive(Clone)]
pub struct Stop {
    cancel: Arc<dyn CancelToken>,
    is_dropped: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

/// Why work ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopReason {
    /// Somebody stopped it.
    Cancelled,
    /// It took too long.
    TimeLimit,
}

impl Stop {
    /// A token and a time limit that starts now.
    pub fn new(cancel: Arc<dyn CancelToken>, limit: Duration) -> Self {
        Self {
            cancel,
            is_dropped: Arc::new(AtomicBool::new(false)),
            deadline: Instant::now().checked_add(limit),
        }
    }

    /// Whether the work should end, and why.
    pub fn reason(&self) -> Option<StopReason> {
        if self.is_dropped.load(Ordering::Relaxed) || self.cancel.is_cancelled() {
            Some(StopReason::Cancelled)
        } else if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            Some(StopReason::TimeLimit)
        } else {
            None
        }
    }
}

/// Runs `work` on a thread for blocking work.
///
/// # Errors
/// A sentence: the work broke down.
///
/// # Cancellation
/// Dropping the future tells the work to stop.
pub async fn blocking<T: Send + 'static>(
    stop: Stop,
    work: impl FnOnce(&Stop) -> T + Send + 'static,
) -> Result<T, String> {
    let mut on_drop = StopOnDrop(Some(Arc::clone(&stop.is_dropped)));
    let done = tokio::task::spawn_blocking(move || work(&stop)).await;
    on_drop.0 = None;
    done.map_err(|error| format!("The tool broke down: {error}."))
}

/// Tells the work to stop unless it is done.
struct StopOnDrop(Option<Arc<AtomicBool>>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(is_dropped) = &self.0 {
            is_dropped.store(true, Ordering::Relaxed);
        }
    }
}
