//! Requests for approval: rows and events, not blocked calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Approval, ApprovalScope};
use mesoclaw_api::ops::audit::AuditKind;
use mesoclaw_api::ops::grant::Grant;
use mesoclaw_api::{ApiError, ApiResult, ApprovalId, CallId, ErrorCode, Event, Surface, Timestamp};
use mesoclaw_store::repo::approval::{self, Resolve};
use mesoclaw_store::repo::audit::NewEntry;
use mesoclaw_store::repo::{audit, grant};
use mesoclaw_store::{Connection, Store, StoreError};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::bus::Bus;
use crate::error::from_store;
use crate::keys::Keys;
use crate::tools::audit::{of_person, withdrawn};
use crate::tools::judge::Judged;

/// See the module documentation.
pub(crate) struct Approvals {
    store: Store,
    bus: Arc<Bus>,
    keys: Arc<Keys>,
    /// Tools that are run by themselves and wait for their answer.
    waiting: Mutex<HashMap<ApprovalId, oneshot::Sender<Approval>>>,
}

/// An answer, ready to be stored.
pub(crate) struct Answered {
    pub decision: ApprovalDecision,
    pub reason: Option<String>,
    pub by: Surface,
    pub scope: ApprovalScope,
    /// Grants that are stored with it.
    pub grants: Vec<Grant>,
}

impl Answered {
    /// Nobody answered.
    pub fn timed_out(by: Surface) -> Self {
        Self {
            decision: ApprovalDecision::TimedOut,
            reason: None,
            by,
            scope: ApprovalScope::Once,
            grants: Vec::new(),
        }
    }
}

/// A request about a judged call; who asks, and for how long, is filled in by the caller.
pub(crate) fn request(
    judged: &Judged,
    diff: Option<String>,
    reason: String,
    keys: &Keys,
) -> Approval {
    let mut steps = judged.steps();
    for step in &mut steps {
        step.what = keys.redact(std::mem::take(&mut step.what));
        step.reason = keys.redact(std::mem::take(&mut step.reason));
    }
    let patterns = judged.decision.patterns.iter();
    Approval {
        id: ApprovalId::random(),
        session_id: None,
        turn_id: None,
        call_id: CallId::from(""),
        // By its own name, not by another one it answers to: grants go by that.
        tool: judged.tool.spec().definition.name.clone(),
        args: redacted(judged.args.clone(), keys),
        risk: judged.decision.risk,
        reason: keys.redact(reason),
        rule: judged.decision.verdict.rule().to_owned(),
        steps,
        cwd: judged.cwd(),
        network: judged.decision.network,
        sandbox: judged.sandbox(),
        diff,
        patterns: patterns.map(|text| keys.redact(text.clone())).collect(),
        digest: judged.decision.digest.clone(),
        requested_at: Timestamp::now(),
        expires_at: None,
        decision: None,
        resolved_at: None,
        resolved_by: None,
        scope: None,
        answer_reason: None,
    }
}

/// The arguments without the secrets in them.
fn redacted(value: Value, keys: &Keys) -> Value {
    match value {
        Value::String(text) => Value::String(keys.redact(text)),
        Value::Array(items) => items.into_iter().map(|item| redacted(item, keys)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, redacted(value, keys)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

impl Approvals {
    pub fn new(store: Store, bus: Arc<Bus>, keys: Arc<Keys>) -> Self {
        Self {
            store,
            bus,
            keys,
            waiting: Mutex::default(),
        }
    }

    /// Opens a request of a tool that is run by itself; its answer comes through the channel.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn open(&self, approval: Approval) -> ApiResult<oneshot::Receiver<Approval>> {
        let (tx, rx) = oneshot::channel();
        self.lock().insert(approval.id.clone(), tx);
        let row = approval.clone();
        let stored = self.store.write(move |conn| approval::open(conn, &row));
        if let Err(error) = stored.await {
            self.lock().remove(&approval.id);
            return Err(from_store(error));
        }
        self.bus.publish(Event::ApprovalRequested {
            approval: Box::new(approval),
        });
        Ok(rx)
    }

    /// Writes a decision with its grants; the first one wins. Then tells everybody.
    ///
    /// # Errors
    /// `MESO_NOT_FOUND`, or `MESO_CONFLICT` with the decision that was first.
    pub async fn resolve(&self, approval_id: ApprovalId, answer: Answered) -> ApiResult<Approval> {
        let keys = Arc::clone(&self.keys);
        let (decision, by) = (answer.decision, answer.by);
        let resolved = self
            .store
            .write(move |tx| store_answer(tx, &approval_id, &answer, &keys))
            .await
            .map_err(from_store)?;
        match resolved {
            Resolve::Done(approval) => {
                self.bus.publish(Event::ApprovalResolved {
                    approval_id: approval.id.clone(),
                    session_id: approval.session_id.clone(),
                    decision,
                    by: Some(by),
                });
                if let Some(waiting) = self.lock().remove(&approval.id) {
                    // Who waited may have gone away meanwhile: then nothing runs.
                    waiting.send(approval.clone()).ok();
                }
                Ok(approval)
            }
            Resolve::AlreadyResolved(approval) => Err(answered_before(&approval)),
            Resolve::NotFound => Err(ApiError::new(
                ErrorCode::NotFound,
                "there is no such request for approval",
            )
            .with_hint("`mesoclaw approval list` shows those that wait")),
        }
    }

    /// Takes a request of a tool that was run by itself back: nobody waits for its answer.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn withdraw(&self, approval_id: &ApprovalId, call_id: CallId) -> ApiResult<()> {
        let taken_back = self
            .store
            .write(move |tx| {
                let now = Timestamp::now();
                let taken_back = approval::withdraw_for_call(tx, None, &call_id, &now)?;
                for approval in &taken_back {
                    audit::append(tx, withdrawn(approval))?;
                }
                Ok(taken_back)
            })
            .await
            .map_err(from_store)?;
        for approval in &taken_back {
            self.bus.publish(Event::ApprovalResolved {
                approval_id: approval.id.clone(),
                session_id: approval.session_id.clone(),
                decision: ApprovalDecision::Denied,
                by: None,
            });
        }
        // Whoever waits hears that no answer comes.
        let mut waiting = self.lock();
        waiting.remove(approval_id);
        for approval in &taken_back {
            waiting.remove(&approval.id);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ApprovalId, oneshot::Sender<Approval>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn store_answer(
    tx: &Connection,
    approval_id: &ApprovalId,
    answer: &Answered,
    keys: &Keys,
) -> Result<Resolve, StoreError> {
    let now = Timestamp::now();
    let decision = approval::Decision {
        decision: answer.decision,
        by: Some(answer.by),
        scope: (answer.decision == ApprovalDecision::Approved).then_some(answer.scope),
        reason: answer.reason.clone(),
    };
    let resolved = approval::resolve(tx, approval_id, &decision, &now)?;
    let Resolve::Done(approval) = &resolved else {
        return Ok(resolved);
    };
    let words: Vec<&str> = approval
        .steps
        .iter()
        .map(|step| step.what.as_str())
        .collect();
    let said = answer
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(" ({reason})"));
    let entry = of_person(
        AuditKind::Approval,
        answer.by,
        format!("{}{said}", words.join("; ")),
        word(answer.decision),
        keys,
    );
    audit::append(
        tx,
        NewEntry {
            session_id: approval.session_id.clone(),
            turn_id: approval.turn_id.clone(),
            call_id: Some(approval.call_id.clone()),
            tool: Some(approval.tool.clone()),
            digest: Some(approval.digest.clone()),
            rule: Some(format!("{:?}", answer.scope).to_lowercase()),
            ..entry
        },
    )?;
    for new in &answer.grants {
        grant::insert(tx, new)?;
        let words = format!("{}: {}", new.tool, new.pattern);
        let scope = format!("{:?}", new.scope).to_lowercase();
        let entry = of_person(AuditKind::Granted, answer.by, words, &scope, keys);
        audit::append(
            tx,
            NewEntry {
                session_id: new.session_id.clone(),
                tool: Some(new.tool.clone()),
                rule: Some(format!("grant {}", new.id)),
                ..entry
            },
        )?;
    }
    Ok(resolved)
}

fn answered_before(approval: &Approval) -> ApiError {
    if approval.decision == Some(ApprovalDecision::TimedOut) && approval.resolved_by.is_none() {
        return ApiError::new(
            ErrorCode::Conflict,
            "the request was taken back: its call is over",
        );
    }
    let by = approval.resolved_by.map_or(String::new(), |by| {
        format!(" by {}", crate::ops::chat::source(by))
    });
    let decision = match approval.decision {
        Some(ApprovalDecision::Approved) => "approved",
        Some(ApprovalDecision::Denied) => "denied",
        Some(ApprovalDecision::TimedOut) | None => "nobody answered in time",
    };
    ApiError::new(
        ErrorCode::Conflict,
        format!("the request was answered before: {decision}{by}"),
    )
}

/// The decision in the audit.
fn word(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => "timed_out",
    }
}
