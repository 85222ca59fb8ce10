//! Providers and their models as operations tell of them.

use std::collections::BTreeSet;

use mesoclaw_api::ApiResult;
use mesoclaw_api::ops::provider::{Model, Provider};
use mesoclaw_providers::Dialect;
use mesoclaw_providers::catalog::catalog;

use crate::boot::LocalParts;
use crate::error::{from_model_files, from_store};
use crate::models::setting::{ProviderSetting, Stored};
use crate::models::{LOCAL, ModelFacts, Models, facts};

impl Models {
    /// All providers, by id.
    pub async fn list(&self) -> ApiResult<Vec<Provider>> {
        let mut stored = self.store.read(Stored::all).await.map_err(from_store)?;
        let snapshot = self.config.current();
        let known = catalog().providers().iter().map(|known| known.id.clone());
        let ids: BTreeSet<String> = stored
            .keys()
            .cloned()
            .chain(known)
            .chain(snapshot.config.provider_name.clone())
            .chain([LOCAL.to_owned()])
            .collect();
        let mut providers = Vec::new();
        for id in ids {
            if id == LOCAL {
                if let Some(local) = &self.local {
                    providers.push(self.embedded(local).await?);
                }
                continue;
            }
            let stored = stored.remove(&id).unwrap_or_default();
            // Not each of these ids is one of a provider.
            if let Some(setting) = ProviderSetting::find(&id, stored, &snapshot.config) {
                providers.push(self.told(setting).await);
            }
        }
        Ok(providers)
    }

    /// One provider, as operations tell of it.
    ///
    /// # Errors
    /// There is none of this id.
    pub async fn provider(&self, id: &str) -> ApiResult<Provider> {
        if id == LOCAL {
            return self.embedded(self.local()?).await;
        }
        Ok(self.told(self.setting(id).await?).await)
    }

    async fn embedded(&self, local: &LocalParts) -> ApiResult<Provider> {
        let provider = local_provider(local).await?;
        Ok(self.with_default(provider, &ModelFacts::local()))
    }

    async fn told(&self, setting: ProviderSetting) -> Provider {
        let source = self.keys.source(&setting).await;
        let is_active =
            !setting.base_url.is_empty() && (source.is_some() || !setting.requires_api_key);
        let unknown = ModelFacts::unknown(&setting);
        let provider = Provider {
            key_name: setting.key_name().map(|name| name.to_string()),
            models: facts::merged(&setting, is_active),
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
        };
        self.with_default(provider, &unknown)
    }

    /// Marks the provider of the default model, which is one of its models even where nothing is
    /// known of it.
    fn with_default(&self, mut provider: Provider, unknown: &ModelFacts) -> Provider {
        let default = self.default_model();
        let Some(default) = default.filter(|model| model.provider_id == provider.id) else {
            return provider;
        };
        provider.is_default = true;
        let is_known = |model: &Model| model.model_id == default.model_id;
        if !provider.models.iter().any(is_known) {
            let model = unknown.to_model(&provider.id, &default.model_id, provider.is_active);
            provider.models.push(model);
        }
        provider
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
