//! What is known of a provider, whoever says so: configuration wins over what a person added, that
//! wins over the catalogue.

use std::collections::BTreeMap;
use std::time::Duration;

use mesoclaw_api::Timestamp;
use mesoclaw_config::Config;
use mesoclaw_keys::KeyName;
use mesoclaw_providers::catalog::{CatalogProvider, catalog};
use mesoclaw_providers::{Auth, Dialect, Endpoint};
use mesoclaw_store::repo::key;
use mesoclaw_store::repo::model::{self, ModelRow};
use mesoclaw_store::repo::provider::{self, ProviderRow};
use mesoclaw_store::{Connection, StoreResult};

/// What the store holds of a provider, all of one moment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Stored {
    /// What a person added.
    pub row: Option<ProviderRow>,
    /// Scheme, host and port its key is bound to. Empty until the first use of the key says so;
    /// `None` when nothing is known of a key.
    pub key_origin: Option<String>,
    /// Models a person said something of, by their ids.
    pub models: BTreeMap<String, ModelRow>,
}

impl Stored {
    /// What is stored of one provider, which may be nothing.
    pub fn of(conn: &Connection, id: &str) -> StoreResult<Self> {
        let models = model::list_of(conn, id)?;
        Ok(Self {
            row: provider::get(conn, id)?,
            key_origin: key::binding_get(conn, id)?.map(|binding| binding.origin),
            models: models
                .into_iter()
                .map(|model| (model.model_id.clone(), model))
                .collect(),
        })
    }

    /// What is stored of each provider, by its id. Not each id is one of a provider: bindings of
    /// keys outlive theirs.
    pub fn all(conn: &Connection) -> StoreResult<BTreeMap<String, Self>> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for row in provider::list(conn)? {
            let id = row.id.clone();
            all.entry(id).or_default().row = Some(row);
        }
        for binding in key::binding_list(conn)? {
            let stored = all.entry(binding.provider_id).or_default();
            stored.key_origin = Some(binding.origin);
        }
        for model in model::list_all(conn)? {
            let stored = all.entry(model.provider_id.clone()).or_default();
            stored.models.insert(model.model_id.clone(), model);
        }
        Ok(all)
    }
}

/// See the module documentation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProviderSetting {
    pub id: String,
    pub name: String,
    /// Empty where everybody has an address of their own, until it is given.
    pub base_url: String,
    pub dialect: Dialect,
    pub auth: Auth,
    /// Variables that may hold the key, the first that is set wins.
    pub key_variables: Vec<String>,
    pub requires_api_key: bool,
    pub api_version: Option<String>,
    pub is_user_defined: bool,
    pub is_verified: bool,
    /// Whether it runs on this machine.
    pub is_loopback: bool,
    pub created_at: Option<Timestamp>,
    pub note: Option<String>,
    /// Scheme, host and port the catalogue gives it.
    pub known_origin: Option<String>,
    /// Whether models call tools there when nothing else is known of them.
    pub supports_tools: bool,
    /// See [`Stored::key_origin`].
    pub key_origin: Option<String>,
    /// See [`Stored::models`].
    pub models: BTreeMap<String, ModelRow>,
}

impl ProviderSetting {
    /// What is known of a provider; `None` when there is none of this id.
    pub fn find(id: &str, stored: Stored, config: &Config) -> Option<Self> {
        let known = match stored.row {
            Some(row) => Some(Self::from_row(row)),
            None => catalog().provider(id).map(Self::from_catalog),
        };
        Some(Self {
            key_origin: stored.key_origin,
            models: stored.models,
            ..Self::with_config(known, id, config)?
        })
    }

    /// As the catalogue has it.
    fn from_catalog(known: &CatalogProvider) -> Self {
        let base_url = known.base_url.clone().unwrap_or_default();
        Self {
            id: known.id.clone(),
            name: known.name.clone(),
            known_origin: origin_of(&base_url),
            base_url,
            dialect: known.dialect,
            auth: known.auth.clone(),
            key_variables: known.key_variables.clone(),
            requires_api_key: known.requires_api_key,
            api_version: known.api_version.clone(),
            is_user_defined: false,
            is_verified: known.verified,
            is_loopback: known.is_local,
            created_at: None,
            note: known.note.clone(),
            supports_tools: known.supports_tools,
            key_origin: None,
            models: BTreeMap::new(),
        }
    }

    /// What a person added, over what the catalogue knows of the same id.
    fn from_row(row: ProviderRow) -> Self {
        let known = catalog().provider(&row.id).map(Self::from_catalog);
        let dialect = Dialect::from_word(&row.dialect).unwrap_or(Dialect::OpenAiChat);
        let auth = row.auth.as_deref().and_then(Auth::from_word);
        let mut key_variables: Vec<String> = row.api_key_env.into_iter().collect();
        for variable in known.iter().flat_map(|known| &known.key_variables) {
            if !key_variables.contains(variable) {
                key_variables.push(variable.clone());
            }
        }
        Self {
            auth: auth.unwrap_or_else(|| dialect.auth()),
            key_variables,
            api_version: row
                .api_version
                .or_else(|| known.as_ref().and_then(|known| known.api_version.clone())),
            is_verified: known.as_ref().is_some_and(|known| known.is_verified),
            note: known.as_ref().and_then(|known| known.note.clone()),
            known_origin: known.as_ref().and_then(|known| known.known_origin.clone()),
            supports_tools: known.is_none_or(|known| known.supports_tools),
            id: row.id,
            name: row.name,
            is_loopback: is_loopback(&row.base_url),
            base_url: row.base_url,
            dialect,
            requires_api_key: row.requires_api_key,
            is_user_defined: true,
            created_at: Some(row.created_at),
            key_origin: None,
            models: BTreeMap::new(),
        }
    }

    /// The provider of configuration, over what is known of the same id.
    fn with_config(known: Option<Self>, id: &str, config: &Config) -> Option<Self> {
        let is_meant = config.provider_name.as_deref() == Some(id);
        // The type and the variable belong to the address: without one they have no effect.
        let Some(base_url) = config.provider_base_url.clone().filter(|_| is_meant) else {
            return known;
        };
        let mut setting = known.unwrap_or_else(|| Self::unknown(id));
        if let Some(dialect) = config.provider_type.as_deref().map(dialect_of_type) {
            setting.dialect = dialect;
            setting.auth = dialect.auth();
        }
        if let Some(variable) = config.provider_api_key_env.clone() {
            setting.key_variables = vec![variable];
            setting.requires_api_key = true;
        } else if is_loopback(&base_url) {
            setting.requires_api_key = false;
        }
        setting.is_loopback = is_loopback(&base_url);
        setting.base_url = base_url;
        Some(setting)
    }

    fn unknown(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            base_url: String::new(),
            dialect: Dialect::OpenAiChat,
            auth: Auth::Bearer,
            key_variables: Vec::new(),
            requires_api_key: false,
            api_version: None,
            is_user_defined: false,
            is_verified: false,
            is_loopback: false,
            created_at: None,
            note: None,
            known_origin: None,
            supports_tools: true,
            key_origin: None,
            models: BTreeMap::new(),
        }
    }

    /// Name of its key in the key store; `None` for what takes none.
    pub fn key_name(&self) -> Option<KeyName> {
        match (self.dialect, &self.auth) {
            (Dialect::Local, _) | (_, Auth::None) => None,
            (_, Auth::Bearer | Auth::Header(_)) => KeyName::api_key(&self.id).ok(),
        }
    }

    /// Scheme, host and port of its address.
    pub fn origin(&self) -> Option<String> {
        origin_of(&self.base_url)
    }

    /// Where it is, without a key.
    pub fn endpoint(&self, config: &Config) -> Endpoint {
        let secs = |secs: u32| Duration::from_secs(secs.into());
        Endpoint {
            provider_id: self.id.clone(),
            base_url: self.base_url.clone(),
            dialect: self.dialect,
            auth: self.auth.clone(),
            api_key: None,
            api_version: self.api_version.clone(),
            connect_timeout: secs(config.provider_connect_timeout_secs),
            first_token_timeout: secs(config.provider_first_token_timeout_secs),
            idle_timeout: secs(config.provider_idle_timeout_secs),
        }
    }
}

/// The contract's word `openai` means what most servers speak.
fn dialect_of_type(word: &str) -> Dialect {
    Dialect::from_word(word).unwrap_or(Dialect::OpenAiChat)
}

/// Scheme, host and port of an address; `None` when it is none.
pub(crate) fn origin_of(base_url: &str) -> Option<String> {
    mesoclaw_providers::origin(base_url)
}

/// Whether an address is of this machine.
pub(crate) fn is_loopback(base_url: &str) -> bool {
    mesoclaw_providers::is_loopback(base_url)
}

#[cfg(test)]
mod tests;
