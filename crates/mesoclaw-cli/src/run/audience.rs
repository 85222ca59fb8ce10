//! Who a turn is shown to, and how it ended for them.

use mesoclaw_api::{TurnId, TurnOutcome, Usage};

use crate::run::answer_file::Target;
use crate::run::approve::dialog::Judge;
use crate::run::render::Renderer;
use crate::run::stops::{Stop, Stops};
use crate::run::view::Refusal;

/// What a turn is shown with.
pub struct Audience<'a> {
    /// The form.
    pub renderer: Renderer,
    /// Where the answer goes.
    pub target: &'a mut Target,
    /// What ends the run.
    pub stops: &'a mut Stops,
    /// Who decides about approvals; `None` = nobody can be asked.
    pub judge: Option<&'a mut dyn Judge>,
    /// Whether turns of others in the same session are shown too.
    pub shows_others: bool,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The turn; `None` when none began.
    pub turn_id: Option<TurnId>,
    /// How the turn ended; `None` when that was not waited for.
    pub outcome: Option<TurnOutcome>,
    /// What it used.
    pub usage: Usage,
    /// The calls that were denied.
    pub refusals: Vec<Refusal>,
    /// What stopped it from outside.
    pub stop: Option<Stop>,
    /// Whether the person asked a second time to leave.
    pub wants_out: bool,
}

impl Ending {
    /// Whether a call was denied.
    pub fn was_denied(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// Nothing was said.
    pub fn nothing() -> Self {
        Self {
            turn_id: None,
            outcome: None,
            usage: Usage::default(),
            refusals: Vec::new(),
            stop: None,
            wants_out: false,
        }
    }
}
