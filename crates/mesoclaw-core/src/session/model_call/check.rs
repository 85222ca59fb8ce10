//! What is looked at before each model call: whether its model can still be asked, with which key,
//! and what the budget says. A turn may run for long, and a key may be changed meanwhile.

use mesoclaw_agent::model::{ModelError, ModelErrorKind};
use mesoclaw_api::{ApiError, BoxFuture, ErrorCode};

use crate::budget::{Allowance, Request};
use crate::models::{LOCAL, ResolvedModel, Wanted};
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
    let wanted = Wanted {
        model: Some(&model.display),
        connection: model.connection,
    };
    let found = parts.models.resolve(wanted).await.map_err(unanswered)?;
    if found.display != model.display {
        // Without its provider the text names a model of the default one.
        let text = format!("the provider `{}` is gone", model.provider_id);
        return Err(ModelError::new(ModelErrorKind::NotConfigured, text)
            .with_hint("`mesoclaw provider list --all` shows the providers"));
    }
    Ok(found)
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
