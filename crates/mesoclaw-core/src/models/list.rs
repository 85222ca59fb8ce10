//! Providers and their models as operations tell of them.

use mesoclaw_api::ApiResult;
use mesoclaw_api::ops::provider::{Model, Provider};
use mesoclaw_providers::Dialect;
use mesoclaw_providers::catalog::catalog;
use mesoclaw_store::repo::{model, provider};

use crate::boot::LocalParts;
use crate::error::{from_model_files, from_store};
use crate::models::setting::ProviderSetting;
use crate::models::{LOCAL, ModelFacts, Models, facts};

impl Models {
    /// Ids of all providers, sorted.
    async fn ids(&self) -> ApiResult<Vec<String>> {
        let rows = self.store.read(provider::list).await.map_err(from_store)?;
        let snapshot = self.config.current();
        let config = &snapshot.config;
        let configured = config
            .provider_base_url
            .as_ref()
            .and(config.provider_name.clone());
        let mut ids: Vec<String> = rows
            .into_iter()
            .map(|row| row.id)
            .chain(catalog().providers().iter().map(|known| known.id.clone()))
            .chain(configured)
            .filter(|id| id != LOCAL)
            .chain(self.local.as_ref().map(|_| LOCAL.to_owned()))
            .collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// All providers, by id.
    pub async fn list(&self) -> ApiResult<Vec<Provider>> {
        let mut providers = Vec::new();
        for id in self.ids().await? {
            providers.push(self.provider(&id).await?);
        }
        Ok(providers)
    }

    /// One provider, as operations tell of it.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn provider(&self, id: &str) -> ApiResult<Provider> {
        let default = self.default_model().filter(|model| model.provider_id == id);
        let mut provider = if id == LOCAL {
            local_provider(self.local()?).await?
        } else {
            let setting = self.setting(id).await?;
            let source = self.keys.source(&setting).await;
            let is_active =
                !setting.base_url.is_empty() && (source.is_some() || !setting.requires_api_key);
            let models = self.models_of(&setting, is_active).await?;
            Provider {
                key_name: setting.key_name().map(|name| name.to_string()),
                id: setting.id,
                name: setting.name,
                base_url: setting.base_url,
                dialect: setting.dialect.as_str().to_owned(),
                auth: setting.auth.word(),
                requires_api_key: setting.requires_api_key,
                key_variables: setting.key_variables,
                has_api_key: source.is_some(),
                key_source: source,
                api_version: setting.api_version,
                is_active,
                is_user_defined: setting.is_user_defined,
                is_verified: setting.is_verified,
                created_at: setting.created_at,
                is_default: false,
                note: setting.note,
                models,
            }
        };
        if let Some(default) = default {
            provider.is_default = true;
            let is_known = |model: &Model| model.model_id == default.model_id;
            if !provider.models.iter().any(is_known) {
                let facts = match self.find_setting(id).await? {
                    Some(setting) => ModelFacts::unknown(&setting),
                    None => ModelFacts::local(),
                };
                let model = facts.to_model(id, &default.model_id, provider.is_active);
                provider.models.push(model);
            }
        }
        Ok(provider)
    }

    /// The models known of a provider: those of the catalogue, with what a person added over them.
    async fn models_of(&self, setting: &ProviderSetting, is_active: bool) -> ApiResult<Vec<Model>> {
        let id = setting.id.clone();
        let rows = self
            .store
            .read(move |conn| model::list_of(conn, &id))
            .await
            .map_err(from_store)?;
        Ok(facts::merged(setting, rows, is_active))
    }
}

async fn local_provider(local: &LocalParts) -> ApiResult<Provider> {
    let files = local.files.list().await.map_err(from_model_files)?;
    let installed = files.into_iter().filter(|file| file.is_installed);
    let models: Vec<Model> = installed
        .map(|file| ModelFacts::local().to_model(LOCAL, &file.id, true))
        .collect();
    Ok(Provider {
        id: LOCAL.to_owned(),
        name: "embedded model".to_owned(),
        base_url: String::new(),
        dialect: Dialect::Local.as_str().to_owned(),
        auth: "none".to_owned(),
        requires_api_key: false,
        key_name: None,
        key_variables: Vec::new(),
        has_api_key: false,
        key_source: None,
        api_version: None,
        is_active: !models.is_empty(),
        is_user_defined: false,
        is_verified: true,
        created_at: None,
        is_default: false,
        note: None,
        models,
    })
}
