//! The answer of the model while it comes in: text, reasoning, pieces of calls, tokens.

use mesoclaw_api::{ItemBody, ItemId, Usage};

use crate::turn::effect::Effect;
use crate::turn::journal::Journal;
use crate::turn::pieces::Pieces;

/// The part of an answer that is told but not stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// The entry that grows.
    pub item_id: ItemId,
    /// All of its text so far, not complete.
    pub body: ItemBody,
}

/// The answer of the model while it comes in.
pub(super) struct Answer {
    /// `provider:model`.
    model: String,
    /// Grows on over continuations of a cut answer.
    text: Option<Growing>,
    /// Of the running model call only.
    reasoning: Option<Growing>,
    /// Of the running model call only.
    pub pieces: Pieces,
    /// Of the running model call; the last report counts.
    pub usage: Usage,
    /// Whether the running model call said nothing so far.
    pub is_silent: bool,
}

/// An entry that grows.
struct Growing {
    item_id: ItemId,
    text: String,
    /// How much of the text the machine had stored; 0 = the entry is not stored.
    stored_bytes: usize,
    /// How much of it the driver stored by itself.
    drafted_bytes: usize,
}

impl Answer {
    pub fn new(model: String) -> Self {
        Self {
            model,
            text: None,
            reasoning: None,
            pieces: Pieces::default(),
            usage: Usage::default(),
            is_silent: true,
        }
    }

    /// A model call begins; text that stays open grows on.
    pub fn begin_call(&mut self) {
        self.reasoning = None;
        self.pieces = Pieces::default();
        self.usage = Usage::default();
        self.is_silent = true;
    }

    /// Another model says the rest.
    pub fn switch_model(&mut self, model: String) {
        self.model = model;
    }

    /// Whether there is anything a person could read.
    pub fn has_text(&self) -> bool {
        self.text
            .as_ref()
            .is_some_and(|growing| !growing.text.trim().is_empty())
    }

    pub fn add_text(&mut self, text: String, journal: &mut Journal) -> Vec<Effect> {
        if text.is_empty() {
            return Vec::new();
        }
        self.is_silent = false;
        let mut effects = Vec::with_capacity(1);
        let growing = self.text.get_or_insert_with(|| {
            // Reasoning has the lower number, so it is stored first.
            effects.extend(store_reasoning(&mut self.reasoning, journal));
            Growing::new(journal)
        });
        growing.text.push_str(&text);
        effects.push(journal.text_delta(&growing.item_id, text));
        effects
    }

    pub fn add_reasoning(&mut self, text: String, journal: &mut Journal) -> Vec<Effect> {
        if text.is_empty() {
            return Vec::new();
        }
        self.is_silent = false;
        let mut effects = Vec::with_capacity(1);
        let growing = self.reasoning.get_or_insert_with(|| {
            // Text that began before has the lower number.
            effects.extend(store_text(&mut self.text, &self.model, journal));
            Growing::new(journal)
        });
        growing.text.push_str(&text);
        effects.push(journal.reasoning_delta(&growing.item_id, text));
        effects
    }

    /// Stores what there is; it may grow on.
    pub fn store(&mut self, journal: &mut Journal) -> Vec<Effect> {
        let reasoning = store_reasoning(&mut self.reasoning, journal);
        let text = store_text(&mut self.text, &self.model, journal);
        reasoning.into_iter().chain(text).collect()
    }

    /// The answer is over, whole.
    pub fn complete(&mut self, journal: &mut Journal) -> Vec<Effect> {
        let mut effects = Vec::new();
        effects.extend(store_reasoning(&mut self.reasoning, journal));
        self.reasoning = None;
        effects.extend(self.text.take().map(|growing| {
            let body = assistant(growing.text, true, &self.model);
            journal.persist(&growing.item_id, body)
        }));
        effects
    }

    /// The answer is over, broken off.
    pub fn break_off(&mut self, journal: &mut Journal) -> Vec<Effect> {
        let effects = self.store(journal);
        self.reasoning = None;
        self.text = None;
        effects
    }

    pub fn draft(&self) -> Option<Draft> {
        let growing = self.text.as_ref()?;
        let has_grown = growing.text.len() > growing.stored_bytes.max(growing.drafted_bytes);
        has_grown.then(|| Draft {
            item_id: growing.item_id.clone(),
            body: assistant(growing.text.clone(), false, &self.model),
        })
    }

    pub fn draft_stored(&mut self, draft: &Draft) {
        let Some(growing) = self.text.as_mut() else {
            return;
        };
        if let ItemBody::Assistant { text, .. } = &draft.body
            && draft.item_id == growing.item_id
        {
            growing.drafted_bytes = growing.drafted_bytes.max(text.len());
        }
    }
}

impl Growing {
    fn new(journal: &mut Journal) -> Self {
        Self {
            item_id: journal.reserve(),
            text: String::new(),
            stored_bytes: 0,
            drafted_bytes: 0,
        }
    }

    /// Stores the entry if the machine had not all of it stored.
    fn store(
        &mut self,
        journal: &mut Journal,
        body: impl FnOnce(String) -> ItemBody,
    ) -> Option<Effect> {
        if self.stored_bytes == self.text.len() {
            return None;
        }
        self.stored_bytes = self.text.len();
        Some(journal.persist(&self.item_id, body(self.text.clone())))
    }
}

fn store_text(text: &mut Option<Growing>, model: &str, journal: &mut Journal) -> Option<Effect> {
    text.as_mut()?
        .store(journal, |text| assistant(text, false, model))
}

fn store_reasoning(reasoning: &mut Option<Growing>, journal: &mut Journal) -> Option<Effect> {
    reasoning
        .as_mut()?
        .store(journal, |text| ItemBody::Reasoning { text })
}

fn assistant(text: String, complete: bool, model: &str) -> ItemBody {
    ItemBody::Assistant {
        text,
        complete,
        model: model.to_owned(),
    }
}
