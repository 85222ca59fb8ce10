//! What the machine promises about every turn, checked on the effects of fixtures and of random
//! events alike.

use std::collections::{HashMap, HashSet};

use mesoclaw_agent::model::{ModelMessage, ModelRequest};
use mesoclaw_agent::turn::Effect;
use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::{CallId, Event as ApiEvent, ItemBody, ItemId, TurnOutcome, Usage};

/// The effects of one turn so far.
#[derive(Default)]
pub struct Promises {
    /// Entries as they were stored last, by number.
    stored: Vec<ItemBody>,
    told_text: HashMap<ItemId, String>,
    run: HashSet<CallId>,
    aborted: HashSet<CallId>,
    n_model_calls: u32,
    told_end: Option<(TurnOutcome, Usage)>,
    is_finished: bool,
}

impl Promises {
    pub fn take(&mut self, effects: &[Effect]) -> Result<(), String> {
        for effect in effects {
            self.take_one(effect)
                .map_err(|broken| format!("{broken} ({effect:?})"))?;
        }
        Ok(())
    }

    fn take_one(&mut self, effect: &Effect) -> Result<(), String> {
        holds(!self.is_finished, "nothing comes after finish")?;
        let is_ending = matches!(effect, Effect::Finish { .. });
        holds(
            self.told_end.is_none() || is_ending,
            "only finish comes after turn.finished",
        )?;
        match effect {
            Effect::Persist { item_id, body } => self.persisted(item_id, body),
            Effect::Emit(event) => self.told(event),
            Effect::CallModel(request) => {
                self.n_model_calls += 1;
                request_is_sound(request)
            }
            Effect::RunTool { call, taint } => {
                holds(
                    self.run.insert(call.call_id.clone()),
                    "a call runs at most once",
                )?;
                self.taint_is_named(taint.as_ref())
            }
            Effect::CheckCall { call, taint } => {
                holds(
                    !self.run.contains(&call.call_id),
                    "a call is checked before it runs",
                )?;
                self.taint_is_named(taint.as_ref())
            }
            Effect::AbortTool(call_id) => holds(
                self.run.contains(call_id) && self.aborted.insert(call_id.clone()),
                "only a running tool is aborted, once",
            ),
            Effect::Finish { outcome, usage } => {
                self.is_finished = true;
                holds(
                    self.told_end == Some((outcome.clone(), *usage)),
                    "the end is told as it is",
                )?;
                // A call that the budget did not allow was asked for and never made.
                let is_out_of_budget = matches!(
                    outcome,
                    TurnOutcome::LimitReached {
                        limit: TurnLimit::Budget,
                        ..
                    }
                );
                holds(
                    usage.model_calls + u32::from(is_out_of_budget) == self.n_model_calls,
                    "model calls are counted",
                )
            }
            Effect::GatherContext
            | Effect::AbortModel
            | Effect::RequestApproval { .. }
            | Effect::WithdrawApproval(_) => Ok(()),
        }
    }

    /// The turn's own tainting results are never forgotten.
    fn taint_is_named(&self, taint: Option<&String>) -> Result<(), String> {
        let is_tainting = |body: &ItemBody| matches!(body, ItemBody::ToolResult { provenance: Some(provenance), .. } if provenance.taints);
        holds(
            taint.is_some() || !self.stored.iter().any(is_tainting),
            "a tainted turn says so",
        )
    }

    fn persisted(&mut self, item_id: &ItemId, body: &ItemBody) -> Result<(), String> {
        let n = number(item_id)?;
        if let Some(stored) = self.stored.get_mut(n) {
            holds(grows(stored, body), "an entry is stored again to grow")?;
            *stored = body.clone();
            return Ok(());
        }
        holds(n == self.stored.len(), "numbers have no gaps")?;
        if let ItemBody::ToolResult {
            duration_ms,
            provenance,
            diff,
            ..
        } = body
        {
            holds(
                duration_ms.is_some() || (provenance.is_none() && diff.is_none()),
                "words of our own have no source",
            )?;
        }
        self.stored.push(body.clone());
        Ok(())
    }

    fn told(&mut self, event: &ApiEvent) -> Result<(), String> {
        match event {
            ApiEvent::TextDelta { item_id, text, .. }
            | ApiEvent::ReasoningDelta { item_id, text, .. } => {
                holds(
                    number(item_id)? <= self.stored.len(),
                    "text has the next number",
                )?;
                holds(!text.is_empty(), "an empty delta is not told")?;
                self.told_text
                    .entry(item_id.clone())
                    .or_default()
                    .push_str(text);
                Ok(())
            }
            ApiEvent::TurnFinished { outcome, usage, .. } => {
                self.told_end = Some((outcome.clone(), *usage));
                let stored = ItemBody::Outcome {
                    outcome: outcome.clone(),
                    usage: *usage,
                };
                holds(
                    self.stored.last() == Some(&stored),
                    "the outcome is stored before it is told",
                )
            }
            _other => Ok(()),
        }
    }

    /// Checks what holds when the turn is over.
    pub fn at_the_end(&self, outcome: Option<&TurnOutcome>) -> Result<(), String> {
        holds(self.is_finished, "the turn finishes")?;
        holds(
            self.told_end.as_ref().map(|(outcome, _)| outcome) == outcome,
            "outcome() is what was told",
        )?;
        for (item_id, told) in &self.told_text {
            let stored = self.stored.get(number(item_id)?);
            holds(
                matches!(stored, Some(ItemBody::Assistant { text, .. } | ItemBody::Reasoning { text }) if text == told),
                "what was told is what is stored",
            )?;
        }
        let mut results: HashMap<&CallId, usize> = HashMap::new();
        for body in &self.stored {
            if let ItemBody::ToolResult { call_id, .. } = body {
                *results.entry(call_id).or_default() += 1;
            }
        }
        for body in &self.stored {
            if let ItemBody::ToolCall { call_id, .. } = body {
                let n_results = results.get(call_id).copied().unwrap_or(0);
                let may_miss = outcome == Some(&TurnOutcome::Interrupted);
                holds(
                    n_results == 1 || (n_results == 0 && may_miss),
                    "each call has one result",
                )?;
            }
        }
        let is_missing = |call_id: &&CallId| !results.contains_key(*call_id);
        holds(
            !self.run.iter().any(|id| is_missing(&id)),
            "what ran has a result",
        )
    }
}

fn number(item_id: &ItemId) -> Result<usize, String> {
    let number = item_id.as_str().strip_prefix("t.");
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("{item_id} is not numbered"))
}

fn grows(stored: &ItemBody, body: &ItemBody) -> bool {
    match (stored, body) {
        (
            ItemBody::Assistant {
                text: before,
                complete: false,
                ..
            },
            ItemBody::Assistant { text, .. },
        )
        | (ItemBody::Reasoning { text: before }, ItemBody::Reasoning { text }) => {
            text.starts_with(before.as_str())
        }
        _others_never_change => false,
    }
}

/// A request begins with a user message, does not end with an answer, has no two user messages in
/// a row, and after an answer come the results of its calls, in call order.
fn request_is_sound(request: &ModelRequest) -> Result<(), String> {
    let mut wanted: Vec<&CallId> = Vec::new();
    let mut before: Option<&ModelMessage> = None;
    for message in &request.messages {
        match message {
            ModelMessage::User { .. } => {
                holds(wanted.is_empty(), "results come before the next message")?;
                let doubled = matches!(before, Some(ModelMessage::User { .. }));
                holds(!doubled, "user messages are joined")?;
            }
            ModelMessage::Assistant { text, calls } => {
                holds(wanted.is_empty(), "results come before the next message")?;
                holds(before.is_some(), "the first message is of a user")?;
                holds(
                    !text.is_empty() || !calls.is_empty(),
                    "an answer says something",
                )?;
                let args_fit = calls.iter().all(|call| call.args.is_object());
                holds(args_fit, "arguments are an object")?;
                wanted = calls.iter().rev().map(|call| &call.call_id).collect();
            }
            ModelMessage::ToolResult {
                call_id, output, ..
            } => {
                holds(wanted.pop() == Some(call_id), "results are in call order")?;
                let n_begins = output.matches("<untrusted").count();
                let n_ends = output.matches("</untrusted").count();
                holds(
                    n_begins == n_ends && n_begins <= 1,
                    "untrusted text cannot write marks",
                )?;
            }
        }
        before = Some(message);
    }
    holds(wanted.is_empty(), "every call has a result")?;
    let ends_with_answer = matches!(before, None | Some(ModelMessage::Assistant { .. }));
    holds(!ends_with_answer, "a request does not end with an answer")
}

fn holds(condition: bool, promise: &str) -> Result<(), String> {
    if condition {
        Ok(())
    } else {
        Err(format!("broken promise: {promise}"))
    }
}
