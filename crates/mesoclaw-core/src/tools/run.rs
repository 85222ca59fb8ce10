//! Runs a judged call: the tool, its limits of text, and the redaction of what it says.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mesoclaw_agent::tool::{Checkpoints, ToolCx, ToolOutput};
use mesoclaw_api::{CallId, SessionId, Surface};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::pulls::Token;
use crate::tools::Toolbox;
use crate::tools::judge::Judged;

/// What a run needs besides the verdict.
pub(crate) struct RunParts {
    pub call_id: CallId,
    pub session_id: Option<SessionId>,
    pub surface: Surface,
    pub cancel: CancellationToken,
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Takes news for the person who watches; secrets are out already.
    pub progress: Arc<dyn Fn(String) + Send + Sync>,
}

impl Toolbox {
    /// Runs a call whose verdict lets it.
    ///
    /// # Cancellation
    /// Dropping the future ends the call and everything it started.
    pub async fn run(&self, judged: Judged, parts: RunParts) -> (ToolOutput, Duration) {
        let started = Instant::now();
        // A tool may print a key that nothing used so far.
        self.keys.learn_all().await;
        let keys = Arc::clone(&self.keys);
        let progress = parts.progress;
        let cx = ToolCx {
            session_id: parts.session_id,
            call_id: parts.call_id,
            surface: parts.surface,
            cancel: Arc::new(Token(parts.cancel)),
            progress: Arc::new(move |text| progress(keys.redact(text))),
            facts: judged.facts,
            looks_only: judged.decision.looks_only(),
            network: judged.decision.network,
            reads: judged.decision.reads,
            lists: judged.decision.lists,
            writes: judged.decision.writes,
            opened: judged.decision.opened,
            checkpoints: parts.checkpoints,
        };
        // A tool that panics fails its own call, not the turn.
        let run = AssertUnwindSafe(judged.tool.run(cx, judged.args)).catch_unwind();
        let mut output = run.await.unwrap_or_else(|_| {
            tracing::error!("a tool panicked");
            ToolOutput::failed("the tool failed inside; the log has the details")
        });
        output.output = self.keys.redact(output.output);
        output.diff = output.diff.map(|diff| self.keys.redact(diff));
        (output, started.elapsed())
    }
}
