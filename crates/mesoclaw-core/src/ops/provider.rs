//! Handlers of `provider.*`.

use std::time::Duration;

use futures_util::StreamExt;
use mesoclaw_agent::model::{GenerationParams, ModelMessage, ModelRequest};
use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, Provider, ProviderApi, ProviderParams, TestParams, TestResult,
};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, Event, Timestamp};
use mesoclaw_providers::Endpoint;
use mesoclaw_store::repo::provider::{self, ProviderRow};
use serde_json::json;
use tokio::time::Instant;

use crate::core::Core;
use crate::error::{from_config, from_model, from_store};
use crate::models::LOCAL;

/// Longest provider id.
const MAX_ID_CHARS: usize = 64;

impl ProviderApi for Core {
    async fn list(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<Provider>> {
        self.inner.models.list().await
    }

    async fn create(&self, cx: CallCtx, params: CreateParams) -> ApiResult<Provider> {
        let row = checked(params)?;
        if self.inner.models.exists(&row.id).await? {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("there is a provider `{}` already", row.id),
            )
            .with_hint(format!("`mesoclaw provider remove {}` first", row.id)));
        }
        let new = row.clone();
        self.inner
            .store
            .write(move |tx| provider::insert(tx, &new))
            .await
            .map_err(from_store)?;
        self.tell_provider(&row.id);
        let provider_id = row.id;
        ProviderApi::get(self, cx, ProviderParams { provider_id }).await
    }

    async fn default_get(
        &self,
        _cx: CallCtx,
        _params: NoParams,
    ) -> ApiResult<Option<DefaultModel>> {
        Ok(self.inner.models.default_model())
    }

    async fn default_set(&self, _cx: CallCtx, params: DefaultModel) -> ApiResult<Done> {
        let wanted = format!("{}:{}", params.provider_id, params.model_id);
        if params.model_id.is_empty() || !self.inner.models.exists(&params.provider_id).await? {
            return Err(ApiError::not_found("provider", &params.provider_id)
                .with_hint("`mesoclaw provider list` shows the providers"));
        }
        // A model that is not installed or a key that is missing is said now, not at the first
        // message.
        self.inner.models.resolve(Some(&wanted)).await?;
        let patch = self.default_patch(&params);
        let config = std::sync::Arc::clone(&self.inner.config);
        tokio::task::spawn_blocking(move || config.update(&patch))
            .await
            .map_err(|_| ApiError::new(ErrorCode::Internal, "writing the configuration failed"))?
            .map_err(from_config)?;
        self.tell_provider(&params.provider_id);
        Ok(Done {})
    }

    async fn get(&self, _cx: CallCtx, params: ProviderParams) -> ApiResult<Provider> {
        self.inner
            .models
            .list()
            .await?
            .into_iter()
            .find(|provider| provider.id == params.provider_id)
            .ok_or_else(|| no_provider(&params.provider_id))
    }

    async fn delete(&self, _cx: CallCtx, params: ProviderParams) -> ApiResult<Done> {
        self.refuse_default(&params.provider_id)?;
        let id = params.provider_id.clone();
        let deleted = self
            .inner
            .store
            .write(move |tx| provider::delete(tx, &id))
            .await
            .map_err(from_store)?;
        if deleted {
            self.tell_provider(&params.provider_id);
            return Ok(Done {});
        }
        if self.inner.models.exists(&params.provider_id).await? {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "provider `{}` is not one that somebody added",
                    params.provider_id
                ),
            )
            .with_hint("only added providers can be removed; configuration: `mesoclaw config unset provider_base_url`"));
        }
        Err(no_provider(&params.provider_id))
    }

    async fn test(&self, _cx: CallCtx, params: TestParams) -> ApiResult<TestResult> {
        if !self.inner.models.exists(&params.provider_id).await? {
            return Err(no_provider(&params.provider_id));
        }
        let started = Instant::now();
        let (model_id, result) = self.try_provider(&params).await;
        let latency_ms = started.elapsed().as_millis() as u64;
        Ok(match result {
            Ok(message) => TestResult {
                success: true,
                message,
                latency_ms,
                model_id,
                error_code: None,
            },
            Err(error) => TestResult {
                success: false,
                message: match error.hint {
                    Some(hint) => format!("{} ({hint})", error.message),
                    None => error.message,
                },
                latency_ms,
                model_id,
                error_code: Some(error.code),
            },
        })
    }
}

impl Core {
    /// Removing the provider of the default model would leave every message without an answer.
    fn refuse_default(&self, provider_id: &str) -> ApiResult<()> {
        let default = self.inner.models.default_model();
        if default.is_none_or(|model| model.provider_id != provider_id) {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::Conflict,
            format!("provider `{provider_id}` holds the default model"),
        )
        .with_hint("choose another one first: `mesoclaw provider default ID MODEL`"))
    }

    fn tell_provider(&self, provider_id: &str) {
        self.inner.bus.publish(Event::ProviderChanged {
            provider_id: provider_id.to_owned(),
        });
    }

    /// The patch that makes a model the default. An endpoint that configuration defines belongs to
    /// the provider named there: it must not be put over another provider.
    fn default_patch(&self, params: &DefaultModel) -> serde_json::Value {
        let snapshot = self.inner.config.current();
        let mut patch = json!({
            "provider_name": params.provider_id,
            "provider_model_id": params.model_id,
        });
        let is_other = snapshot.config.provider_name.as_deref() != Some(&params.provider_id);
        if is_other && snapshot.config.provider_base_url.is_some() {
            patch["provider_base_url"] = serde_json::Value::Null;
            patch["provider_api_key_env"] = serde_json::Value::Null;
        }
        patch
    }

    /// One real request. Gives the model that was asked and what happened.
    async fn try_provider(&self, params: &TestParams) -> (Option<String>, ApiResult<String>) {
        let model_id = match self.model_to_try(params).await {
            Ok(model_id) => model_id,
            Err(error) => return (None, Err(error)),
        };
        let result = if params.provider_id == LOCAL {
            self.try_local(&model_id).await
        } else {
            self.try_endpoint(&params.provider_id, &model_id).await
        };
        (Some(model_id), result)
    }

    async fn try_endpoint(&self, provider_id: &str, model_id: &str) -> ApiResult<String> {
        let endpoint = self.inner.models.endpoint(provider_id).await?;
        let probe = mesoclaw_providers::probe(&endpoint, model_id)
            .await
            .map_err(|error| invalid(mesoclaw_api::error::chain(&error)))?;
        match probe.outcome {
            Ok(()) => Ok(probe.message),
            Err(error) => Err(ApiError::new(error.kind.code(), probe.message)),
        }
    }

    /// Asks the embedded model for one token: it is loaded for real.
    async fn try_local(&self, model_id: &str) -> ApiResult<String> {
        let model = self
            .inner
            .models
            .resolve(Some(&format!("{LOCAL}:{model_id}")))
            .await?;
        let mut stream = model.client.stream(ModelRequest {
            model: model.model_id,
            cache_key: "provider.test".to_owned(),
            system: String::new(),
            messages: vec![ModelMessage::User {
                text: "Say hello.".to_owned(),
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

    async fn model_to_try(&self, params: &TestParams) -> ApiResult<String> {
        if let Some(model_id) = &params.model_id {
            return Ok(model_id.clone());
        }
        if let Some(default) = self.inner.models.default_model()
            && default.provider_id == params.provider_id
        {
            return Ok(default.model_id);
        }
        let models = if params.provider_id == LOCAL {
            ProviderApi::get(
                self,
                CallCtx::internal(),
                ProviderParams {
                    provider_id: LOCAL.to_owned(),
                },
            )
            .await?
            .models
        } else {
            let endpoint = self.inner.models.endpoint(&params.provider_id).await?;
            mesoclaw_providers::list_models(&endpoint)
                .await
                .map_err(from_model)?
        };
        models.into_iter().next().ok_or_else(|| {
            ApiError::new(
                ErrorCode::AgentModelNotFound,
                format!("provider `{}` lists no model", params.provider_id),
            )
            .with_hint("name one: `mesoclaw provider test ID --model MODEL`")
        })
    }
}

fn no_provider(id: &str) -> ApiError {
    ApiError::not_found("provider", id.escape_debug())
        .with_hint("`mesoclaw provider list` shows the providers")
}

fn checked(params: CreateParams) -> ApiResult<ProviderRow> {
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if params.id.is_empty() || params.id.len() > MAX_ID_CHARS || !params.id.chars().all(is_id) {
        return Err(invalid(format!(
            "a provider id has 1 to {MAX_ID_CHARS} lower-case letters, digits, `-` and `_`"
        )));
    }
    let base_url = params.base_url.trim_end_matches('/').to_owned();
    let second = Duration::from_secs(1);
    mesoclaw_providers::openai_compatible(Endpoint {
        provider_id: params.id.clone(),
        base_url: base_url.clone(),
        api_key: None,
        connect_timeout: second,
        first_token_timeout: second,
        idle_timeout: second,
    })
    .map_err(|error| invalid(mesoclaw_api::error::chain(&error)))?;
    if let Some(name) = &params.api_key_env {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(is_name)
        {
            return Err(invalid(
                "api_key_env is the name of an environment variable, not the key itself".to_owned(),
            ));
        }
    }
    Ok(ProviderRow {
        name: params.name.unwrap_or_else(|| params.id.clone()),
        id: params.id,
        base_url,
        api_key_env: params.api_key_env,
        created_at: Timestamp::now(),
    })
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::Validation, message)
}
