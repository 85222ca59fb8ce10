//! One real request to a provider.

use futures_util::StreamExt;
use mesoclaw_agent::model::{GenerationParams, ModelMessage, ModelRequest};
use mesoclaw_api::ops::provider::TestParams;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode};
use mesoclaw_providers::Endpoint;

use crate::core::Core;
use crate::error::from_model;
use crate::models::setting::ProviderSetting;
use crate::models::{LOCAL, Wanted};

/// Models of a server that are named where another was asked for.
const MODELS_SHOWN: usize = 5;

impl Core {
    /// Gives the model that was asked and what happened.
    pub(super) async fn try_provider(
        &self,
        params: &TestParams,
        connection: u64,
    ) -> (Option<String>, ApiResult<String>) {
        // A key somebody changed behind our back is found by trying again.
        self.inner.keys.forget_known();
        let model_id = match self.model_to_try(params, connection).await {
            Ok(model_id) => model_id,
            Err(error) => return (None, Err(error)),
        };
        let result = if params.provider_id == LOCAL {
            self.try_local(&model_id).await
        } else {
            self.try_endpoint(&params.provider_id, &model_id, connection)
                .await
        };
        (Some(model_id), result)
    }

    async fn try_endpoint(
        &self,
        provider_id: &str,
        model_id: &str,
        connection: u64,
    ) -> ApiResult<String> {
        let setting = self.inner.models.setting(provider_id).await?;
        let endpoint = self.inner.models.endpoint_of(&setting, connection).await?;
        let probe = mesoclaw_providers::probe(&endpoint, model_id)
            .await
            .map_err(|error| {
                ApiError::new(ErrorCode::Config, mesoclaw_api::error::chain(&error))
            })?;
        match probe.outcome {
            Ok(()) => {
                check_listed(&setting, &endpoint, model_id).await?;
                Ok(probe.message)
            }
            Err(error) => Err(ApiError::new(error.kind.code(), probe.message)),
        }
    }

    /// Asks the embedded model for one token: it is loaded for real.
    async fn try_local(&self, model_id: &str) -> ApiResult<String> {
        let wanted = format!("{LOCAL}:{model_id}");
        let model = self
            .inner
            .models
            .resolve(Wanted {
                model: Some(&wanted),
                connection: 0,
            })
            .await?;
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
        while let Some(delta) = stream.next().await {
            delta.map_err(from_model)?;
        }
        Ok(format!("`{}` answered", model.display))
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
                .with_hint("name one: `mesoclaw provider test ID --model MODEL`")
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
