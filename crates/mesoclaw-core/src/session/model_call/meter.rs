//! Time and tokens of one request to a model.

use mesoclaw_agent::model::{ModelDelta, ModelError, ModelErrorKind, ModelMessage, ModelRequest};
use mesoclaw_api::{Timestamp, Usage};
use mesoclaw_store::repo::model_call::ModelCallRow;
use tokio::time::Instant;

use crate::models::ResolvedModel;
use crate::session::model_call::Asker;

/// Bytes of a token, where a provider does not count: a little low for English, so an estimate is
/// a little high.
const BYTES_PER_TOKEN: u64 = 4;
/// Bytes of a token where tokens are long: plain words of a large vocabulary.
const MOST_BYTES_PER_TOKEN: u64 = 8;
/// How full a context is, by the rough count, when a rejection is taken to be about it.
const NEARLY_FULL_PERCENT: u64 = 80;
/// What to do about a prompt that is too long.
pub(super) const TOO_LONG_HINT: &str = "start a new session, or use a model with a longer context";
/// Tokens of an image, where a provider does not count.
const TOKENS_PER_IMAGE: u64 = 1000;

/// See the module documentation.
pub(super) struct Meter {
    started_at: Timestamp,
    started: Instant,
    first: Option<Instant>,
    /// What the request would be by its length.
    input_estimate: u64,
    output_bytes: u64,
    usage: Option<Usage>,
    is_complete: bool,
}

impl Meter {
    /// A request goes out.
    pub fn start(request: &ModelRequest) -> Self {
        Self {
            started_at: Timestamp::now(),
            started: Instant::now(),
            first: None,
            input_estimate: estimate(request),
            output_bytes: 0,
            usage: None,
            is_complete: false,
        }
    }

    /// A piece of the answer came.
    pub fn take(&mut self, delta: &ModelDelta) {
        let n_bytes = match delta {
            ModelDelta::Text(text) | ModelDelta::Reasoning(text) => text.len(),
            ModelDelta::ToolCall {
                name, arguments, ..
            } => name.len() + arguments.len(),
            ModelDelta::Usage(usage) => {
                self.usage = Some(*usage);
                return;
            }
            ModelDelta::Stop(_) => {
                self.is_complete = true;
                return;
            }
            ModelDelta::CallSignature { .. } => return,
        };
        self.output_bytes += n_bytes as u64;
        self.first.get_or_insert_with(Instant::now);
    }

    /// The usage of an answer whose provider did not tell it; `None` when it did.
    pub fn estimated(&self) -> Option<Usage> {
        let output_tokens = self.output_bytes.div_ceil(BYTES_PER_TOKEN);
        match self.usage {
            // Some count the answer at its end only, and this one did not get there.
            Some(usage) if !self.is_complete && usage.output_tokens < output_tokens => {
                Some(Usage {
                    output_tokens,
                    ..usage
                })
            }
            Some(usage) if usage.input_tokens > 0 || usage.output_tokens > 0 => None,
            Some(_) | None => Some(Usage {
                input_tokens: self.input_estimate,
                output_tokens,
                model_calls: 1,
                ..Usage::default()
            }),
        }
    }

    /// The row of this request. One that failed before it said anything used nothing that we know
    /// of.
    pub fn record(
        &self,
        asker: &Asker,
        model: &ResolvedModel,
        failed: Option<ModelErrorKind>,
    ) -> ModelCallRow {
        let estimated = self
            .estimated()
            .filter(|_| failed.is_none() || self.output_bytes > 0);
        let usage = match (estimated, self.usage) {
            (Some(estimated), _) => estimated,
            (None, told) => told.unwrap_or_default(),
        };
        let ms = |moment: Instant| (moment - self.started).as_millis() as u64;
        ModelCallRow {
            turn_id: Some(asker.turn_id.clone()),
            session_id: Some(asker.session_id.clone()),
            job_id: None,
            surface: asker.surface,
            provider_id: model.provider_id.clone(),
            model: model.display.clone(),
            started_at: self.started_at.clone(),
            first_token_ms: self.first.map(ms),
            latency_ms: ms(Instant::now()),
            cost_microusd: model.facts.cost_microusd(&usage),
            usage,
            is_estimated: estimated.is_some(),
            error_code: failed.map(ModelErrorKind::code),
        }
    }
}

/// A prompt that is sure not to fit is not sent: not every provider has a code for it, and none
/// answers it.
pub(super) fn too_long(request: &ModelRequest, model: &ResolvedModel) -> Option<ModelError> {
    let limit = u64::from(model.facts.context_limit?);
    let tokens = request.text_bytes() / MOST_BYTES_PER_TOKEN;
    (tokens > limit).then(|| {
        ModelError::new(
            ModelErrorKind::ContextLength,
            format!(
                "the conversation has more than {tokens} tokens, and {} takes {limit}",
                model.display
            ),
        )
        .with_hint(TOO_LONG_HINT)
    })
}

/// Whether a prompt comes close to what the model takes, so that a rejection without a reason is
/// most likely about its length.
pub(super) fn is_nearly_full(request: &ModelRequest, model: &ResolvedModel) -> bool {
    let tokens = request.text_bytes() / BYTES_PER_TOKEN;
    let limit = model.facts.context_limit;
    limit.is_some_and(|limit| tokens * 100 >= u64::from(limit) * NEARLY_FULL_PERCENT)
}

/// Tokens of a prompt by its length.
fn estimate(request: &ModelRequest) -> u64 {
    let images = request.messages.iter().map(|message| match message {
        ModelMessage::User { images, .. } => images.len() as u64,
        ModelMessage::Assistant { .. } | ModelMessage::ToolResult { .. } => 0,
    });
    request.text_bytes().div_ceil(BYTES_PER_TOKEN) + images.sum::<u64>() * TOKENS_PER_IMAGE
}
