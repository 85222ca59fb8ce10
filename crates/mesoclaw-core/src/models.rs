//! Which model answers: providers, the default model, and the clients behind them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mesoclaw_agent::model::ModelClient;
use mesoclaw_api::ops::provider::{DefaultModel, Provider};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Secret};
use mesoclaw_config::Config;
use mesoclaw_providers::Endpoint;
use mesoclaw_store::Store;
use mesoclaw_store::repo::provider::ProviderRow;

use crate::boot::LocalParts;
use crate::config_service::ConfigService;
use crate::error::{from_model_files, from_store};

/// Id of the embedded engine among the providers.
pub(crate) const LOCAL: &str = "local";

/// Looks up an environment variable that holds a key.
pub type KeyLookup = Box<dyn Fn(&str) -> Option<Secret<String>> + Send + Sync>;

/// See the module documentation.
pub(crate) struct Models {
    config: Arc<ConfigService>,
    store: Store,
    local: Option<LocalParts>,
    keys: KeyLookup,
    /// Clients by provider, kept so that connections are reused; remade when the endpoint changes.
    clients: Mutex<HashMap<String, CachedClient>>,
}

struct CachedClient {
    row: EndpointRow,
    client: Arc<dyn ModelClient>,
}

/// Everything a client depends on.
#[derive(Clone, PartialEq, Eq)]
struct EndpointRow {
    base_url: String,
    api_key_env: Option<String>,
    timeouts_secs: [u32; 3],
}

/// A model ready to answer.
#[derive(Clone)]
pub(crate) struct ResolvedModel {
    /// Who answers.
    pub client: Arc<dyn ModelClient>,
    /// `provider:model`.
    pub display: String,
    /// The part after the colon.
    pub model_id: String,
}

impl Models {
    pub fn new(
        config: Arc<ConfigService>,
        store: Store,
        local: Option<LocalParts>,
        keys: KeyLookup,
    ) -> Self {
        Self {
            config,
            store,
            local,
            keys,
            clients: Mutex::new(HashMap::new()),
        }
    }

    /// The embedded engine.
    ///
    /// # Errors
    /// This build has none.
    pub fn local(&self) -> ApiResult<&LocalParts> {
        self.local.as_ref().ok_or_else(|| {
            ApiError::new(
                ErrorCode::ModelCapability,
                "this build has no embedded model engine",
            )
            .with_hint(
                "build with the feature `local`, or set up a provider: `mesoclaw provider add`",
            )
        })
    }

    /// Id of the embedded model in memory.
    pub fn loaded(&self) -> Option<String> {
        self.local.as_ref().and_then(|local| local.files.loaded())
    }

    /// The model used when a message names none.
    pub fn default_model(&self) -> Option<DefaultModel> {
        let snapshot = self.config.current();
        Some(DefaultModel {
            provider_id: snapshot.config.provider_name.clone()?,
            model_id: snapshot.config.provider_model_id.clone()?,
        })
    }

    /// Finds who answers for `provider:model`, `model` (at the default provider), or the default.
    ///
    /// # Errors
    /// Nothing is set up, or there is no such provider.
    pub async fn resolve(&self, wanted: Option<&str>) -> ApiResult<ResolvedModel> {
        let choice = match wanted {
            Some(text) => self.parse(text).await?,
            None => self.default_model().ok_or_else(not_configured)?,
        };
        let client = self.client(&choice.provider_id).await?;
        if choice.provider_id == LOCAL {
            self.require_installed(&choice.model_id).await?;
        }
        Ok(ResolvedModel {
            client,
            display: format!("{}:{}", choice.provider_id, choice.model_id),
            model_id: choice.model_id,
        })
    }

    async fn parse(&self, text: &str) -> ApiResult<DefaultModel> {
        if let Some((provider_id, model_id)) = text.split_once(':')
            && !model_id.is_empty()
            && self.exists(provider_id).await?
        {
            return Ok(DefaultModel {
                provider_id: provider_id.to_owned(),
                model_id: model_id.to_owned(),
            });
        }
        // Model names may hold colons themselves (`qwen3:8b`): without a known provider in front
        // the whole text names a model of the default provider.
        let provider_id = self
            .config
            .current()
            .config
            .provider_name
            .clone()
            .ok_or_else(|| {
                ApiError::not_found("provider", text.split(':').next().unwrap_or(text)).with_hint(
                    "write `provider:model`; `mesoclaw provider list` shows the providers",
                )
            })?;
        Ok(DefaultModel {
            provider_id,
            model_id: text.to_owned(),
        })
    }

    /// Whether there is such a provider.
    pub async fn exists(&self, provider_id: &str) -> ApiResult<bool> {
        if provider_id == LOCAL {
            return Ok(self.local.is_some());
        }
        Ok(self.endpoint_row(provider_id).await?.is_some())
    }

    async fn require_installed(&self, model_id: &str) -> ApiResult<()> {
        let file = self
            .local()?
            .files
            .info(model_id)
            .await
            .map_err(from_model_files)?;
        if file.is_installed {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::AgentNotConfigured,
            format!("the model `{model_id}` is not installed"),
        )
        .with_hint(format!("`mesoclaw model pull {model_id}`")))
    }

    /// The client of a provider.
    ///
    /// # Errors
    /// There is no such provider, or its key is missing.
    pub async fn client(&self, provider_id: &str) -> ApiResult<Arc<dyn ModelClient>> {
        if provider_id == LOCAL {
            return Ok(Arc::clone(&self.local()?.client));
        }
        let row = self.endpoint_row(provider_id).await?.ok_or_else(|| {
            ApiError::not_found("provider", provider_id)
                .with_hint("`mesoclaw provider list` shows the providers")
        })?;
        {
            let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(cached) = clients.get(provider_id)
                && cached.row == row
            {
                return Ok(Arc::clone(&cached.client));
            }
        }
        let client = mesoclaw_providers::openai_compatible(self.to_endpoint(provider_id, &row)?)
            .map_err(|error| {
                ApiError::new(ErrorCode::Config, mesoclaw_api::error::chain(&error))
            })?;
        let cached = CachedClient {
            row,
            client: Arc::clone(&client),
        };
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(provider_id.to_owned(), cached);
        Ok(client)
    }

    /// Where a provider is reached, with its key.
    ///
    /// # Errors
    /// There is no such provider, or its key is missing.
    pub async fn endpoint(&self, provider_id: &str) -> ApiResult<Endpoint> {
        let row = self
            .endpoint_row(provider_id)
            .await?
            .ok_or_else(|| ApiError::not_found("provider", provider_id))?;
        self.to_endpoint(provider_id, &row)
    }

    fn to_endpoint(&self, provider_id: &str, row: &EndpointRow) -> ApiResult<Endpoint> {
        let api_key = match &row.api_key_env {
            None => None,
            Some(name) => Some((self.keys)(name).ok_or_else(|| {
                ApiError::new(
                    ErrorCode::AgentNotConfigured,
                    format!("the key of provider `{provider_id}` is missing: the daemon has no environment variable {name}"),
                )
                .with_hint(format!(
                    "set {name} in the shell and run `mesoclaw daemon restart` there"
                ))
            })?),
        };
        let [connect, first_token, idle] = row.timeouts_secs;
        Ok(Endpoint {
            provider_id: provider_id.to_owned(),
            base_url: row.base_url.clone(),
            api_key,
            connect_timeout: Duration::from_secs(connect.into()),
            first_token_timeout: Duration::from_secs(first_token.into()),
            idle_timeout: Duration::from_secs(idle.into()),
        })
    }

    async fn endpoint_row(&self, provider_id: &str) -> ApiResult<Option<EndpointRow>> {
        let snapshot = self.config.current();
        let config = &snapshot.config;
        if let Some(row) = configured_row(config, provider_id) {
            return Ok(Some(row));
        }
        let id = provider_id.to_owned();
        let row = self
            .store
            .read(move |conn| mesoclaw_store::repo::provider::get(conn, &id))
            .await
            .map_err(from_store)?;
        Ok(row.map(|row| EndpointRow {
            base_url: row.base_url,
            api_key_env: row.api_key_env,
            timeouts_secs: timeouts_secs(config),
        }))
    }

    /// All providers, by id: the embedded engine, the one from configuration, the added ones.
    pub async fn list(&self) -> ApiResult<Vec<Provider>> {
        let rows = self
            .store
            .read(mesoclaw_store::repo::provider::list)
            .await
            .map_err(from_store)?;
        let snapshot = self.config.current();
        let mut providers: Vec<Provider> = rows.iter().map(|row| self.added(row)).collect();
        if let (Some(id), Some(base_url)) = (
            &snapshot.config.provider_name,
            &snapshot.config.provider_base_url,
        ) {
            providers.retain(|provider| provider.id != *id);
            let api_key_env = snapshot.config.provider_api_key_env.clone();
            providers.push(Provider {
                id: id.clone(),
                name: id.clone(),
                base_url: base_url.clone(),
                requires_api_key: api_key_env.is_some(),
                has_api_key: self.has_key(api_key_env.as_deref()),
                api_key_env,
                is_user_defined: false,
                created_at: None,
                is_default: false,
                models: Vec::new(),
            });
        }
        if let Some(local) = &self.local {
            providers.push(local_provider(local).await?);
        }
        let default = self.default_model();
        for provider in &mut providers {
            if let Some(model) = default.as_ref().filter(|m| m.provider_id == provider.id) {
                provider.is_default = true;
                if !provider.models.contains(&model.model_id) {
                    provider.models.push(model.model_id.clone());
                }
            }
        }
        providers.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(providers)
    }

    fn added(&self, row: &ProviderRow) -> Provider {
        Provider {
            id: row.id.clone(),
            name: row.name.clone(),
            base_url: row.base_url.clone(),
            requires_api_key: row.api_key_env.is_some(),
            has_api_key: self.has_key(row.api_key_env.as_deref()),
            api_key_env: row.api_key_env.clone(),
            is_user_defined: true,
            created_at: Some(row.created_at.clone()),
            is_default: false,
            models: Vec::new(),
        }
    }

    fn has_key(&self, api_key_env: Option<&str>) -> bool {
        api_key_env.is_some_and(|name| (self.keys)(name).is_some())
    }
}

/// The provider that configuration itself defines.
fn configured_row(config: &Config, provider_id: &str) -> Option<EndpointRow> {
    if config.provider_name.as_deref() != Some(provider_id) {
        return None;
    }
    Some(EndpointRow {
        base_url: config.provider_base_url.clone()?,
        api_key_env: config.provider_api_key_env.clone(),
        timeouts_secs: timeouts_secs(config),
    })
}

fn timeouts_secs(config: &Config) -> [u32; 3] {
    [
        config.provider_connect_timeout_secs,
        config.provider_first_token_timeout_secs,
        config.provider_idle_timeout_secs,
    ]
}

async fn local_provider(local: &LocalParts) -> ApiResult<Provider> {
    let files = local.files.list().await.map_err(from_model_files)?;
    Ok(Provider {
        id: LOCAL.to_owned(),
        name: "embedded model".to_owned(),
        base_url: String::new(),
        requires_api_key: false,
        api_key_env: None,
        has_api_key: false,
        is_user_defined: false,
        created_at: None,
        is_default: false,
        models: files
            .into_iter()
            .filter(|file| file.is_installed)
            .map(|file| file.id)
            .collect(),
    })
}

/// Nothing is set up: the three commands that fix it.
fn not_configured() -> ApiError {
    ApiError::new(ErrorCode::AgentNotConfigured, "no model is set up").with_hint(
        "set up a model with one of:
  mesoclaw setup --local
  mesoclaw provider add ollama --base-url http://127.0.0.1:11434/v1 && mesoclaw provider default ollama MODEL
  mesoclaw provider add openai --base-url https://api.openai.com/v1 --api-key-env OPENAI_API_KEY && mesoclaw provider default openai MODEL",
    )
}
