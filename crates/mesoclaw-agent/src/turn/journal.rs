//! The entries of one turn: numbers them, keeps what was stored for the next prompt, and builds
//! the effects that store and tell.

use std::time::Duration;

use mesoclaw_api::{
    CallId, Event as ApiEvent, ItemBody, ItemId, SessionId, TurnId, TurnOutcome, Usage,
};

use crate::turn::effect::{Call, Effect};

/// The entries of one turn.
pub(super) struct Journal {
    session_id: SessionId,
    turn_id: TurnId,
    n_reserved: u32,
    ids: Vec<ItemId>,
    bodies: Vec<ItemBody>,
}

impl Journal {
    pub fn new(session_id: SessionId, turn_id: TurnId) -> Self {
        Self {
            session_id,
            turn_id,
            n_reserved: 0,
            ids: Vec::new(),
            bodies: Vec::new(),
        }
    }

    /// What was stored so far, as it was stored last, in the order of the numbers.
    pub fn bodies(&self) -> &[ItemBody] {
        &self.bodies
    }

    /// The id of the next entry.
    pub fn reserve(&mut self) -> ItemId {
        let item_id = ItemId::of_turn(&self.turn_id, self.n_reserved);
        self.n_reserved += 1;
        item_id
    }

    /// Stores an entry whose id was reserved, or stores it again.
    pub fn persist(&mut self, item_id: &ItemId, body: ItemBody) -> Effect {
        let known = self
            .ids
            .iter()
            .rposition(|id| id == item_id)
            .and_then(|at| self.bodies.get_mut(at));
        if let Some(stored) = known {
            stored.clone_from(&body);
        } else {
            self.ids.push(item_id.clone());
            self.bodies.push(body.clone());
        }
        Effect::Persist {
            item_id: item_id.clone(),
            body,
        }
    }

    /// Stores a new entry.
    pub fn append(&mut self, body: ItemBody) -> Effect {
        let item_id = self.reserve();
        self.persist(&item_id, body)
    }

    pub fn started(&self, model: &str) -> Effect {
        emit(ApiEvent::TurnStarted {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            model: model.to_owned(),
        })
    }

    pub fn text_delta(&self, item_id: &ItemId, text: String) -> Effect {
        emit(ApiEvent::TextDelta {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            item_id: item_id.clone(),
            text,
        })
    }

    pub fn reasoning_delta(&self, item_id: &ItemId, text: String) -> Effect {
        emit(ApiEvent::ReasoningDelta {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            item_id: item_id.clone(),
            text,
        })
    }

    pub fn tool_started(&self, call: &Call) -> Effect {
        emit(ApiEvent::ToolStarted {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            call_id: call.call_id.clone(),
            tool: call.tool.clone(),
        })
    }

    pub fn tool_progress(&self, call_id: CallId, text: String) -> Effect {
        emit(ApiEvent::ToolProgress {
            session_id: Some(self.session_id.clone()),
            turn_id: Some(self.turn_id.clone()),
            call_id,
            text,
        })
    }

    pub fn retrying(&self, attempt: u32, after: Duration, reason: String) -> Effect {
        emit(ApiEvent::TurnRetrying {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            attempt,
            after_ms: whole_ms(after),
            reason,
        })
    }

    pub fn model_changed(&self, model: &str, reason: &str) -> Effect {
        emit(ApiEvent::TurnModelChanged {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            model: model.to_owned(),
            reason: reason.to_owned(),
        })
    }

    pub fn finished(&self, outcome: TurnOutcome, usage: Usage) -> Effect {
        emit(ApiEvent::TurnFinished {
            session_id: self.session_id.clone(),
            turn_id: self.turn_id.clone(),
            outcome,
            usage,
        })
    }
}

fn emit(event: ApiEvent) -> Effect {
    Effect::Emit(Box::new(event))
}

/// Milliseconds; a time too long for the number is as long as it can say.
pub(super) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
