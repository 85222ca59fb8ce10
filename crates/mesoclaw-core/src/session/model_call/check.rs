//! What is looked at before each model call: whether its model can still be asked, with which key,
//! and what the budget says. A turn may run for long, and a key may be changed meanwhile.

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::{ApiError, BoxFuture, ErrorCode};

use crate::budget::{Allowance, Request};
use crate::models::{LOCAL, ResolvedModel};
use crate::session::model_call::{Asker, CallParts};
use crate::session::teller::Teller;

/// How a model call begins.
pub(super) enum Checked {
    /// With this model, as it is known now.
    Allowed {
        model: Box<ResolvedModel>,
        /// What people should know of the budget first.
        low: Option<String>,
    },
    /// Not at all, with the sentence for people.
    Refused(String),
}

/// Looks the model up again and asks the budget.
pub(super) fn check(
    parts: CallParts,
    asker: Asker,
    model: ResolvedModel,
    teller: Teller,
) -> BoxFuture<'static, Result<Checked, ModelError>> {
    Box::pin(async move {
        let model = again(&parts, model).await?;
        if parts.budget.has_limits() {
            // What the rounds before used has to be stored before it can be summed up.
            teller.flushed().await;
        }
        let request = Request {
            session_id: Some(&asker.session_id),
            surface: asker.surface,
            model: &model.display,
            facts: &model.facts,
        };
        let allowed = parts.budget.allow(request).await;
        match allowed.map_err(unanswered)? {
            Allowance::Allowed => Ok(Checked::Allowed {
                model: Box::new(model),
                low: None,
            }),
            Allowance::Low(sentence) => Ok(Checked::Allowed {
                model: Box::new(model),
                low: Some(sentence),
            }),
            Allowance::Refused(message) => Ok(Checked::Refused(message)),
        }
    })
}

/// The same model with the key and the address of now. The embedded engine has neither.
async fn again(parts: &CallParts, model: ResolvedModel) -> Result<ResolvedModel, ModelError> {
    if model.provider_id == LOCAL {
        return Ok(model);
    }
    let found = parts
        .models
        .resolve_exact(&model.provider_id, &model.model_id, model.connection)
        .await;
    found.map_err(unanswered)
}

fn unanswered(error: ApiError) -> ModelError {
    let kind = match error.code {
        ErrorCode::Internal => ModelErrorKind::Internal,
        _ => ModelErrorKind::NotConfigured,
    };
    ModelError {
        hint: error.hint,
        ..ModelError::new(kind, error.message)
    }
}
