//! How turns end, apart from giving their final answer: broken off by somebody, or failed.

use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::{ErrorCode, TurnOutcome};

use crate::prompt;
use crate::turn::calls::OpenQuestions;
use crate::turn::effect::Effect;
use crate::turn::machine::{Phase, TurnMachine};

impl TurnMachine {
    pub(super) fn cancel(&mut self) -> Vec<Effect> {
        self.break_off(TurnOutcome::Cancelled, "cancelled", OpenQuestions::Withdraw)
    }

    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        self.break_off(
            TurnOutcome::Interrupted,
            prompt::INTERRUPTED,
            OpenQuestions::Keep,
        )
    }

    pub(super) fn time_out(&mut self) -> Vec<Effect> {
        match self.setup.limits.exceeded(TurnLimit::Time, 0) {
            Some(outcome) => self.break_off(
                outcome,
                "cancelled: the time of the turn was up",
                OpenQuestions::Withdraw,
            ),
            None => Vec::new(),
        }
    }

    /// Stops what runs, stores what is there, ends.
    fn break_off(
        &mut self,
        outcome: TurnOutcome,
        output: &str,
        questions: OpenQuestions,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.phase == Phase::Answering {
            self.count_call_usage();
            effects.push(Effect::AbortModel);
            effects.extend(self.answer.break_off(&mut self.journal));
        }
        let stopped = self.round.break_off(output, questions, &mut self.journal);
        effects.extend(stopped);
        effects.extend(self.end(outcome));
        effects
    }

    /// Ends with an error; what was said stays, as not complete.
    pub(super) fn fail(
        &mut self,
        error_code: ErrorCode,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Vec<Effect> {
        let mut effects = self.answer.break_off(&mut self.journal);
        effects.extend(self.end(TurnOutcome::Failed {
            error_code,
            message: message.into(),
            hint,
        }));
        effects
    }
}
