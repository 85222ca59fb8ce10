//! A tool that is run by itself (`tool.execute`): the same policy, approvals and audit as for a
//! call of a model, without a turn around it.

use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::policy::Verdict;
use mesoclaw_agent::tool::{Checkpoints, ToolOutput};
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::ops::tool::ToolRun;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Event, Surface, Timestamp, TurnId};
use mesoclaw_store::repo::audit;
use mesoclaw_store::repo::audit::NewEntry;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::approvals::{Answered, request};
use crate::core::Core;
use crate::error::from_store;
use crate::tools::audit::{decided, ended};
use crate::tools::checkpoints::{TurnCheckpoints, Unkept};
use crate::tools::judge::{Asked, Judged, RATE_LIMIT, Refused, UNKNOWN_TOOL};
use crate::tools::permit::Approved;
use crate::tools::run::RunParts;

/// Why a call ends that nobody waits for.
const GONE: &str = "whoever ran it went away, so it was stopped";

impl Core {
    /// Runs a tool by itself. Where the policy asks, waits for the answer.
    pub(crate) async fn run_directly(
        &self,
        mut asked: Asked,
        connection: u64,
    ) -> ApiResult<ToolRun> {
        let cancel = self.inner.toolbox.direct.begin(connection);
        if asked.session_id.is_some() {
            // Its changes can be undone like those of a turn.
            asked.turn_id = Some(TurnId::random());
        }
        let toolbox = &self.inner.toolbox;
        let judged = toolbox.judge_next(&asked).await;
        let entry = decided(&asked, judged.as_ref(), &self.inner.keys);
        self.append_audit(entry).await?;
        let judged = judged.map_err(|refused| {
            let code = match refused.rule {
                UNKNOWN_TOOL => ErrorCode::NotFound,
                RATE_LIMIT => ErrorCode::LimitReached,
                _ => ErrorCode::InvalidParams,
            };
            ApiError::new(code, refused.reason)
        })?;
        let judged = match judged.decision.verdict.clone() {
            Verdict::Allow { .. } => {
                if let Err(refused) = self.inner.toolbox.use_grants(&judged).await {
                    return Err(self.refused(&asked, &refused).await?);
                }
                judged
            }
            Verdict::Deny { reason, rule } => return Err(denied(&reason, rule)),
            Verdict::Ask { reason, .. } => self.ask(&asked, judged, reason, &cancel).await?,
        };
        let (output, duration) = self.run_judged(&asked, judged, &cancel).await;
        let entry = ended(&asked, &output, Some(duration), &self.inner.keys);
        self.append_audit(entry).await?;
        Ok(answer(output, duration))
    }

    async fn run_judged(
        &self,
        asked: &Asked,
        judged: Judged,
        cancel: &CancellationToken,
    ) -> (ToolOutput, Duration) {
        let started = Instant::now();
        let toolbox = &self.inner.toolbox;
        let checkpoints: Arc<dyn Checkpoints> = match (&asked.session_id, &asked.turn_id) {
            (Some(session_id), Some(turn_id)) => Arc::new(TurnCheckpoints::new(
                Arc::clone(&toolbox.files),
                session_id.clone(),
                turn_id.clone(),
            )),
            (None, _) | (_, None) => Arc::new(Unkept),
        };
        let bus = Arc::clone(&self.inner.bus);
        let (call_id, session_id) = (asked.call_id.clone(), asked.session_id.clone());
        let parts = RunParts {
            call_id: asked.call_id.clone(),
            session_id: asked.session_id.clone(),
            surface: asked.surface,
            cancel: cancel.clone(),
            checkpoints,
            progress: Arc::new(move |text| {
                bus.publish(Event::ToolProgress {
                    session_id: session_id.clone(),
                    turn_id: None,
                    call_id: call_id.clone(),
                    text,
                });
            }),
        };
        tokio::select! {
            biased;
            // Nothing begins for somebody who went away in the moment of the answer.
            () = cancel.cancelled() => (ToolOutput::failed(GONE), started.elapsed()),
            ended = toolbox.run(judged, parts) => ended,
        }
    }

    /// Asks a person; gives the call back when it may run and is still the same.
    async fn ask(
        &self,
        asked: &Asked,
        judged: Judged,
        reason: String,
        cancel: &CancellationToken,
    ) -> ApiResult<Judged> {
        let timeout = self.inner.config.current().config.approval_timeout_secs;
        let timeout = Duration::from_secs(timeout.into());
        let diff = self.inner.toolbox.preview(&judged).await;
        let approval = Approval {
            session_id: asked.session_id.clone(),
            call_id: asked.call_id.clone(),
            expires_at: Some(Timestamp::now().plus(timeout)),
            ..request(&judged, diff, reason, &self.inner.keys)
        };
        let id = approval.id.clone();
        let approved = Approved::from(&approval);
        let mut answer = self.inner.approvals.open(approval).await?;
        let is_late = tokio::select! {
            resolved = &mut answer => {
                return self.answered(asked, resolved.ok(), &approved).await;
            }
            () = tokio::time::sleep(timeout) => true,
            () = cancel.cancelled() => false,
        };
        let approvals = &self.inner.approvals;
        if !is_late {
            approvals.withdraw(&id, asked.call_id.clone()).await?;
            return Err(denied(GONE, "approval.withdrawn"));
        }
        let unanswered = Answered::timed_out(Surface::Internal);
        let resolved = match approvals.resolve(id, unanswered).await {
            Ok(approval) => Some(approval),
            // Somebody answered in the same moment.
            Err(error) if error.code == ErrorCode::Conflict => answer.await.ok(),
            Err(error) => return Err(error),
        };
        self.answered(asked, resolved, &approved).await
    }

    /// Acts on the answer: gives the call back when it may run and is still the same.
    async fn answered(
        &self,
        asked: &Asked,
        resolved: Option<Approval>,
        approved: &Approved,
    ) -> ApiResult<Judged> {
        let decision = resolved.as_ref().and_then(|approval| approval.decision);
        match decision {
            Some(ApprovalDecision::Approved) => {}
            Some(ApprovalDecision::Denied) => {
                let said = resolved
                    .and_then(|approval| approval.answer_reason)
                    .map_or(String::new(), |reason| format!(": {reason}"));
                return Err(denied(
                    &format!("denied by the user{said}"),
                    "approval.denied",
                ));
            }
            Some(ApprovalDecision::TimedOut) | None => {
                return Err(denied("nobody answered in time", "approval.timeout"));
            }
        }
        match self.inner.toolbox.judge_again(asked, approved).await {
            Ok(judged) => Ok(judged),
            Err(refused) => Err(self.refused(asked, &refused).await?),
        }
    }

    /// A call that might run may not after all: that is written down too.
    async fn refused(&self, asked: &Asked, refused: &Refused) -> ApiResult<ApiError> {
        let entry = decided(asked, Err(refused), &self.inner.keys);
        self.append_audit(entry).await?;
        Ok(denied(&refused.reason, refused.rule))
    }

    pub(crate) async fn append_audit(&self, entry: NewEntry) -> ApiResult<()> {
        self.inner
            .store
            .write(move |tx| audit::append(tx, entry).map(|_| ()))
            .await
            .map_err(from_store)
    }
}

fn denied(reason: &str, rule: &str) -> ApiError {
    ApiError::new(ErrorCode::PolicyDenied, format!("{reason} (rule {rule})"))
        .with_hint("`mesoclaw policy test` shows how a call is judged")
}

fn answer(output: ToolOutput, duration: Duration) -> ToolRun {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut metadata = json!({"duration_ms": duration_ms});
    if let Some(fields) = metadata.as_object_mut() {
        if let Some(diff) = output.diff {
            fields.insert("diff".to_owned(), diff.into());
        }
        if let Some(source) = output.source {
            fields.insert("source".to_owned(), source.name.into());
            fields.insert("taints".to_owned(), source.taints.into());
        }
    }
    ToolRun {
        output: output.output,
        success: output.success,
        metadata: Some(metadata),
    }
}
