//! Handlers of `provider.*`.

mod change;
mod try_out;

pub(crate) use change::check_variable;

use mesoclaw_api::ops::provider::{
    CreateParams, DefaultModel, Detected, DetectedServer, DetectedVariable, Model, ModelAddParams,
    ModelRemoveParams, Provider, ProviderApi, ProviderModelsParams, ProviderParams, TestParams,
    TestResult, UpdateParams,
};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, Event};
use mesoclaw_providers::{DetectPorts, ListedModel};
use mesoclaw_store::repo::{model, provider};
use serde_json::json;
use tokio::time::Instant;

use crate::core::Core;
use crate::error::{from_config, from_model, from_store};
use crate::models::{LOCAL, ModelFacts};

impl ProviderApi for Core {
    async fn list(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<Provider>> {
        self.inner.models.list().await
    }

    async fn list_with_key_status(
        &self,
        cx: CallCtx,
        params: NoParams,
    ) -> ApiResult<Vec<Provider>> {
        ProviderApi::list(self, cx, params).await
    }

    async fn create(&self, _cx: CallCtx, params: CreateParams) -> ApiResult<Provider> {
        let (row, models) = change::checked(params)?;
        let id = row.id.clone();
        self.refuse_configured(&id)?;
        let added = self
            .inner
            .store
            .write(move |tx| {
                let is_new = provider::insert(tx, &row)?;
                if is_new {
                    for row in &models {
                        model::upsert(tx, row)?;
                    }
                }
                Ok(is_new)
            })
            .await
            .map_err(from_store)?;
        if !added {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("there is a provider `{id}` already"),
            )
            .with_hint(format!(
                "change its address: `mesoclaw provider update {id} --base-url URL`, or remove it \
                 first"
            )));
        }
        self.tell_provider(&id);
        self.inner.models.provider(&id).await
    }

    async fn detect(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Detected> {
        let found = mesoclaw_providers::detect(&DetectPorts::default()).await;
        let mut servers = Vec::new();
        for server in found {
            let setting = self.inner.models.setting(server.kind.provider_id()).await?;
            let models = server
                .models
                .iter()
                .map(|listed| {
                    ModelFacts::listed(&setting, listed).to_model(&setting.id, &listed.id, true)
                })
                .collect();
            servers.push(DetectedServer {
                provider_id: setting.id,
                base_url: server.base_url,
                version: server.version,
                models,
            });
        }
        Ok(Detected {
            servers,
            variables: self.variables(),
        })
    }

    async fn default_get(
        &self,
        _cx: CallCtx,
        _params: NoParams,
    ) -> ApiResult<Option<DefaultModel>> {
        Ok(self.inner.models.default_model())
    }

    async fn default_set(&self, cx: CallCtx, params: DefaultModel) -> ApiResult<Done> {
        if params.model_id.is_empty() {
            return Err(ApiError::new(
                ErrorCode::Validation,
                "the name of the model is empty",
            ));
        }
        if !self.inner.models.exists(&params.provider_id).await? {
            return Err(no_provider(&params.provider_id));
        }
        // A model that is not installed or a key that is missing is said now, not at the first
        // message.
        self.inner
            .models
            .resolve_exact(&params.provider_id, &params.model_id, cx.connection)
            .await?;
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
        self.inner.models.provider(&params.provider_id).await
    }

    async fn update(&self, _cx: CallCtx, params: UpdateParams) -> ApiResult<Provider> {
        let setting = self.inner.models.setting(&params.provider_id).await?;
        self.refuse_configured(&params.provider_id)?;
        let row = change::updated(&setting, &params)?;
        self.inner
            .store
            .write(move |tx| provider::upsert(tx, &row))
            .await
            .map_err(from_store)?;
        self.tell_provider(&params.provider_id);
        self.inner.models.provider(&params.provider_id).await
    }

    async fn delete(&self, _cx: CallCtx, params: ProviderParams) -> ApiResult<Done> {
        let id = params.provider_id.clone();
        let is_known = mesoclaw_providers::catalog::catalog()
            .provider(&id)
            .is_some();
        if !is_known {
            self.refuse_default(&id)?;
        }
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
            .with_hint(
                "only added providers can be removed; configuration: `mesoclaw config unset \
                 provider_base_url`, its key: `mesoclaw key remove ID`",
            ));
        }
        Err(no_provider(&params.provider_id))
    }

    async fn test(&self, cx: CallCtx, params: TestParams) -> ApiResult<TestResult> {
        if !self.inner.models.exists(&params.provider_id).await? {
            return Err(no_provider(&params.provider_id));
        }
        let started = Instant::now();
        let (model_id, result) = self.try_provider(&params, cx).await;
        let latency_ms = started.elapsed().as_millis() as u64;
        if result.is_ok() {
            self.inner.circuits.succeeded(&params.provider_id);
        }
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
                message: self.inner.keys.redact(match error.hint {
                    Some(hint) => format!("{}; {hint}", error.message),
                    None => error.message,
                }),
                latency_ms,
                model_id,
                error_code: Some(error.code),
            },
        })
    }

    async fn models(&self, cx: CallCtx, params: ProviderModelsParams) -> ApiResult<Vec<Model>> {
        if params.provider_id == LOCAL {
            return Ok(self.inner.models.provider(LOCAL).await?.models);
        }
        let setting = self.inner.models.setting(&params.provider_id).await?;
        let endpoint = self
            .inner
            .models
            .endpoint_of(&setting, cx.connection)
            .await?;
        let listed = mesoclaw_providers::list_models(&endpoint)
            .await
            .map_err(|error| self.redacted(from_model(error)))?;
        let model = |listed: &ListedModel| {
            let mut facts = ModelFacts::of(&setting, &listed.id);
            facts.learn_listed(listed);
            facts.to_model(&setting.id, &listed.id, true)
        };
        Ok(listed.iter().map(model).collect())
    }

    async fn model_add(&self, _cx: CallCtx, params: ModelAddParams) -> ApiResult<Model> {
        let setting = self.inner.models.setting(&params.provider_id).await?;
        let row = change::model_row(&setting.id, params.into_model())?;
        let (new, model_id) = (row.clone(), row.model_id);
        self.inner
            .store
            .write(move |tx| model::upsert(tx, &new))
            .await
            .map_err(from_store)?;
        self.tell_provider(&setting.id);
        let setting = self.inner.models.setting(&setting.id).await?;
        let facts = ModelFacts::of(&setting, &model_id);
        Ok(facts.to_model(&setting.id, &model_id, true))
    }

    async fn model_remove(&self, _cx: CallCtx, params: ModelRemoveParams) -> ApiResult<Done> {
        self.inner.models.setting(&params.provider_id).await?;
        let ModelRemoveParams {
            provider_id,
            model_id,
        } = params;
        let (provider, id) = (provider_id.clone(), model_id.clone());
        let removed = self
            .inner
            .store
            .write(move |tx| model::delete(tx, &provider, &id))
            .await
            .map_err(from_store)?;
        if !removed {
            return Err(
                ApiError::not_found("added model", model_id.escape_debug()).with_hint(format!(
                    "`mesoclaw provider show {provider_id}` shows which models were added"
                )),
            );
        }
        self.tell_provider(&provider_id);
        Ok(Done {})
    }

    async fn all_models(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<Model>> {
        let providers = self.inner.models.list().await?;
        Ok(providers
            .into_iter()
            .flat_map(|provider| provider.models)
            .collect())
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

    /// What configuration says of a provider wins, so another address would change nothing.
    fn refuse_configured(&self, provider_id: &str) -> ApiResult<()> {
        let snapshot = self.inner.config.current();
        let config = &snapshot.config;
        let is_configured = config.provider_name.as_deref() == Some(provider_id)
            && config.provider_base_url.is_some();
        if !is_configured {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::Conflict,
            format!("the address of `{provider_id}` comes from configuration: provider_base_url"),
        )
        .with_hint(
            "`mesoclaw config set provider_base_url URL` changes it, `mesoclaw config unset \
             provider_base_url` gives way to added providers",
        ))
    }

    fn tell_provider(&self, provider_id: &str) {
        // It may be another server now: what the one before did does not count.
        self.inner.circuits.succeeded(provider_id);
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
        if is_other {
            for key in ["provider_base_url", "provider_api_key_env", "provider_type"] {
                patch[key] = serde_json::Value::Null;
            }
        }
        patch
    }

    /// The key variables the daemon itself has.
    fn variables(&self) -> Vec<DetectedVariable> {
        let known = mesoclaw_providers::catalog::catalog().providers().iter();
        known
            .flat_map(|provider| {
                provider
                    .key_variables
                    .iter()
                    .map(|variable| (variable, &provider.id))
            })
            .filter(|(variable, _)| self.inner.keys.in_environment(variable).is_some())
            .map(|(variable, provider_id)| DetectedVariable {
                variable: variable.clone(),
                provider_id: provider_id.clone(),
            })
            .collect()
    }

    pub(crate) fn redacted(&self, error: ApiError) -> ApiError {
        ApiError {
            message: self.inner.keys.redact(error.message),
            hint: error.hint.map(|hint| self.inner.keys.redact(hint)),
            ..error
        }
    }
}

fn no_provider(id: &str) -> ApiError {
    ApiError::not_found("provider", id.escape_debug())
        .with_hint("`mesoclaw provider list --all` shows the providers")
}
