//! One real request to a provider.

use std::time::Duration;

use futures_util::StreamExt;
use mesoclaw_agent::model::{GenerationParams, ModelDelta, ModelMessage, ModelRequest};
use mesoclaw_api::ops::provider::TestParams;
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, Timestamp, Usage};
use mesoclaw_providers::Endpoint;
use mesoclaw_store::repo::model_call::{self, ModelCallRow};
use tokio::time::Instant;

use crate::budget::{Allowance, Request};
use crate::core::Core;
use crate::error::{from_model, from_store};
use crate::models::setting::ProviderSetting;
use crate::models::{LOCAL, ModelFacts};

/// Models of a server that are named where another was asked for.
const MODELS_SHOWN: usize = 5;

/// A model that was asked.
struct Tried {
    outcome: ApiResult<String>,
    usage: Option<Usage>,
    latency: Duration,
}

impl Core {
    /// Gives the model that was asked and what happened.
    pub(super) async fn try_provider(
        &self,
        params: &TestParams,
        cx: CallCtx,
    ) -> (Option<String>, ApiResult<String>) {
        // A key somebody changed behind our back is found by trying again.
        self.inner.keys.forget_known();
        let model_id = match self.model_to_try(params, cx.connection).await {
            Ok(model_id) => model_id,
            Err(error) => return (None, Err(error)),
        };
        let result = self.try_model(&params.provider_id, &model_id, cx).await;
        (Some(model_id), result)
    }

    /// Asks within the budget, and keeps what it cost: it is a call of a model like any other.
    async fn try_model(&self, provider_id: &str, model_id: &str, cx: CallCtx) -> ApiResult<String> {
        let setting = if provider_id == LOCAL {
            None
        } else {
            Some(self.inner.models.setting(provider_id).await?)
        };
        let facts = match &setting {
            Some(setting) => ModelFacts::of(setting, model_id),
            None => ModelFacts::local(),
        };
        let model = format!("{provider_id}:{model_id}");
        let request = Request {
            session_id: None,
            surface: cx.surface,
            model: &model,
            facts: &facts,
        };
        if let Allowance::Refused(message) = self.inner.budget.allow(request).await? {
            return Err(ApiError::new(ErrorCode::LimitReached, message));
        }
        let started_at = Timestamp::now();
        let tried = match &setting {
            Some(setting) => self.try_endpoint(setting, model_id, cx.connection).await?,
            None => self.try_local(model_id).await?,
        };
        let usage = tried.usage.unwrap_or_default();
        let row = ModelCallRow {
            turn_id: None,
            session_id: None,
            job_id: None,
            surface: cx.surface,
            provider_id: provider_id.to_owned(),
            model,
            started_at,
            first_token_ms: None,
            latency_ms: tried.latency.as_millis() as u64,
            cost_microusd: facts.cost_microusd(&usage),
            usage,
            is_estimated: tried.usage.is_none() && tried.outcome.is_ok(),
            error_code: tried.outcome.as_ref().err().map(|error| error.code),
        };
        self.inner
            .store
            .write(move |tx| model_call::insert(tx, &row))
            .await
            .map_err(from_store)?;
        tried.outcome
    }

    async fn try_endpoint(
        &self,
        setting: &ProviderSetting,
        model_id: &str,
        connection: u64,
    ) -> ApiResult<Tried> {
        let endpoint = self.inner.models.endpoint_of(setting, connection).await?;
        let probe = mesoclaw_providers::probe(&endpoint, model_id)
            .await
            .map_err(|error| {
                ApiError::new(ErrorCode::Config, mesoclaw_api::error::chain(&error))
            })?;
        let outcome = match probe.outcome {
            Ok(()) => check_listed(setting, &endpoint, model_id)
                .await
                .map(|()| probe.message),
            Err(error) => Err(ApiError::new(error.kind.code(), probe.message)),
        };
        Ok(Tried {
            outcome,
            usage: probe.usage,
            latency: probe.latency,
        })
    }

    /// Asks the embedded model for one token: it is loaded for real.
    async fn try_local(&self, model_id: &str) -> ApiResult<Tried> {
        let model = self.inner.models.resolve_exact(LOCAL, model_id, 0).await?;
        let started = Instant::now();
        let mut stream = model.client.stream(ModelRequest {
            model: model.model_id,
            cache_key: "provider.test".to_owned(),
            system: String::new(),
            messages: vec![ModelMessage::User {
                text: "Say hello.".to_owned(),
                images: Vec::new(),
            }],
            tools: Vec::new(),
            params: GenerationParams {
                max_tokens: Some(1),
                ..GenerationParams::default()
            },
        });
        let (mut usage, mut failed) = (None, None);
        while let Some(delta) = stream.next().await {
            match delta {
                Ok(ModelDelta::Usage(told)) => usage = Some(told),
                Ok(
                    ModelDelta::Text(_)
                    | ModelDelta::Reasoning(_)
                    | ModelDelta::ToolCall { .. }
                    | ModelDelta::CallSignature { .. }
                    | ModelDelta::Stop(_),
                ) => {}
                Err(error) => failed = Some(from_model(error)),
            }
        }
        let answered = format!("`{}` answered", model.display);
        Ok(Tried {
            outcome: failed.map_or(Ok(answered), Err),
            usage,
            latency: started.elapsed(),
        })
    }

    /// The model named, the default one, the first that is known, or the first the provider lists.
    async fn model_to_try(&self, params: &TestParams, connection: u64) -> ApiResult<String> {
        if let Some(model_id) = &params.model_id {
            return Ok(model_id.clone());
        }
        if let Some(default) = self.inner.models.default_model()
            && default.provider_id == params.provider_id
        {
            return Ok(default.model_id);
        }
        let known = self
            .inner
            .models
            .provider(&params.provider_id)
            .await?
            .models;
        if let Some(model) = known.into_iter().next() {
            return Ok(model.model_id);
        }
        let mut listed = Vec::new();
        if params.provider_id != LOCAL {
            let setting = self.inner.models.setting(&params.provider_id).await?;
            let endpoint = self.inner.models.endpoint_of(&setting, connection).await?;
            listed = mesoclaw_providers::list_models(&endpoint)
                .await
                .map_err(from_model)?;
        }
        listed
            .into_iter()
            .next()
            .map(|model| model.id)
            .ok_or_else(|| {
                ApiError::new(
                    ErrorCode::AgentModelNotFound,
                    format!("provider `{}` lists no model", params.provider_id),
                )
                .with_hint(if params.provider_id == LOCAL {
                    "install one: `mesoclaw setup --local`, or `mesoclaw model list` and `mesoclaw model pull ID`".to_owned()
                } else {
                    format!("name one: `mesoclaw provider test {} --model MODEL`", params.provider_id)
                })
            })
    }
}

/// Some servers answer for whatever name they are given with the model they have: what they list
/// tells. The makers' own addresses refuse names they do not know, and answer to more than they
/// list.
async fn check_listed(
    setting: &ProviderSetting,
    endpoint: &Endpoint,
    model_id: &str,
) -> ApiResult<()> {
    if !setting.is_loopback && setting.origin() == setting.known_origin {
        return Ok(());
    }
    // A server without a list has nothing to compare with.
    let Ok(listed) = mesoclaw_providers::list_models(endpoint).await else {
        return Ok(());
    };
    let is_meant = |id: &str| id == model_id || id.strip_suffix(":latest") == Some(model_id);
    if listed.is_empty() || listed.iter().any(|model| is_meant(&model.id)) {
        return Ok(());
    }
    let first: Vec<&str> = listed
        .iter()
        .take(MODELS_SHOWN)
        .map(|model| model.id.as_str())
        .collect();
    Err(ApiError::new(
        ErrorCode::AgentModelNotFound,
        format!(
            "`{}` answered, but it does not list `{}`: it has {}",
            setting.id,
            model_id.escape_debug(),
            first.join(", ")
        ),
    )
    .with_hint("name one of them: some servers answer for any name with the model they have"))
}
