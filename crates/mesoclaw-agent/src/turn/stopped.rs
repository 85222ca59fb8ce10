//! What follows when the model stops: the end, more of the answer, or a round of calls.

use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::{ErrorCode, ItemBody, TurnOutcome};

use crate::model::StopReason;
use crate::turn::effect::Effect;
use crate::turn::machine::{Phase, TurnMachine};
use crate::turn::open_call::Refusal;
use crate::turn::repetition::Ending;

impl TurnMachine {
    pub(super) fn answer_stopped(&mut self, reason: StopReason) -> Vec<Effect> {
        let has_calls = !self.answer.pieces.is_empty();
        match reason {
            StopReason::Filtered => self.filtered(),
            StopReason::End | StopReason::ToolCalls | StopReason::Length if has_calls => {
                self.receive_calls(reason == StopReason::Length)
            }
            StopReason::End | StopReason::ToolCalls if self.answer.has_text() => {
                self.answer_complete()
            }
            StopReason::End | StopReason::ToolCalls => self.fail(
                ErrorCode::Agent,
                "the model gave an empty answer",
                Some("send the message again, or choose another model".to_owned()),
            ),
            StopReason::Length if self.answer.has_text() => self.continue_answer(),
            StopReason::Length => self.fail(
                ErrorCode::Agent,
                "the model used up its output limit before it answered",
                Some("raise agent_max_tokens".to_owned()),
            ),
        }
    }

    /// The final answer, unless a person approved a call of the turn this one takes up while the
    /// model spoke: then that runs, and the model goes on with its result.
    fn answer_complete(&mut self) -> Vec<Effect> {
        let mut effects = self.answer.complete(&mut self.journal);
        if self.decided.is_empty() {
            effects.extend(self.end(TurnOutcome::Completed));
        } else {
            self.act();
            effects.extend(self.adopt_decided());
        }
        effects
    }

    fn filtered(&mut self) -> Vec<Effect> {
        if !self.answer.has_text() {
            return self.fail(ErrorCode::Agent, "the provider withheld the answer", None);
        }
        let mut effects = self.answer.complete(&mut self.journal);
        effects.push(self.journal.append(ItemBody::Notice {
            text: "the provider withheld the rest of the answer".to_owned(),
        }));
        effects.extend(self.end(TurnOutcome::Completed));
        effects
    }

    fn continue_answer(&mut self) -> Vec<Effect> {
        let mut effects = self.answer.store(&mut self.journal);
        let limits = self.setup.limits;
        let limit = limits.exceeded(TurnLimit::Continuations, self.n_continuations);
        effects.extend(match limit {
            Some(outcome) => self.end(outcome),
            None => self.call_model(),
        });
        self.n_continuations += 1;
        effects
    }

    fn receive_calls(&mut self, is_cut: bool) -> Vec<Effect> {
        let mut effects = self.answer.complete(&mut self.journal);
        let pieces = std::mem::take(&mut self.answer.pieces);
        let mut received = pieces.into_received(&mut self.call_ids, &self.context, is_cut);
        let is_broken = received.iter().any(|received| received.is_broken);
        // The model is told once what is wrong with its arguments; a second broken round is the
        // last, and nothing of it runs.
        let is_last = is_broken && self.was_broken;
        self.was_broken = is_broken;
        if is_last {
            for received in &mut received {
                received.fault.get_or_insert_with(|| Refusal {
                    ending: Ending::Refused,
                    output: "not run: another call of this answer had broken arguments".to_owned(),
                });
            }
        }
        let taint = self.taint();
        let model = &self.setup.model;
        let opened = self
            .round
            .open(received, model, taint.as_ref(), &mut self.journal);
        effects.extend(opened);
        if is_last {
            effects.extend(self.fail(
                ErrorCode::Agent,
                "the model sent broken arguments to a tool, and again after it was told so",
                Some("send the message again, or choose another model".to_owned()),
            ));
            return effects;
        }
        self.phase = Phase::Acting;
        effects.extend(self.adopt_decided());
        effects
    }
}
