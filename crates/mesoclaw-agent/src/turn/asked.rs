//! What the driver tells of a model call apart from the answer: another model took over, the budget
//! runs low, the budget is used up.

use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::{ItemBody, TurnOutcome};

use crate::turn::effect::Effect;
use crate::turn::machine::TurnMachine;

impl TurnMachine {
    /// What is said from here on is said by another model, and the conversation says so.
    pub(super) fn switch_model(
        &mut self,
        model: String,
        provider_model: String,
        reason: &str,
    ) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.setup.model, model);
        self.setup.provider_model = provider_model;
        self.answer.switch_model(self.setup.model.clone());
        let now = &self.setup.model;
        vec![
            self.journal.append(ItemBody::Notice {
                text: format!("{before} could not answer ({reason}); {now} answers instead"),
            }),
            self.journal.model_changed(now, reason),
        ]
    }

    pub(super) fn budget_low(&mut self, text: String) -> Vec<Effect> {
        if std::mem::replace(&mut self.is_warned, true) {
            return Vec::new();
        }
        vec![self.journal.append(ItemBody::Notice { text })]
    }

    pub(super) fn exhausted(&mut self, message: String) -> Vec<Effect> {
        // Nothing was asked.
        self.usage.model_calls = self.usage.model_calls.saturating_sub(1);
        let mut effects = self.answer.store(&mut self.journal);
        effects.extend(self.end(TurnOutcome::LimitReached {
            limit: TurnLimit::Budget,
            message,
        }));
        effects
    }
}
