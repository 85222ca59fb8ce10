//! Drives one model call: the budget before it, the stream, retries before anything was said, and
//! the model that takes over when nothing helps.
//!
//! This is the only place that retries. Clock and jitter live here, the decision whether a failure
//! is worth another try comes from the error's class.

mod backoff;
mod check;
mod fallback;
mod meter;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use mesoclaw_agent::model::{
    ModelDelta, ModelError, ModelErrorKind, ModelMessage, ModelRequest, ModelStream,
};
use mesoclaw_agent::turn::Event;
use mesoclaw_api::{BoxFuture, SessionId, Surface, TurnId};
use mesoclaw_config::ConfigSnapshot;
use mesoclaw_store::repo::model_call::ModelCallRow;
use tokio::time::{Instant, Sleep};

use crate::budget::Budget;
use crate::circuit::{CircuitLimits, Circuits};
use crate::keys::Keys;
use crate::models::{Models, ResolvedModel};
use crate::session::model_call::backoff::{backoff, jitter};
use crate::session::model_call::check::{Checked, check};
use crate::session::model_call::fallback::{
    after, first_usable, has_images, left_alone, limit_output, may_be_taken_over,
};
use crate::session::model_call::meter::Meter;
use crate::session::teller::Teller;

/// Deltas taken from the stream in one go.
const DELTAS_AT_ONCE: usize = 512;

/// What model calls need of the daemon.
#[derive(Clone)]
pub(crate) struct CallParts {
    pub models: Arc<Models>,
    pub keys: Arc<Keys>,
    pub budget: Arc<Budget>,
    pub circuits: Arc<Circuits>,
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Asker {
    pub session_id: SessionId,
    pub turn_id: TurnId,
    pub surface: Surface,
}

/// A running model call.
pub(crate) struct ModelCall {
    parts: CallParts,
    config: Arc<ConfigSnapshot>,
    asker: Asker,
    model: ResolvedModel,
    request: ModelRequest,
    /// Models that may take over, in order.
    fallbacks: VecDeque<String>,
    attempt: u32,
    has_emitted: bool,
    meter: Meter,
    /// What was asked and how it ended, to be stored.
    records: Vec<ModelCallRow>,
    state: State,
}

enum State {
    /// The model is looked up again and the budget is looked at.
    Checking(BoxFuture<'static, Result<Checked, ModelError>>),
    Streaming(ModelStream),
    Waiting(std::pin::Pin<Box<Sleep>>),
    /// Another model is looked for.
    Switching(BoxFuture<'static, Option<ResolvedModel>>, Box<ModelError>),
    Over,
}

impl ModelCall {
    /// Starts the call.
    pub fn start(
        parts: CallParts,
        config: Arc<ConfigSnapshot>,
        asker: Asker,
        model: ResolvedModel,
        mut request: ModelRequest,
        teller: Teller,
    ) -> Self {
        limit_output(&mut request, &config.config, &model);
        let fallbacks = config
            .config
            .provider_fallbacks
            .iter()
            .filter(|fallback| **fallback != model.display)
            .cloned()
            .collect();
        let check = check(parts.clone(), asker.clone(), model.clone(), teller);
        Self {
            meter: Meter::start(&request),
            parts,
            config,
            asker,
            model,
            request,
            fallbacks,
            attempt: 1,
            has_emitted: false,
            records: Vec::new(),
            state: State::Checking(Box::pin(check)),
        }
    }

    /// Who answers now: the model that was asked, or the one that took over.
    pub fn model(&self) -> &ResolvedModel {
        &self.model
    }

    /// What was asked since the last look and how it ended.
    pub fn take_records(&mut self) -> Vec<ModelCallRow> {
        std::mem::take(&mut self.records)
    }

    /// The call is not wanted any more: what it used so far is in the records.
    pub fn abort(mut self) -> Vec<ModelCallRow> {
        if let State::Streaming(_) = self.state {
            self.record(None);
        }
        self.take_records()
    }

    /// The next news for the machine: everything that is there by now, pieces of text joined.
    ///
    /// # Cancellation
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Vec<Event> {
        loop {
            let mut events = Vec::new();
            match &mut self.state {
                State::Over => std::future::pending().await,
                State::Checking(check) => {
                    let allowed = check.as_mut().await;
                    self.checked(allowed, &mut events);
                }
                State::Waiting(sleep) => {
                    sleep.as_mut().await;
                    self.ask(&mut events);
                }
                State::Switching(next, error) => {
                    let found = next.as_mut().await;
                    let error = (**error).clone();
                    self.switched(found, error, &mut events);
                }
                State::Streaming(stream) => {
                    let first = stream.next().await;
                    self.collect(first, &mut events);
                }
            }
            if !events.is_empty() {
                return events;
            }
        }
    }

    fn checked(&mut self, checked: Result<Checked, ModelError>, events: &mut Vec<Event>) {
        match checked {
            Ok(Checked::Allowed { model, low }) => {
                events.extend(low.map(|message| Event::BudgetLow { message }));
                self.model = *model;
                limit_output(&mut self.request, &self.config.config, &self.model);
                self.ask(events);
            }
            Ok(Checked::Refused(message)) => {
                self.state = State::Over;
                events.push(Event::BudgetExhausted { message });
            }
            Err(error) => {
                let error = self.presentable(error);
                self.give_up(error, events);
            }
        }
    }

    /// Asks the model, unless its provider is left alone for now.
    fn ask(&mut self, events: &mut Vec<Event>) {
        if let Some(error) = meter::too_long(&self.request, &self.model) {
            return self.give_up(error, events);
        }
        match self.parts.circuits.enter(&self.model.provider_id) {
            Ok(()) => {
                self.meter = Meter::start(&self.request);
                self.state = State::Streaming(self.model.client.stream(self.request.clone()));
            }
            Err(open) => {
                let error = left_alone(&self.model.provider_id, open);
                self.give_up(error, events);
            }
        }
    }

    fn collect(&mut self, first: Option<Result<ModelDelta, ModelError>>, events: &mut Vec<Event>) {
        let mut next = Some(first);
        while let Some(piece) = next {
            match piece {
                Some(Ok(delta)) => self.take(delta, events),
                Some(Err(error)) => self.fail(error, events),
                None => {
                    let error = ModelError::new(
                        ModelErrorKind::BrokenStream,
                        "the answer broke off before its end",
                    );
                    self.fail(error, events);
                }
            }
            next = match &mut self.state {
                State::Streaming(stream) if events.len() < DELTAS_AT_ONCE => {
                    stream.next().now_or_never()
                }
                State::Streaming(_)
                | State::Checking(_)
                | State::Waiting(_)
                | State::Switching(..)
                | State::Over => None,
            };
        }
    }

    fn take(&mut self, delta: ModelDelta, events: &mut Vec<Event>) {
        self.meter.take(&delta);
        match &delta {
            ModelDelta::Stop(_) => {
                self.parts.circuits.succeeded(&self.model.provider_id);
                self.record(None);
                self.state = State::Over;
                if let Some(usage) = self.meter.estimated() {
                    events.push(Event::ModelDelta(ModelDelta::Usage(usage)));
                }
            }
            ModelDelta::Text(_) | ModelDelta::Reasoning(_) | ModelDelta::ToolCall { .. } => {
                self.has_emitted = true;
            }
            ModelDelta::CallSignature { .. } | ModelDelta::Usage(_) => {}
        }
        match (events.last_mut(), delta) {
            (Some(Event::ModelDelta(ModelDelta::Text(text))), ModelDelta::Text(more))
            | (Some(Event::ModelDelta(ModelDelta::Reasoning(text))), ModelDelta::Reasoning(more)) =>
            {
                text.push_str(&more);
            }
            (_, delta) => events.push(Event::ModelDelta(delta)),
        }
    }

    fn fail(&mut self, error: ModelError, events: &mut Vec<Event>) {
        let mut error = self.presentable(error);
        // A rejection whose reason is known has a hint; some makers have no code for a prompt that
        // is too long.
        if error.kind == ModelErrorKind::Rejected
            && error.hint.is_none()
            && !self.has_emitted
            && meter::is_nearly_full(&self.request, &self.model)
        {
            error.kind = ModelErrorKind::ContextLength;
            error.hint = Some(meter::TOO_LONG_HINT.to_owned());
        }
        self.record(Some(error.kind));
        self.tell_circuit(error.kind);
        if error.kind == ModelErrorKind::Auth {
            // Somebody may have put another key into the keyring.
            self.parts.keys.forget_known();
        }
        let longest = Duration::from_secs(self.config.config.provider_retry_after_max_secs.into());
        let may_retry = error.kind.is_retryable()
            && !self.has_emitted
            && self.attempt <= self.config.config.provider_max_retries
            && !self.parts.circuits.is_open(&self.model.provider_id)
            && error.retry_after.is_none_or(|wait| wait <= longest);
        if !may_retry {
            return self.give_up(error, events);
        }
        let after = error
            .retry_after
            .unwrap_or_else(|| backoff(self.attempt, jitter()));
        self.attempt += 1;
        self.state = State::Waiting(Box::pin(tokio::time::sleep_until(Instant::now() + after)));
        events.push(Event::ModelRetrying {
            attempt: self.attempt,
            after,
            reason: error.message,
        });
    }

    /// This model does not answer: another one does, if there is one and nothing was said yet.
    fn give_up(&mut self, error: ModelError, events: &mut Vec<Event>) {
        if self.has_emitted || !may_be_taken_over(error.kind) || self.fallbacks.is_empty() {
            self.state = State::Over;
            events.push(Event::ModelFailed(error));
            return;
        }
        let candidates = std::mem::take(&mut self.fallbacks);
        let (models, circuits) = (
            Arc::clone(&self.parts.models),
            Arc::clone(&self.parts.circuits),
        );
        let connection = self.model.connection;
        let has_images = self.request.messages.iter().any(has_images);
        let next = first_usable(models, circuits, candidates, connection, has_images);
        self.state = State::Switching(Box::pin(next), Box::new(error));
    }

    fn switched(
        &mut self,
        found: Option<ResolvedModel>,
        error: ModelError,
        events: &mut Vec<Event>,
    ) {
        let Some(model) = found else {
            self.state = State::Over;
            events.push(Event::ModelFailed(error));
            return;
        };
        // What was tried already is not tried again.
        self.fallbacks = after(&self.config.config.provider_fallbacks, &model.display);
        self.request.model.clone_from(&model.model_id);
        limit_output(&mut self.request, &self.config.config, &model);
        for message in &mut self.request.messages {
            if let ModelMessage::Assistant { calls, .. } = message {
                for call in calls {
                    call.signature = None;
                }
            }
        }
        events.push(Event::ModelSwitched {
            model: model.display.clone(),
            provider_model: model.model_id.clone(),
            reason: error.message,
        });
        self.model = model;
        self.attempt = 1;
        self.ask(events);
    }

    fn tell_circuit(&self, kind: ModelErrorKind) {
        let config = &self.config.config;
        match kind {
            ModelErrorKind::Connection
            | ModelErrorKind::Timeout
            | ModelErrorKind::Server
            | ModelErrorKind::BrokenStream => self.parts.circuits.failed(
                &self.model.provider_id,
                CircuitLimits {
                    failures: config.provider_circuit_failures,
                    pause: Duration::from_secs(config.provider_circuit_pause_secs.into()),
                },
            ),
            // It answered, whatever it said.
            ModelErrorKind::Auth
            | ModelErrorKind::ModelNotFound
            | ModelErrorKind::ContextLength
            | ModelErrorKind::Payment
            | ModelErrorKind::RateLimited
            | ModelErrorKind::Rejected => self.parts.circuits.succeeded(&self.model.provider_id),
            ModelErrorKind::NotConfigured
            | ModelErrorKind::Capability
            | ModelErrorKind::Internal => self.parts.circuits.given_up(&self.model.provider_id),
        }
    }

    fn presentable(&self, error: ModelError) -> ModelError {
        ModelError {
            message: self.parts.keys.redact(error.message),
            hint: error.hint.map(|hint| self.parts.keys.redact(hint)),
            ..error
        }
    }

    fn record(&mut self, failed: Option<ModelErrorKind>) {
        self.records
            .push(self.meter.record(&self.asker, &self.model, failed));
    }
}

impl Drop for ModelCall {
    fn drop(&mut self) {
        // Whoever was let through to try a provider again must not keep it for ever.
        if let State::Streaming(_) = self.state {
            self.parts.circuits.given_up(&self.model.provider_id);
        }
    }
}
