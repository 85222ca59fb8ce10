//! Which model answers: what is known of providers and models, the default, and the clients.

pub(crate) mod facts;
mod list;
mod route;
pub(crate) mod setting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mesoclaw_agent::model::ModelClient;
use mesoclaw_agent::prompted_tools::PromptedTools;
use mesoclaw_api::ops::model::ModelFile;
use mesoclaw_api::ops::provider::DefaultModel;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode};
use mesoclaw_providers::Endpoint;
use mesoclaw_store::Store;

use crate::boot::LocalParts;
use crate::config_service::ConfigService;
use crate::error::{from_model_files, from_store};
use crate::keys::{Keys, how_to_set, is_offered};
use crate::models::route::Route;
use crate::models::setting::{ProviderSetting, Stored};

pub(crate) use facts::ModelFacts;
pub(crate) use route::Wanted;

/// Id of the embedded engine among the providers.
pub(crate) const LOCAL: &str = "local";

/// See the module documentation.
pub(crate) struct Models {
    config: Arc<ConfigService>,
    store: Store,
    local: Option<LocalParts>,
    keys: Arc<Keys>,
    /// Clients by provider, kept so that connections are reused; remade when the endpoint or the
    /// key changes.
    clients: Mutex<HashMap<String, CachedClient>>,
}

struct CachedClient {
    endpoint: Endpoint,
    client: Arc<dyn ModelClient>,
}

/// A model ready to answer.
#[derive(Clone)]
pub(crate) struct ResolvedModel {
    /// Who answers.
    pub client: Arc<dyn ModelClient>,
    /// The provider.
    pub provider_id: String,
    /// `provider:model`.
    pub display: String,
    /// The part after the colon.
    pub model_id: String,
    /// What is known of it.
    pub facts: ModelFacts,
    /// The connection whose lent keys may be used, also for a model that takes over.
    pub connection: u64,
}

impl Models {
    pub fn new(
        config: Arc<ConfigService>,
        store: Store,
        local: Option<LocalParts>,
        keys: Arc<Keys>,
    ) -> Self {
        Self {
            config,
            store,
            local,
            keys,
            clients: Mutex::default(),
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

    /// Finds who answers for `provider:model`, `hint:...`, `model` (at the default provider), or
    /// the default.
    ///
    /// # Errors
    /// Nothing is set up, there is no such provider, or its key is missing.
    pub async fn resolve(&self, wanted: Wanted<'_>) -> ApiResult<ResolvedModel> {
        let route = self.route(wanted.model).await?;
        self.resolve_route(route, wanted.connection).await
    }

    /// Finds this model of this provider as it is now. A text would name a model of the default
    /// provider where its own is gone.
    ///
    /// # Errors
    /// There is no such provider, its key is missing, or the model is not installed.
    pub async fn resolve_exact(
        &self,
        provider_id: &str,
        model_id: &str,
        connection: u64,
    ) -> ApiResult<ResolvedModel> {
        let route = self.exact(provider_id, model_id).await?;
        self.resolve_route(route, connection).await
    }

    async fn resolve_route(&self, route: Route, connection: u64) -> ApiResult<ResolvedModel> {
        let Route { setting, model_id } = route;
        let (client, facts) = if let Some(setting) = &setting {
            let client = self.client(setting, connection).await?;
            (client, ModelFacts::of(setting, &model_id))
        } else {
            let client = Arc::clone(&self.local()?.client);
            let file = self.require_installed(&model_id).await?;
            (client, ModelFacts::of_file(&file))
        };
        let client = if facts.supports_tools {
            client
        } else {
            Arc::new(PromptedTools::new(client)) as Arc<dyn ModelClient>
        };
        let provider_id = setting.map_or_else(|| LOCAL.to_owned(), |setting| setting.id);
        Ok(ResolvedModel {
            client,
            display: format!("{provider_id}:{model_id}"),
            provider_id,
            model_id,
            facts,
            connection,
        })
    }

    /// Providers that may be asked for `wanted`: that of the model itself and those that may take
    /// over. Unknown ones are left out, and so is the embedded engine.
    pub async fn candidates(&self, wanted: Option<&str>) -> ApiResult<Vec<ProviderSetting>> {
        let mut found = Vec::new();
        if let Ok(route) = self.route(wanted).await {
            found.extend(route.setting);
        }
        for fallback in &self.config.current().config.provider_fallbacks {
            if let Some((provider_id, _)) = fallback.split_once(':')
                && found.iter().all(|known| known.id != provider_id)
            {
                found.extend(self.find_setting(provider_id).await?);
            }
        }
        Ok(found)
    }

    async fn require_installed(&self, model_id: &str) -> ApiResult<ModelFile> {
        let file = self
            .local()?
            .files
            .info(model_id)
            .await
            .map_err(from_model_files)?;
        if file.is_installed {
            return Ok(file);
        }
        Err(ApiError::new(
            ErrorCode::AgentNotConfigured,
            format!("the model `{model_id}` is not installed"),
        )
        .with_hint(format!("`mesoclaw model pull {model_id}`")))
    }

    async fn client(
        &self,
        setting: &ProviderSetting,
        connection: u64,
    ) -> ApiResult<Arc<dyn ModelClient>> {
        let endpoint = self.endpoint_of(setting, connection).await?;
        {
            let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(cached) = clients.get(&setting.id)
                && cached.endpoint == endpoint
            {
                return Ok(Arc::clone(&cached.client));
            }
        }
        let client = mesoclaw_providers::client(endpoint.clone()).map_err(|error| {
            ApiError::new(ErrorCode::Config, mesoclaw_api::error::chain(&error))
        })?;
        let cached = CachedClient {
            endpoint,
            client: Arc::clone(&client),
        };
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(setting.id.clone(), cached);
        Ok(client)
    }

    /// Drops the clients that are kept, with their connections and keys; running calls go on.
    pub fn forget_clients(&self) {
        self.clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Where a provider is reached, with its key.
    ///
    /// # Errors
    /// It has no address yet, or its key is missing or may not go there.
    pub async fn endpoint_of(
        &self,
        setting: &ProviderSetting,
        connection: u64,
    ) -> ApiResult<Endpoint> {
        if setting.base_url.is_empty() {
            return Err(ApiError::new(
                ErrorCode::AgentNotConfigured,
                format!("`{}` needs the address of your own resource", setting.id),
            )
            .with_hint(format!(
                "`mesoclaw provider add {} --base-url URL`",
                setting.id
            )));
        }
        let mut endpoint = setting.endpoint(&self.config.current().config);
        let found = self.keys.of_provider(setting, connection).await?;
        if found.is_none() && setting.requires_api_key {
            return Err(missing_key(setting));
        }
        endpoint.api_key = found.map(|found| found.value);
        Ok(endpoint)
    }

    /// What is known of a provider.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn setting(&self, provider_id: &str) -> ApiResult<ProviderSetting> {
        self.find_setting(provider_id).await?.ok_or_else(|| {
            ApiError::not_found("provider", provider_id.escape_debug())
                .with_hint("`mesoclaw provider list --all` shows the providers")
        })
    }

    /// The same; `None` when there is none of this id.
    pub async fn find_setting(&self, provider_id: &str) -> ApiResult<Option<ProviderSetting>> {
        if provider_id == LOCAL {
            return Ok(None);
        }
        let id = provider_id.to_owned();
        let stored = self
            .store
            .read(move |conn| Stored::of(conn, &id))
            .await
            .map_err(from_store)?;
        let snapshot = self.config.current();
        Ok(ProviderSetting::find(provider_id, stored, &snapshot.config))
    }

    /// Whether there is such a provider.
    pub async fn exists(&self, provider_id: &str) -> ApiResult<bool> {
        if provider_id == LOCAL {
            return Ok(self.local.is_some());
        }
        Ok(self.find_setting(provider_id).await?.is_some())
    }
}

fn missing_key(setting: &ProviderSetting) -> ApiError {
    let id = &setting.id;
    let variables = setting.key_variables.join(" or ");
    let environment = if variables.is_empty() {
        String::new()
    } else if setting.key_variables.iter().all(|name| is_offered(name)) {
        format!(", and neither the daemon nor this client has {variables}")
    } else {
        format!(", and the daemon does not have {variables}")
    };
    let variable = match how_to_set(&setting.key_variables) {
        Some(how) => format!(", or {how}"),
        None => String::new(),
    };
    ApiError::new(
        ErrorCode::AgentNotConfigured,
        format!("`{id}` wants a key: none is stored{environment}"),
    )
    .with_hint(format!("`mesoclaw key set {id}`{variable}"))
}
