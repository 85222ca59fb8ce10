//! What one turn shows: events and stored items in, things to show out, each part of the answer
//! exactly once. Pure; it knows no socket and no terminal.

mod show;

use std::collections::{BTreeMap, BTreeSet};

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::{CallId, Event, Item, ItemBody, ItemId, SessionId, TurnId, TurnOutcome, Usage};
use serde_json::Value;

use crate::transcript::with_images;
pub use show::{Refusal, Show};

/// What the result of a call begins with that was not allowed to run.
const DENIED: &str = "denied";

/// One turn as it is being shown.
#[derive(Debug)]
pub struct TurnView {
    session_id: SessionId,
    turn_id: TurnId,
    /// Bytes shown of each growing text.
    shown: BTreeMap<ItemId, usize>,
    /// Items that do not grow and were shown.
    seen: BTreeSet<ItemId>,
    /// Whether parts were missed: from then on only stored texts are shown, because a delta does not
    /// say where it belongs.
    has_gap: bool,
    last_text: Option<ItemId>,
    tool_since_text: bool,
    hides_message: bool,
    /// Calls by their ids, for what is said of them later.
    calls: BTreeMap<CallId, (String, Value)>,
    refusals: Vec<Refusal>,
    finished: Option<(TurnOutcome, Usage)>,
}

impl TurnView {
    /// A turn that is watched from its beginning.
    pub fn new(session_id: SessionId, turn_id: TurnId) -> Self {
        Self {
            session_id,
            turn_id,
            shown: BTreeMap::new(),
            seen: BTreeSet::new(),
            has_gap: false,
            last_text: None,
            tool_since_text: false,
            hides_message: false,
            calls: BTreeMap::new(),
            refusals: Vec::new(),
            finished: None,
        }
    }

    /// A turn that answers what was said here: the message itself is not shown again.
    pub fn of_own_message(session_id: SessionId, turn_id: TurnId) -> Self {
        Self {
            hides_message: true,
            ..Self::new(session_id, turn_id)
        }
    }

    /// The turn.
    pub fn turn_id(&self) -> &TurnId {
        &self.turn_id
    }

    /// The calls that were denied.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// How it ended; `None` while it runs.
    pub fn finished(&self) -> Option<&(TurnOutcome, Usage)> {
        self.finished.as_ref()
    }

    /// Whether stored items have to be read to show everything.
    pub fn has_gap(&self) -> bool {
        self.has_gap
    }

    /// Events were lost: what is stored counts from here on.
    pub fn lost_events(&mut self) {
        self.has_gap = true;
    }

    /// Takes an event. Those of other turns show nothing.
    pub fn apply(&mut self, event: &Event) -> Vec<Show> {
        if turn_of(event).is_some_and(|turn_id| *turn_id != self.turn_id) {
            return Vec::new();
        }
        match event {
            Event::TurnStarted { model, .. } => vec![Show::Model(model.clone())],
            Event::TextDelta { item_id, text, .. } if !self.has_gap => {
                self.grow_text(item_id, text)
            }
            Event::ReasoningDelta { item_id, text, .. } if !self.has_gap => {
                *self.shown.entry(item_id.clone()).or_default() += text.len();
                vec![Show::Reasoning(text.clone())]
            }
            Event::ItemStored { item } => self.reconcile(item),
            Event::ToolProgress {
                turn_id: Some(_),
                text,
                ..
            } => vec![Show::Notice(text.clone())],
            Event::TurnRetrying {
                attempt,
                after_ms,
                reason,
                ..
            } => vec![Show::Notice(retry_text(reason, *attempt, *after_ms))],
            Event::TurnModelChanged { model, reason, .. } => vec![Show::ModelChanged {
                model: model.clone(),
                reason: reason.clone(),
            }],
            Event::ApprovalRequested { approval } if approval.turn_id.is_some() => {
                vec![Show::Approval(approval.clone())]
            }
            Event::ApprovalResolved {
                approval_id,
                session_id,
                decision,
                by,
            } if session_id.as_ref() == Some(&self.session_id) => vec![Show::Decided {
                approval_id: approval_id.clone(),
                decision: *decision,
                by: *by,
            }],
            Event::TurnFinished { outcome, usage, .. } => self.finish(outcome, *usage),
            Event::Warning { message } => vec![Show::Notice(message.clone())],
            Event::TextDelta { .. }
            | Event::ReasoningDelta { .. }
            | Event::ToolStarted { .. }
            // Of a tool that somebody runs by itself.
            | Event::ToolProgress { .. }
            | Event::ApprovalRequested { .. }
            | Event::ApprovalResolved { .. }
            | Event::QueueChanged { .. }
            | Event::SessionChanged { .. }
            | Event::SessionDeleted { .. }
            | Event::ConfigChanged { .. }
            | Event::ProviderChanged { .. }
            | Event::CredentialChanged { .. }
            | Event::ModelProgress { .. }
            | Event::ModelFinished { .. }
            | Event::DaemonStopping { .. } => Vec::new(),
        }
    }

    /// Takes an item as it is stored: shows of it what was not shown yet.
    pub fn reconcile(&mut self, item: &Item) -> Vec<Show> {
        if item.turn_id.as_ref() != Some(&self.turn_id) {
            return Vec::new();
        }
        match &item.body {
            ItemBody::Assistant { text, .. } => match self.rest_of(&item.id, text) {
                Some(rest) => self.grow_text(&item.id, &rest),
                None => Vec::new(),
            },
            ItemBody::Reasoning { text } => match self.rest_of(&item.id, text) {
                Some(rest) => {
                    *self.shown.entry(item.id.clone()).or_default() += rest.len();
                    vec![Show::Reasoning(rest)]
                }
                None => Vec::new(),
            },
            ItemBody::Outcome { outcome, usage } => self.finish(outcome, *usage),
            ItemBody::User { .. }
            | ItemBody::System { .. }
            | ItemBody::Notice { .. }
            | ItemBody::ToolCall { .. }
            | ItemBody::ToolResult { .. }
            | ItemBody::Approval { .. } => self.once(item),
        }
    }

    /// The turn neither runs nor has an end in the store: the daemon ended in the middle of it.
    pub fn reconcile_end(&mut self) -> Vec<Show> {
        self.finish(&TurnOutcome::Interrupted, Usage::default())
    }

    fn once(&mut self, item: &Item) -> Vec<Show> {
        if !self.seen.insert(item.id.clone()) {
            return Vec::new();
        }
        match &item.body {
            ItemBody::User { .. } if self.hides_message => Vec::new(),
            ItemBody::User { text, images } => vec![Show::User(with_images(text, images))],
            ItemBody::Notice { text } => vec![Show::Note(text.clone())],
            ItemBody::ToolCall {
                call_id,
                tool,
                args,
                ..
            } => {
                self.tool_since_text = true;
                self.calls
                    .insert(call_id.clone(), (tool.clone(), args.clone()));
                vec![Show::ToolCall {
                    call_id: call_id.clone(),
                    tool: tool.clone(),
                    args: args.clone(),
                }]
            }
            ItemBody::ToolResult {
                call_id,
                tool,
                output,
                success,
                duration_ms,
                diff,
                provenance,
            } => {
                self.tool_since_text = true;
                if !success && duration_ms.is_none() && output.starts_with(DENIED) {
                    self.refused(call_id, output);
                }
                let outside = provenance.as_ref().filter(|from| from.taints);
                vec![Show::ToolResult {
                    call_id: call_id.clone(),
                    tool: tool.clone(),
                    output: output.clone(),
                    success: *success,
                    duration_ms: *duration_ms,
                    diff: diff.clone(),
                    outside: outside.map(|from| from.source.clone()),
                }]
            }
            ItemBody::Approval {
                call_id, decision, ..
            } => {
                if *decision != ApprovalDecision::Approved {
                    self.refused(call_id, "");
                }
                Vec::new()
            }
            ItemBody::System { .. }
            | ItemBody::Assistant { .. }
            | ItemBody::Reasoning { .. }
            | ItemBody::Outcome { .. } => Vec::new(),
        }
    }

    /// A call counts as denied once, with the reason where there is one.
    fn refused(&mut self, call_id: &CallId, why: &str) {
        let known = self.refusals.iter_mut().find(|it| it.call_id == *call_id);
        if let Some(refusal) = known {
            why.clone_into(&mut refusal.why);
            return;
        }
        let (tool, args) = self.calls.get(call_id).cloned().unwrap_or_default();
        self.refusals.push(Refusal {
            call_id: call_id.clone(),
            tool,
            args,
            why: why.to_owned(),
        });
    }

    fn rest_of(&self, id: &ItemId, text: &str) -> Option<String> {
        let shown = self.shown.get(id).copied().unwrap_or(0);
        let rest = text.get(shown..)?;
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    fn grow_text(&mut self, id: &ItemId, text: &str) -> Vec<Show> {
        *self.shown.entry(id.clone()).or_default() += text.len();
        let mut shows = Vec::new();
        let is_other = self.last_text.as_ref().is_some_and(|last| last != id);
        // A long answer that was continued goes on in another item without a break.
        if is_other && self.tool_since_text {
            shows.push(Show::NewPart);
        }
        self.tool_since_text = false;
        self.last_text = Some(id.clone());
        shows.push(Show::Text(text.to_owned()));
        shows
    }

    /// After a gap the end waits until the caller has read the stored items.
    fn finish(&mut self, outcome: &TurnOutcome, usage: Usage) -> Vec<Show> {
        if self.finished.is_some() {
            return Vec::new();
        }
        self.finished = Some((outcome.clone(), usage));
        vec![Show::Finished {
            outcome: outcome.clone(),
            usage,
        }]
    }
}

fn retry_text(reason: &str, attempt: u32, after_ms: u64) -> String {
    let secs = after_ms as f64 / 1000.0;
    format!("{reason}; try {attempt} in {secs:.1} s")
}

/// The turn an event is about; `None` when it names none.
fn turn_of(event: &Event) -> Option<&TurnId> {
    match event {
        Event::TurnStarted { turn_id, .. }
        | Event::TextDelta { turn_id, .. }
        | Event::ReasoningDelta { turn_id, .. }
        | Event::ToolStarted { turn_id, .. }
        | Event::TurnRetrying { turn_id, .. }
        | Event::TurnModelChanged { turn_id, .. }
        | Event::TurnFinished { turn_id, .. } => Some(turn_id),
        Event::ToolProgress { turn_id, .. } => turn_id.as_ref(),
        Event::ApprovalRequested { approval } => approval.turn_id.as_ref(),
        Event::ItemStored { .. }
        | Event::ApprovalResolved { .. }
        | Event::QueueChanged { .. }
        | Event::SessionChanged { .. }
        | Event::SessionDeleted { .. }
        | Event::ConfigChanged { .. }
        | Event::ProviderChanged { .. }
        | Event::CredentialChanged { .. }
        | Event::ModelProgress { .. }
        | Event::ModelFinished { .. }
        | Event::Warning { .. }
        | Event::DaemonStopping { .. } => None,
    }
}

#[cfg(test)]
mod tests;
