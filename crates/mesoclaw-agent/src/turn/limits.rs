//! Limits of a turn, checked in one place. The wall time is watched by the driver, which sends
//! `TurnTimedOut`.

use mesoclaw_api::TurnOutcome;
use mesoclaw_api::item::TurnLimit;

/// How far a turn may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TurnLimits {
    /// Model calls in one turn, continuations and tool rounds together (`agent_max_turns`).
    pub max_model_calls: u32,
    /// How many times an answer that hit the output limit is continued
    /// (`agent_max_continuations`).
    pub max_continuations: u32,
    /// How often in a row the same calls may give the same results, an unknown tool be called, or
    /// a tool give the same error; below 2 counts as 2 (`max_tool_retries`).
    pub max_repeats: u32,
}

impl TurnLimits {
    /// The ending when a turn that has `used` so much of `limit` may not take one more.
    pub(super) fn exceeded(self, limit: TurnLimit, used: u32) -> Option<TurnOutcome> {
        let message = match limit {
            TurnLimit::ModelCalls if used >= self.max_model_calls => format!(
                "the turn used up its model calls: agent_max_turns is {}",
                self.max_model_calls
            ),
            TurnLimit::Continuations if used >= self.max_continuations => format!(
                "the answer is cut off at the output limit: agent_max_continuations is {}",
                self.max_continuations
            ),
            TurnLimit::Time => "the turn took longer than agent_turn_timeout_secs".to_owned(),
            TurnLimit::ModelCalls
            | TurnLimit::Continuations
            | TurnLimit::Budget
            | TurnLimit::Repetition => return None,
        };
        Some(TurnOutcome::LimitReached { limit, message })
    }
}
