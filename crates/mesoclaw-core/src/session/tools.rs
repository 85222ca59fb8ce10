//! Tools that run for a turn: started, watched, stopped.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mesoclaw_agent::policy::{Verdict, decide};
use mesoclaw_agent::tool::{ToolCx, ToolOutput, ToolRegistry};
use mesoclaw_agent::turn::{Call, Event};
use mesoclaw_api::ops::approval::Risk;
use mesoclaw_api::{CallId, SessionId, Surface};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::keys::Keys;
use crate::pulls::Token;

/// News of tools that may wait; progress beyond it is dropped, results wait for room.
const NEWS: usize = 64;

/// See the module documentation.
pub(crate) struct RunningTools {
    registry: ToolRegistry,
    session_id: SessionId,
    surface: Surface,
    tracker: TaskTracker,
    keys: Arc<Keys>,
    running: HashMap<CallId, Running>,
    tx: mpsc::Sender<Event>,
    rx: mpsc::Receiver<Event>,
}

struct Running {
    cancel: CancellationToken,
    task: AbortHandle,
}

impl RunningTools {
    pub fn new(
        registry: ToolRegistry,
        session_id: SessionId,
        surface: Surface,
        tracker: TaskTracker,
        keys: Arc<Keys>,
    ) -> Self {
        let (tx, rx) = mpsc::channel(NEWS);
        Self {
            registry,
            session_id,
            surface,
            tracker,
            keys,
            running: HashMap::new(),
            tx,
            rx,
        }
    }

    /// Whether a call may run.
    pub fn check(&self, call: &Call) -> Verdict {
        match self.registry.get(&call.tool) {
            Some(tool) => decide(&call.tool, tool.risk(&call.args), self.surface),
            None => Verdict::Deny {
                reason: format!("there is no tool `{}`", call.tool),
            },
        }
    }

    /// How much a call could harm.
    pub fn risk(&self, call: &Call) -> Risk {
        self.registry
            .get(&call.tool)
            .map_or(Risk::High, |tool| tool.risk(&call.args))
    }

    /// Starts a tool; it answers through [`Self::next`].
    pub fn start(&mut self, call: Call) {
        let cancel = CancellationToken::new();
        let progress_tx = self.tx.clone();
        let progress_id = call.call_id.clone();
        let keys = Arc::clone(&self.keys);
        let cx = ToolCx {
            session_id: self.session_id.clone(),
            call_id: call.call_id.clone(),
            surface: self.surface,
            cancel: Arc::new(Token(cancel.clone())),
            progress: Arc::new(move |text| {
                let news = Event::ToolProgress {
                    call_id: progress_id.clone(),
                    text: keys.redact(text),
                };
                // Progress is for watching: when too much of it waits, the newest is dropped.
                progress_tx.try_send(news).ok();
            }),
        };
        let tool = self.registry.get(&call.tool).map(Arc::clone);
        let tx = self.tx.clone();
        let call_id = call.call_id.clone();
        let keys = Arc::clone(&self.keys);
        let task = self.tracker.spawn(async move {
            let started = Instant::now();
            // A tool may print a key that nothing used so far.
            keys.learn_all().await;
            let mut output = match tool {
                Some(tool) => run(tool.run(cx, call.args)).await,
                None => failed(format!("there is no tool `{}`", call.tool)),
            };
            output.output = keys.redact(output.output);
            let done = Event::ToolDone {
                call_id: call.call_id,
                output,
                duration: Duration::from_millis(started.elapsed().as_millis() as u64),
            };
            // The turn is over when nobody takes the result.
            tx.send(done).await.ok();
        });
        let running = Running {
            cancel,
            task: task.abort_handle(),
        };
        self.running.insert(call_id, running);
    }

    /// Stops a tool; nothing of it is delivered any more.
    pub fn abort(&mut self, call_id: &CallId) {
        if let Some(running) = self.running.remove(call_id) {
            running.cancel.cancel();
            running.task.abort();
        }
    }

    /// The next news of a running tool.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.rx.recv().await {
                Some(event) if self.is_wanted(&event) => return event,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    fn is_wanted(&mut self, event: &Event) -> bool {
        match event {
            Event::ToolDone { call_id, .. } => self.running.remove(call_id).is_some(),
            Event::ToolProgress { call_id, .. } => self.running.contains_key(call_id),
            _ => false,
        }
    }
}

impl Drop for RunningTools {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.cancel.cancel();
            running.task.abort();
        }
    }
}

/// A tool that panics fails its own call, not the turn.
async fn run(future: mesoclaw_api::BoxFuture<'static, ToolOutput>) -> ToolOutput {
    if let Ok(output) = AssertUnwindSafe(future).catch_unwind().await {
        output
    } else {
        tracing::error!("a tool panicked");
        failed("the tool failed inside; the log has the details".to_owned())
    }
}

fn failed(output: String) -> ToolOutput {
    ToolOutput {
        output,
        success: false,
    }
}
