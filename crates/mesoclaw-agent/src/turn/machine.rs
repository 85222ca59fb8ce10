//! `TurnMachine`: takes events, gives effects. The diagram is in the module documentation of
//! `turn`.

use std::collections::BTreeMap;

use mesoclaw_api::item::{ImageRef, TurnLimit};
use mesoclaw_api::{ErrorCode, ItemBody, TurnOutcome, Usage};

use crate::model::{ModelDelta, ModelError, ModelErrorKind};
use crate::prompt;
use crate::turn::answer::{Answer, Draft};
use crate::turn::calls::Round;
use crate::turn::effect::{Call, Effect};
use crate::turn::event::{Context, Event};
use crate::turn::journal::Journal;
use crate::turn::pieces::CallIds;
use crate::turn::resume::{Decided, EarlyAnswer, TakenUp, take_up};
use crate::turn::setup::TurnSetup;
use crate::turn::shrink::shrink;

/// One turn, as a pure machine.
pub struct TurnMachine {
    pub(super) setup: TurnSetup,
    pub(super) phase: Phase,
    pub(super) journal: Journal,
    pub(super) answer: Answer,
    pub(super) round: Round,
    pub(super) context: Context,
    pub(super) call_ids: CallIds,
    /// Answers that came before the history of a resumed turn.
    pub(super) early_answers: Vec<EarlyAnswer>,
    /// Calls of the history that nobody decided about.
    pub(super) waiting: Vec<Call>,
    /// Those of them that were decided while the model answered: they run when it stops.
    pub(super) decided: Vec<Decided>,
    pub(super) usage: Usage,
    pub(super) n_continuations: u32,
    /// Whether the last round had calls with broken arguments.
    pub(super) was_broken: bool,
    is_resumed: bool,
    is_shrunk: bool,
    /// Whether the turn was told that the budget runs low.
    pub(super) is_warned: bool,
    outcome: Option<TurnOutcome>,
}

/// Where a turn is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing happened yet.
    Idle,
    /// The context of the prompt is being gathered.
    Gathering,
    /// A model call runs.
    Answering,
    /// Calls of a round are open.
    Acting,
    /// It is over.
    Finished,
}

impl TurnMachine {
    /// A turn that waits for its first event: `UserMessage` or `Resume`.
    pub fn new(setup: TurnSetup) -> Self {
        Self {
            phase: Phase::Idle,
            journal: Journal::new(setup.session_id.clone(), setup.turn_id.clone()),
            answer: Answer::new(setup.model.clone()),
            round: Round::new(setup.limits.max_repeats),
            context: Context {
                system: String::new(),
                history: Vec::new(),
                tools: Vec::new(),
                aliases: BTreeMap::new(),
                images: BTreeMap::new(),
            },
            call_ids: CallIds::new(setup.turn_id.clone()),
            early_answers: Vec::new(),
            waiting: Vec::new(),
            decided: Vec::new(),
            usage: Usage::default(),
            n_continuations: 0,
            was_broken: false,
            is_resumed: false,
            is_shrunk: false,
            is_warned: false,
            outcome: None,
            setup,
        }
    }

    /// Takes an event and says what is to be done, in order. An event that does not fit the state
    /// of the turn (late, twice, unknown call) has no effect.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        if !self.expects(&event) {
            return Vec::new();
        }
        let journal = &mut self.journal;
        let effects = match event {
            Event::ModelDelta(delta) => return self.model_delta(delta),
            Event::UserMessage { text, images } => self.begin(text, images),
            Event::Resume => self.resume(),
            Event::ContextReady(context) => self.context_ready(context),
            Event::ContextFailed { message } => self.context_failed(&message),
            Event::ModelRetrying {
                attempt,
                after,
                reason,
            } => vec![journal.retrying(attempt, after, reason)],
            Event::ModelSwitched {
                model,
                provider_model,
                reason,
            } => self.switch_model(model, provider_model, &reason),
            Event::BudgetLow { message } => self.budget_low(message),
            Event::BudgetExhausted { message } => self.exhausted(message),
            Event::ModelFailed(error) => self.model_failed(error),
            Event::CallChecked { call_id, verdict } => self.checked(&call_id, verdict),
            Event::CallRefused { call_id, reason } => {
                self.round.refused(&call_id, &reason, journal)
            }
            Event::ApprovalResolved {
                call_id,
                approval_id,
                decision,
                reason,
            } => self.resolved(call_id, approval_id, decision, reason),
            Event::ToolProgress { call_id, text } => self.round.progress(call_id, text, journal),
            Event::ToolDone {
                call_id,
                output,
                duration,
                fence,
            } => self.round.done(&call_id, output, duration, fence, journal),
            Event::Cancel => self.cancel(),
            Event::Interrupt => self.interrupt(),
            Event::TurnTimedOut => self.time_out(),
        };
        self.go_on_when_closed(effects)
    }

    /// Which events mean something where.
    fn expects(&self, event: &Event) -> bool {
        match event {
            Event::UserMessage { .. } | Event::Resume => self.phase == Phase::Idle,
            Event::ContextReady(_) | Event::ContextFailed { .. } => self.phase == Phase::Gathering,
            Event::ModelRetrying { .. }
            | Event::ModelSwitched { .. }
            | Event::BudgetLow { .. }
            | Event::BudgetExhausted { .. }
            | Event::ModelDelta(_)
            | Event::ModelFailed(_) => self.phase == Phase::Answering,
            Event::CallChecked { .. }
            | Event::CallRefused { .. }
            | Event::ToolProgress { .. }
            | Event::ToolDone { .. } => self.phase == Phase::Acting,
            Event::ApprovalResolved { .. } => self.may_hear_answers(),
            Event::Cancel | Event::Interrupt | Event::TurnTimedOut => self.phase != Phase::Finished,
        }
    }

    /// Whether a person's answer to a question can mean something: it is about this round, or in
    /// a resumed turn about a call of the turn it takes up.
    fn may_hear_answers(&self) -> bool {
        match self.phase {
            Phase::Acting => true,
            Phase::Gathering | Phase::Answering => self.is_resumed,
            Phase::Idle | Phase::Finished => false,
        }
    }

    /// The text that was told and not stored since; the driver stores it every 250 ms. `None` when
    /// nothing grew since the machine persisted it or [`Self::draft_stored`] was called.
    pub fn draft(&self) -> Option<Draft> {
        match self.phase {
            Phase::Answering => self.answer.draft(),
            Phase::Idle | Phase::Gathering | Phase::Acting | Phase::Finished => None,
        }
    }

    /// The driver stored this draft: [`Self::draft`] is `None` until more text comes.
    pub fn draft_stored(&mut self, draft: &Draft) {
        self.answer.draft_stored(draft);
    }

    /// Whether the turn is over.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// How the turn ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&TurnOutcome> {
        self.outcome.as_ref()
    }

    fn begin(&mut self, text: String, images: Vec<ImageRef>) -> Vec<Effect> {
        let mut effects = vec![self.journal.append(ItemBody::User { text, images })];
        effects.extend(self.gather());
        effects
    }

    fn resume(&mut self) -> Vec<Effect> {
        self.is_resumed = true;
        self.gather()
    }

    fn gather(&mut self) -> Vec<Effect> {
        self.phase = Phase::Gathering;
        vec![
            self.journal.started(&self.setup.model),
            Effect::GatherContext,
        ]
    }

    fn context_ready(&mut self, context: Context) -> Vec<Effect> {
        self.call_ids.learn(&context.history);
        self.context = context;
        if !self.is_resumed {
            return self.call_model();
        }
        let early = std::mem::take(&mut self.early_answers);
        let TakenUp { decided, waiting } = take_up(&self.context.history, early);
        self.waiting = waiting;
        self.act();
        self.decided = decided;
        self.adopt_decided()
    }

    fn context_failed(&mut self, message: &str) -> Vec<Effect> {
        let message = format!("the conversation could not be read: {message}");
        self.fail(ErrorCode::Internal, message, None)
    }

    fn model_delta(&mut self, delta: ModelDelta) -> Vec<Effect> {
        match delta {
            ModelDelta::Text(text) => self.answer.add_text(text, &mut self.journal),
            ModelDelta::Reasoning(text) => self.answer.add_reasoning(text, &mut self.journal),
            ModelDelta::ToolCall {
                index,
                id,
                name,
                arguments,
            } => {
                self.answer.is_silent = false;
                self.answer.pieces.add(index, id, name, &arguments);
                Vec::new()
            }
            ModelDelta::CallSignature { index, signature } => {
                self.answer.pieces.sign(index, signature);
                Vec::new()
            }
            ModelDelta::Usage(usage) => {
                self.answer.usage = usage;
                Vec::new()
            }
            ModelDelta::Stop(reason) => {
                self.count_call_usage();
                let effects = self.answer_stopped(reason);
                self.go_on_when_closed(effects)
            }
        }
    }

    /// The next model call starts when all calls of a round are closed.
    fn go_on_when_closed(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if self.phase == Phase::Acting && self.round.is_closed() {
            effects.extend(match self.round.repeated() {
                Some(message) => self.end(TurnOutcome::LimitReached {
                    limit: TurnLimit::Repetition,
                    message,
                }),
                None => self.call_model(),
            });
        }
        effects
    }

    pub(super) fn call_model(&mut self) -> Vec<Effect> {
        let limits = self.setup.limits;
        if let Some(outcome) = limits.exceeded(TurnLimit::ModelCalls, self.usage.model_calls) {
            return self.end(outcome);
        }
        self.usage.model_calls += 1;
        self.answer.begin_call();
        self.phase = Phase::Answering;
        let request = prompt::assemble(&self.setup, &self.context, self.journal.bodies());
        vec![Effect::CallModel(Box::new(request))]
    }

    fn model_failed(&mut self, error: ModelError) -> Vec<Effect> {
        self.count_call_usage();
        let may_shrink =
            error.kind == ModelErrorKind::ContextLength && self.answer.is_silent && !self.is_shrunk;
        if may_shrink && shrink(&mut self.context.history, self.is_resumed) {
            self.is_shrunk = true;
            let mut effects =
                vec![self.journal.append(ItemBody::Notice {
                text: "the conversation is too long for the model: its older half was left out"
                    .to_owned(),
            })];
            effects.extend(self.call_model());
            return effects;
        }
        self.fail(error.kind.code(), error.message, error.hint)
    }

    /// Adds what the model call reported. The numbers come from outside, so they may be nonsense.
    pub(super) fn count_call_usage(&mut self) {
        let reported = std::mem::take(&mut self.answer.usage);
        self.usage.add(&Usage {
            model_calls: 0,
            ..reported
        });
    }

    pub(super) fn end(&mut self, outcome: TurnOutcome) -> Vec<Effect> {
        self.phase = Phase::Finished;
        self.outcome = Some(outcome.clone());
        let usage = self.usage;
        vec![
            self.journal.append(ItemBody::Outcome {
                outcome: outcome.clone(),
                usage,
            }),
            self.journal.finished(outcome.clone(), usage),
            Effect::Finish { outcome, usage },
        ]
    }
}
