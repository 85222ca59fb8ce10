//! Runs one turn: feeds the pure machine and executes its effects.
//!
//! `happenings` waits and may be dropped at any moment; `handle` acts and is never dropped half
//! way. The actor alternates between the two.

pub(crate) mod approvals;
mod calls;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_agent::turn::{Effect, Event, TurnMachine};
use mesoclaw_api::{
    BoxFuture, CallId, Event as ApiEvent, Item, ItemBody, ItemId, SessionId, Surface, Timestamp,
    TurnId, TurnOutcome,
};
use mesoclaw_store::repo::model_call::ModelCallRow;
use mesoclaw_store::repo::turn::TurnRow;
use tokio::time::Instant;

use self::approvals::OpenApproval;
use self::calls::KeptCall;
use crate::models::ResolvedModel;
use crate::session::happening::{Happening, next_of_call, next_of_context, sleep_until};
use crate::session::model_call::{Asker, ModelCall};
use crate::session::registry::{LiveState, SessionParts};
use crate::session::teller::{Step, Teller};
use crate::session::tools::{RunningTools, ToolTurn};
use crate::session::turn_start::{Able, OwnImages, TurnStart, gather, setup};
use crate::session::write::Write;

/// A growing text is stored at least this often.
const DRAFT_INTERVAL: Duration = Duration::from_millis(250);

/// See the module documentation.
pub(crate) struct RunningTurn {
    parts: Arc<SessionParts>,
    teller: Teller,
    state: Arc<LiveState>,
    session_id: SessionId,
    turn_id: TurnId,
    machine: TurnMachine,
    surface: Surface,
    /// Images just said, until the prompt is gathered.
    images: OwnImages,
    model: ResolvedModel,
    config: Arc<mesoclaw_config::ConfigSnapshot>,
    call: Option<ModelCall>,
    tools: RunningTools,
    /// Calls that were judged and neither run nor are refused yet.
    judged: HashMap<CallId, KeptCall>,
    /// Source of text from outside that a call of this turn brought.
    taint: Option<String>,
    approvals: HashMap<CallId, OpenApproval>,
    context: Option<BoxFuture<'static, Event>>,
    made_at: HashMap<ItemId, Timestamp>,
    deadline: Instant,
    next_draft: Option<Instant>,
    outcome: Option<TurnOutcome>,
    /// What its model calls cost so far, as far as that is known.
    cost_microusd: u64,
}

impl RunningTurn {
    /// Starts a turn: its row and the user message go into one transaction.
    pub async fn start(
        parts: Arc<SessionParts>,
        teller: Teller,
        state: Arc<LiveState>,
        start: TurnStart,
    ) -> Self {
        let turn_id = TurnId::random();
        let config = parts.config.current();
        let mut turn = Self {
            machine: TurnMachine::new(setup(&start, &turn_id, &config.config)),
            tools: RunningTools::new(ToolTurn {
                toolbox: Arc::clone(&parts.toolbox),
                session_id: start.session_id.clone(),
                turn_id: turn_id.clone(),
                surface: start.surface,
                tracker: parts.tracker.clone(),
            }),
            judged: HashMap::new(),
            taint: None,
            deadline: Instant::now()
                + Duration::from_secs(config.config.agent_turn_timeout_secs.into()),
            session_id: start.session_id,
            turn_id: turn_id.clone(),
            surface: start.surface,
            images: OwnImages::default(),
            model: start.model,
            parts,
            teller,
            state,
            config,
            call: None,
            approvals: HashMap::new(),
            context: None,
            made_at: HashMap::new(),
            next_draft: None,
            outcome: None,
            cost_microusd: 0,
        };
        let mut steps = start.before;
        steps.push(Step::from(Write::NewTurn(TurnRow {
            id: turn_id.clone(),
            session_id: turn.session_id.clone(),
            surface: start.surface,
            model: turn.model.display.clone(),
            started_at: Timestamp::now(),
        })));
        let (events, images) = start.begin.into_events();
        turn.images = images;
        let mut first = Vec::new();
        for event in events {
            turn.feed(event, &mut first);
        }
        // One transaction for all of it, then the answer to the client, then the news of the turn.
        steps.extend((start.after_first_write)(&turn_id));
        steps.extend(first);
        let (writes, news): (Vec<_>, Vec<_>) = steps
            .into_iter()
            .partition(|step| matches!(step, Step::Write(_)));
        let steps = writes.into_iter().chain(news).collect();
        turn.teller.put(steps).await;
        tracing::info!(session = %turn.session_id, turn = %turn_id, model = %turn.model.display, "turn started");
        turn
    }

    pub fn id(&self) -> &TurnId {
        &self.turn_id
    }

    /// Whether the turn waits for a person.
    pub fn is_waiting(&self) -> bool {
        !self.approvals.is_empty()
    }

    /// How the turn ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&TurnOutcome> {
        self.outcome.as_ref()
    }

    /// Waits for something to happen to the turn.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn happenings(&mut self) -> Vec<Happening> {
        let approval_deadline = self.approvals.values().map(|open| open.deadline).min();
        tokio::select! {
            events = next_of_call(&mut self.call) => events.into_iter().map(Happening::Event).collect(),
            event = next_of_context(&mut self.context) => {
                self.context = None;
                vec![Happening::Event(event)]
            }
            happening = self.tools.next() => vec![happening],
            () = sleep_until(self.next_draft) => vec![Happening::DraftDue],
            () = sleep_until(approval_deadline) => vec![Happening::ApprovalDue],
            () = self.teller.broken() => vec![Happening::Event(Event::Interrupt)],
            () = tokio::time::sleep_until(self.deadline) => vec![Happening::Event(Event::TurnTimedOut)],
        }
    }

    /// Acts on what happened.
    pub async fn handle(&mut self, happenings: Vec<Happening>) {
        let mut steps = Vec::new();
        self.store_calls(&mut steps);
        for happening in happenings {
            match happening {
                Happening::Event(event) => self.feed(event, &mut steps),
                Happening::Judged { asked, judged } => self.judged(*asked, *judged, &mut steps),
                Happening::CallRefused { asked, refused } => {
                    self.call_refused(&asked, &refused, &mut steps);
                }
                Happening::ToolEnded {
                    asked,
                    output,
                    duration,
                } => self.tool_ended(&asked, output, duration, &mut steps),
                Happening::DraftDue => self.store_draft().await,
                Happening::ApprovalDue => self.time_out_approvals(&mut steps).await,
            }
        }
        self.teller.put(steps).await;
    }

    /// Gives one event from outside (a command) to the machine.
    pub async fn command(&mut self, event: Event) {
        if let Event::ApprovalResolved { call_id, .. } = &event {
            self.approvals.remove(call_id);
        }
        self.handle(vec![Happening::Event(event)]).await;
    }

    /// Ends a turn whose code panicked: said to be failed, with what is stored of it.
    pub fn failed_steps(&self) -> Vec<Step> {
        let outcome = TurnOutcome::Failed {
            error_code: mesoclaw_api::ErrorCode::Internal,
            message: "the turn failed inside the daemon; the log has the details".to_owned(),
            hint: Some("`mesoclaw daemon logs`".to_owned()),
        };
        let usage = mesoclaw_api::Usage::default();
        let mut steps: Vec<Step> = self.withdrawals().collect();
        steps.extend([
            Step::from(Write::FinishTurn {
                turn_id: self.turn_id.clone(),
                outcome: outcome.clone(),
                usage,
                cost_microusd: self.cost_microusd,
                at: Timestamp::now(),
            }),
            Step::from(ApiEvent::TurnFinished {
                session_id: self.session_id.clone(),
                turn_id: self.turn_id.clone(),
                outcome,
                usage,
            }),
        ]);
        steps
    }

    /// Feeds the machine and does what it wants.
    fn feed(&mut self, event: Event, steps: &mut Vec<Step>) {
        for effect in self.machine.handle(event) {
            self.execute(effect, steps);
        }
    }

    fn execute(&mut self, effect: Effect, steps: &mut Vec<Step>) {
        match effect {
            Effect::Persist { item_id, body } => {
                steps.push(Step::from(Write::Item(self.item(item_id, body))));
            }
            Effect::Emit(event) => self.emit(*event, steps),
            Effect::GatherContext => {
                let (parts, config) = (Arc::clone(&self.parts), Arc::clone(&self.config));
                let (session_id, turn_id) = (self.session_id.clone(), self.turn_id.clone());
                let images = std::mem::take(&mut self.images);
                let able = Able::of(&self.model.facts, &self.config.config);
                self.context = Some(Box::pin(async move {
                    gather(&parts, &config.config, session_id, turn_id, images, able).await
                }));
            }
            Effect::CallModel(request) => {
                self.call = Some(ModelCall::start(
                    self.parts.calls.clone(),
                    Arc::clone(&self.config),
                    Asker {
                        session_id: self.session_id.clone(),
                        turn_id: self.turn_id.clone(),
                        surface: self.surface,
                    },
                    self.model.clone(),
                    *request,
                    self.teller.clone(),
                ));
            }
            Effect::AbortModel => {
                if let Some(call) = self.call.take() {
                    self.store_records(call.abort(), steps);
                }
            }
            Effect::CheckCall { call, taint } => self.check_call(call, taint, steps),
            Effect::RequestApproval { call, reason } => self.open_approval(&call, reason, steps),
            Effect::WithdrawApproval(call_id) => self.withdraw_approval(&call_id, steps),
            Effect::RunTool { call, taint } => self.run_call(call, taint, steps),
            Effect::AbortTool(call_id) => self.tools.abort(&call_id),
            Effect::Finish { outcome, usage } => {
                tracing::info!(
                    session = %self.session_id,
                    turn = %self.turn_id,
                    outcome = outcome.status(),
                    input_tokens = usage.input_tokens,
                    output_tokens = usage.output_tokens,
                    "turn finished"
                );
                self.outcome = Some(outcome);
            }
        }
    }

    /// Stores what was asked of models since the last time. A model that took over keeps the turn.
    fn store_calls(&mut self, steps: &mut Vec<Step>) {
        let Some(call) = &mut self.call else {
            return;
        };
        let records = call.take_records();
        if call.model().display != self.model.display {
            self.model = call.model().clone();
        }
        self.store_records(records, steps);
    }

    fn store_records(&mut self, records: Vec<ModelCallRow>, steps: &mut Vec<Step>) {
        for record in records {
            let cost = record.cost_microusd.unwrap_or(0);
            self.cost_microusd = self.cost_microusd.saturating_add(cost);
            steps.push(Step::from(Write::ModelCall(record)));
        }
    }

    fn emit(&mut self, event: ApiEvent, steps: &mut Vec<Step>) {
        if let ApiEvent::TurnFinished {
            turn_id,
            outcome,
            usage,
            ..
        } = &event
        {
            // The row of the turn ends in the same transaction as its last entries.
            steps.push(Step::from(Write::FinishTurn {
                turn_id: turn_id.clone(),
                outcome: outcome.clone(),
                usage: *usage,
                cost_microusd: self.cost_microusd,
                at: Timestamp::now(),
            }));
        }
        if matches!(event, ApiEvent::TurnFinished { .. }) {
            // Who hears of the end and asks at once must not be told that the turn runs.
            let state = Arc::clone(&self.state);
            steps.push(Step::then(move |_| state.set_idle()));
        }
        if matches!(event, ApiEvent::TextDelta { .. }) && self.next_draft.is_none() {
            self.next_draft = Some(Instant::now() + DRAFT_INTERVAL);
        }
        steps.push(Step::from(event));
    }

    fn item(&mut self, item_id: ItemId, body: ItemBody) -> Item {
        let created_at = self
            .made_at
            .entry(item_id.clone())
            .or_insert_with(Timestamp::now)
            .clone();
        Item {
            id: item_id,
            session_id: self.session_id.clone(),
            turn_id: Some(self.turn_id.clone()),
            position: 0,
            created_at,
            body,
        }
    }

    async fn store_draft(&mut self) {
        self.next_draft = None;
        if let Some(draft) = self.machine.draft() {
            self.machine.draft_stored(&draft);
            let item = self.item(draft.item_id, draft.body);
            self.teller.draft(item).await;
        }
    }
}
