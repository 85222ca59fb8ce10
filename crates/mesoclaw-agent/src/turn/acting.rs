//! What happens to the calls of a turn: verdicts, answers of persons, calls of an earlier turn.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::{ApprovalId, CallId, ItemBody};

use crate::turn::calls::answer_of;
use crate::turn::effect::Effect;
use crate::turn::machine::{Phase, TurnMachine};
use crate::turn::resume::{Decided, EarlyAnswer};
use crate::turn::taint::taint_of;
use crate::turn::verdict::Verdict;

impl TurnMachine {
    /// Source of the first tainting text that the prompt holds.
    pub(super) fn taint(&self) -> Option<String> {
        taint_of(&self.context.history, self.journal.bodies())
    }

    /// Begins a round without calls.
    pub(super) fn act(&mut self) {
        self.phase = Phase::Acting;
        self.round.begin();
    }

    pub(super) fn checked(&mut self, call_id: &CallId, verdict: Verdict) -> Vec<Effect> {
        let taint = self.taint();
        let journal = &mut self.journal;
        self.round
            .checked(call_id, verdict, taint.as_ref(), journal)
    }

    /// A person decided about a call of this round, or, in a resumed turn, about one that was open
    /// when its turn broke off.
    pub(super) fn resolved(
        &mut self,
        call_id: CallId,
        approval_id: ApprovalId,
        decision: ApprovalDecision,
        reason: Option<String>,
    ) -> Vec<Effect> {
        let entry = ItemBody::Approval {
            approval_id,
            call_id: call_id.clone(),
            decision,
            reason: reason.clone(),
        };
        let answer = answer_of(decision, reason);
        let taint = self.taint();
        let journal = &mut self.journal;
        if self.round.awaits(&call_id) {
            return self
                .round
                .resolved(&call_id, entry, answer, taint.as_ref(), journal);
        }
        if self.phase == Phase::Gathering {
            let is_same = |early: &EarlyAnswer| early.call_id == call_id;
            if self.early_answers.iter().any(is_same) {
                return Vec::new();
            }
            self.early_answers.push(EarlyAnswer { call_id, answer });
            return vec![journal.append(entry)];
        }
        let open = self.waiting.iter().position(|call| call.call_id == call_id);
        let Some(at) = open else {
            return Vec::new();
        };
        let call = self.waiting.remove(at);
        // What the model said before has the lower number.
        let mut effects = self.answer.store(journal);
        effects.push(journal.append(entry));
        self.decided.push(Decided { call, answer });
        if self.phase == Phase::Acting {
            effects.extend(self.adopt_decided());
        }
        effects
    }

    /// Takes calls into the round that were decided since the turn was resumed.
    pub(super) fn adopt_decided(&mut self) -> Vec<Effect> {
        let decided = std::mem::take(&mut self.decided);
        let taint = self.taint();
        self.round.adopt(decided, taint.as_ref(), &mut self.journal)
    }
}
