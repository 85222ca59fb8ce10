//! Tells of a transfer, a few times a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mesoclaw_agent::model_files::{ProgressSink, PullProgress};

const BETWEEN: Duration = Duration::from_millis(200);

/// Passes news on, but not too often.
pub(crate) struct Progress {
    sink: Arc<dyn ProgressSink>,
    told: Option<(Instant, &'static str)>,
}

impl Progress {
    pub(crate) fn new(sink: Arc<dyn ProgressSink>) -> Self {
        Self { sink, told: None }
    }

    /// Tells, unless the last news of this stage is fresh.
    pub(crate) fn tell(
        &mut self,
        stage: &'static str,
        received_bytes: u64,
        total_bytes: Option<u64>,
    ) {
        let is_fresh = self
            .told
            .is_some_and(|(when, last)| last == stage && when.elapsed() < BETWEEN);
        if !is_fresh {
            self.told = Some((Instant::now(), stage));
            self.sink.progress(PullProgress {
                stage,
                received_bytes,
                total_bytes,
            });
        }
    }
}
