//! Which model takes over when one cannot answer.

use std::collections::VecDeque;
use std::sync::Arc;

use mesoclaw_agent::model::{ModelError, ModelErrorKind, ModelMessage, ModelRequest};
use mesoclaw_config::Config;

use crate::circuit::{Circuits, Open};
use crate::models::{Models, ResolvedModel};

/// Whether another model may help where this one failed.
pub(super) fn may_be_taken_over(kind: ModelErrorKind) -> bool {
    match kind {
        ModelErrorKind::NotConfigured
        | ModelErrorKind::Auth
        | ModelErrorKind::ModelNotFound
        | ModelErrorKind::Payment
        | ModelErrorKind::RateLimited
        | ModelErrorKind::Connection
        | ModelErrorKind::Timeout
        | ModelErrorKind::Server
        | ModelErrorKind::BrokenStream => true,
        ModelErrorKind::ContextLength
        | ModelErrorKind::Rejected
        | ModelErrorKind::Capability
        | ModelErrorKind::Internal => false,
    }
}

pub(super) fn has_images(message: &ModelMessage) -> bool {
    match message {
        ModelMessage::User { images, .. } => !images.is_empty(),
        ModelMessage::Assistant { .. } | ModelMessage::ToolResult { .. } => false,
    }
}

/// The models behind `model` in the list.
pub(super) fn after(fallbacks: &[String], model: &str) -> VecDeque<String> {
    let at = fallbacks.iter().position(|fallback| fallback == model);
    fallbacks
        .iter()
        .skip(at.map_or(fallbacks.len(), |at| at + 1))
        .cloned()
        .collect()
}

/// The first model of the list that can be asked now.
pub(super) async fn first_usable(
    models: Arc<Models>,
    circuits: Arc<Circuits>,
    candidates: VecDeque<String>,
    connection: u64,
    has_images: bool,
) -> Option<ResolvedModel> {
    for candidate in candidates {
        let Some((provider_id, model_id)) = candidate.split_once(':') else {
            tracing::debug!(model = candidate, "names no provider");
            continue;
        };
        let found = models.resolve_exact(provider_id, model_id, connection);
        match found.await {
            Ok(model) if has_images && model.facts.supports_vision == Some(false) => {
                tracing::debug!(
                    model = candidate,
                    "does not see images, so it is passed over"
                );
            }
            Ok(model) if circuits.is_open(&model.provider_id) => {
                tracing::debug!(model = candidate, "is left alone, so it is passed over");
            }
            Ok(model) => return Some(model),
            Err(error) => tracing::debug!(model = candidate, %error, "cannot take over"),
        }
    }
    None
}

/// Asks for what configuration says, but for no more than the model can say: some providers refuse
/// the whole request otherwise. A model that took over is not bound by the limit of the first.
pub(super) fn limit_output(request: &mut ModelRequest, config: &Config, model: &ResolvedModel) {
    let most = model.facts.output_limit.unwrap_or(u32::MAX);
    request.params.max_tokens = Some(config.agent_max_tokens.min(most));
}

/// What people are told of a provider that is not asked for now.
pub(super) fn left_alone(provider_id: &str, open: Open) -> ModelError {
    ModelError::new(
        ModelErrorKind::Connection,
        format!(
            "`{provider_id}` failed {} times in a row and is left alone for {} more seconds",
            open.n_failures,
            open.remaining.as_secs() + 1
        ),
    )
    .with_hint(format!(
        "`mesoclaw provider test {provider_id}` tries it now; provider_circuit_failures says when \
         that happens"
    ))
}
