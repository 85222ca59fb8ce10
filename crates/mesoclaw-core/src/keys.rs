//! Keys of providers: where one is found, where it may go, and what clients lend.
//!
//! The key store blocks (a keyring is another process), so it is asked from threads for blocking
//! work only. What it answered is kept in memory until something changes or a provider refuses it.

mod kept;
mod lent;
mod service;
mod variables;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mesoclaw_api::ops::provider::KeySource;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Secret, Timestamp};
use mesoclaw_keys::{KeyError, KeyName, KeyStore, Redactor};
use mesoclaw_store::Store;
use mesoclaw_store::repo::key as repo;
use tokio::time::Instant;

use crate::bus::Bus;
use crate::error::{from_keys, from_store};
use crate::keys::lent::Lent;
use crate::models::setting::ProviderSetting;

pub use variables::key_variables;
use variables::not_found;
pub(crate) use variables::{how_to_set, is_offered};

/// Looks up an environment variable that holds a key.
pub type KeyLookup = Box<dyn Fn(&str) -> Option<Secret<String>> + Send + Sync>;

/// How long the store is not asked again when it failed, or for a key it did not have.
const NOTHING_HOLDS: Duration = Duration::from_secs(10);

/// The binding of a key whose provider has no address yet.
const NOWHERE_YET: &str = "";

/// What [`Keys`] is made of.
pub(crate) struct KeyParts {
    pub store: KeyStore,
    pub redactor: Redactor,
    pub environment: KeyLookup,
    pub database: Store,
    pub bus: Arc<Bus>,
}

/// See the module documentation.
pub(crate) struct Keys {
    parts: KeyParts,
    known: Mutex<Known>,
    has_learned: AtomicBool,
    /// The stored secrets are read again once something changes.
    has_failed_to_learn: AtomicBool,
    /// Values that clients lent.
    lent: Mutex<Lent>,
}

/// What the store said.
#[derive(Default)]
struct Known {
    /// Counts how often everything was forgotten: what was read before that is not kept.
    n_forgotten: u64,
    values: HashMap<String, (Option<Secret<String>>, Instant)>,
    /// A store that does not work is not asked again at once, for whatever key: with no keyring
    /// each question takes a while.
    failed: Option<(ApiError, Instant)>,
}

/// A key and where it was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundKey {
    pub value: Secret<String>,
    pub source: KeySource,
}

/// What a look for a key came to.
#[derive(Default)]
struct Looked {
    found: Option<FoundKey>,
    /// Why the key store could not say whether it has one.
    problem: Option<ApiError>,
    /// The key store was asked, instead of what it said before.
    was_asked: bool,
}

impl Known {
    /// What is known of a key; `None` when the store has to be asked.
    fn get(&self, name: &str) -> Option<ApiResult<Option<Secret<String>>>> {
        match self.values.get(name) {
            Some((Some(value), _)) => return Some(Ok(Some(value.clone()))),
            Some((None, at)) if at.elapsed() < NOTHING_HOLDS => return Some(Ok(None)),
            Some((None, _)) | None => {}
        }
        let (error, at) = self.failed.as_ref()?;
        (at.elapsed() < NOTHING_HOLDS).then(|| Err(error.clone()))
    }
}

impl Keys {
    pub fn new(parts: KeyParts) -> Self {
        Self {
            parts,
            known: Mutex::default(),
            has_learned: AtomicBool::new(false),
            has_failed_to_learn: AtomicBool::new(false),
            lent: Mutex::default(),
        }
    }

    /// Reads every stored secret once, so that all of them are replaced in texts from then on.
    pub async fn learn_all(&self) {
        if self.has_learned.swap(true, Ordering::Relaxed) {
            return;
        }
        // A store that does not work, or is locked, gives its secrets to nobody else either.
        if let Err(error) = self.blocking(KeyStore::teach_redactor).await {
            tracing::debug!(code = %error.code, "stored secrets are not known");
            // Not at every call of a tool: a keyring that is not there takes a while to say so.
            self.has_failed_to_learn.store(true, Ordering::Relaxed);
        }
    }

    /// Replaces every known secret in a text from outside.
    pub fn redact(&self, text: String) -> String {
        match self.parts.redactor.redact(&text) {
            std::borrow::Cow::Borrowed(_) => text,
            std::borrow::Cow::Owned(redacted) => redacted,
        }
    }

    /// The key of a provider, for a turn that came over `connection`.
    ///
    /// # Errors
    /// It may not go to the provider's present host; or none was found, one may be stored, and the
    /// key store does not work.
    pub async fn of_provider(
        &self,
        provider: &ProviderSetting,
        connection: u64,
    ) -> ApiResult<Option<FoundKey>> {
        let looked = self.look(provider, connection).await;
        let Some(found) = looked.found else {
            // A store that was asked may hold the key: without it the provider would only refuse.
            return match looked.problem {
                Some(problem) => Err(not_found(provider, problem)),
                None => Ok(None),
            };
        };
        // A keyring may wait for a person, who may bind the key to another host meanwhile: what it
        // gives then must not go where the key before belonged.
        let key_origin = if looked.was_asked {
            self.binding(&provider.id).await?
        } else {
            provider.key_origin.clone()
        };
        self.check_origin(provider, key_origin).await?;
        Ok(Some(found))
    }

    /// Where the key of a provider would come from; nothing is sent anywhere.
    pub async fn source(&self, provider: &ProviderSetting) -> Option<KeySource> {
        let found = self.look(provider, 0).await.found;
        found.map(|found| found.source)
    }

    /// The store first, then what the client lent, then the daemon's own environment.
    async fn look(&self, provider: &ProviderSetting, connection: u64) -> Looked {
        let mut looked = Looked::default();
        let Some(name) = provider.key_name() else {
            return looked;
        };
        if may_be_stored(provider) {
            let known = self.lock_known().get(name.as_str());
            looked.was_asked = known.is_none();
            let stored = match known {
                Some(known) => known,
                None => self.stored(name).await,
            };
            match stored {
                Ok(Some(value)) => {
                    let source = KeySource::Stored;
                    looked.found = Some(FoundKey { value, source });
                    return looked;
                }
                Ok(None) => {}
                Err(error) => looked.problem = Some(error),
            }
        }
        looked.found = self.in_environments(provider, connection);
        looked
    }

    fn in_environments(&self, provider: &ProviderSetting, connection: u64) -> Option<FoundKey> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = lent.by_connection.get(&connection);
        for variable in &provider.key_variables {
            if let Some(value) = of_client.and_then(|lent| lent.get(variable)) {
                return Some(FoundKey {
                    value: value.clone(),
                    source: KeySource::Client,
                });
            }
            if let Some(value) = self.in_environment(variable) {
                return Some(FoundKey {
                    value,
                    source: KeySource::Environment,
                });
            }
        }
        None
    }

    /// A variable of the daemon's own environment; an empty one counts as none.
    pub fn in_environment(&self, variable: &str) -> Option<Secret<String>> {
        let value = (self.parts.environment)(variable)?;
        let value = Secret::new(value.expose().trim().to_owned());
        if value.expose().is_empty() {
            return None;
        }
        // Some put the name of a server where it wants just any key; that is no secret, and would
        // be missing from every text.
        let catalogue = mesoclaw_providers::catalog::catalog();
        if catalogue.provider(value.expose()).is_none() {
            self.parts.redactor.add(&value);
        }
        Some(value)
    }

    /// Asks the key store.
    async fn stored(&self, name: KeyName) -> ApiResult<Option<Secret<String>>> {
        let n_forgotten = self.lock_known().n_forgotten;
        let text = name.as_str().to_owned();
        let result = self.blocking(move |store| store.get(&name)).await;
        let now = Instant::now();
        let mut known = self.lock_known();
        if known.n_forgotten != n_forgotten {
            return result;
        }
        match &result {
            Ok(value) => {
                known.values.insert(text, (value.clone(), now));
            }
            Err(error) => known.failed = Some((error.clone(), now)),
        }
        result
    }

    /// The next use reads the store again: the provider refused what was known.
    pub fn forget_known(&self) {
        if self.has_failed_to_learn.swap(false, Ordering::Relaxed) {
            self.has_learned.store(false, Ordering::Relaxed);
        }
        let mut known = self.lock_known();
        *known = Known {
            n_forgotten: known.n_forgotten + 1,
            ..Known::default()
        };
    }

    fn lock_known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeyStore) -> Result<T, KeyError> + Send + 'static,
    ) -> ApiResult<T> {
        let store = self.parts.store.clone();
        tokio::task::spawn_blocking(move || work(&store))
            .await
            .map_err(|_| ApiError::new(ErrorCode::Internal, "the key store failed inside"))?
            .map_err(from_keys)
    }

    async fn binding(&self, provider_id: &str) -> ApiResult<Option<String>> {
        let id = provider_id.to_owned();
        let bound = self
            .parts
            .database
            .read(move |conn| repo::binding_get(conn, &id))
            .await
            .map_err(from_store)?;
        Ok(bound.map(|binding| binding.origin))
    }

    /// A key is bound to a host: the one confirmed last, else the one the catalogue names, else the
    /// first one it was used with.
    async fn check_origin(
        &self,
        provider: &ProviderSetting,
        key_origin: Option<String>,
    ) -> ApiResult<()> {
        let Some(origin) = provider.origin() else {
            return Ok(());
        };
        let bound = key_origin.filter(|origin| origin != NOWHERE_YET);
        let allowed = match bound.or_else(|| provider.known_origin.clone()) {
            Some(allowed) => allowed,
            None => self.bind_unbound(provider).await?,
        };
        if allowed == origin {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::PolicyDenied,
            format!(
                "the key of `{}` belongs to {allowed}, and its address is now at {origin}",
                provider.id
            ),
        )
        .with_hint(format!(
            "if that is right, let the key go there: `mesoclaw key confirm {}`",
            provider.id
        )))
    }

    /// Notes that there is a key for a provider nobody knows yet: its first use binds it.
    pub async fn bind_later(&self, provider_id: &str) -> ApiResult<()> {
        let id = provider_id.to_owned();
        self.parts
            .database
            .write(move |tx| repo::binding_set(tx, &id, NOWHERE_YET, &Timestamp::now()))
            .await
            .map_err(from_store)
    }

    /// Lets the key of a provider go to its present host, unless it is bound to a host already.
    pub async fn bind_first(&self, provider: &ProviderSetting) -> ApiResult<()> {
        let bound = provider.key_origin.as_deref();
        if bound.is_some_and(|origin| origin != NOWHERE_YET) {
            return Ok(());
        }
        self.bind_unbound(provider).await.map(|_| ())
    }

    /// The same; says which host it is bound to from then on. Looks once more in the transaction
    /// that binds, so of two that come first one wins and the other one hears of it.
    async fn bind_unbound(&self, provider: &ProviderSetting) -> ApiResult<String> {
        let (id, origin) = (provider.id.clone(), present_origin(provider)?);
        self.parts
            .database
            .write(move |tx| {
                let bound = repo::binding_get(tx, &id)?.map(|binding| binding.origin);
                if let Some(bound) = bound.filter(|origin| origin != NOWHERE_YET) {
                    return Ok(bound);
                }
                repo::binding_set(tx, &id, &origin, &Timestamp::now())?;
                Ok(origin)
            })
            .await
            .map_err(from_store)
    }

    /// Lets the key of a provider go to its present host, and says which that is.
    pub async fn bind(&self, provider: &ProviderSetting) -> ApiResult<String> {
        let origin = present_origin(provider)?;
        let (id, value) = (provider.id.clone(), origin.clone());
        self.parts
            .database
            .write(move |tx| repo::binding_set(tx, &id, &value, &Timestamp::now()))
            .await
            .map_err(from_store)?;
        Ok(origin)
    }
}

/// A provider that needs no key has one only when somebody set it, and that left a binding: so a
/// local server is reached without asking a keyring that may not be there.
fn may_be_stored(provider: &ProviderSetting) -> bool {
    provider.requires_api_key || provider.key_origin.is_some()
}

fn present_origin(provider: &ProviderSetting) -> ApiResult<String> {
    provider.origin().ok_or_else(|| {
        ApiError::new(
            ErrorCode::Validation,
            format!("`{}` has no address yet", provider.id),
        )
    })
}

fn checked(key: &str) -> ApiResult<KeyName> {
    KeyName::parse(key).map_err(|error| {
        ApiError::new(ErrorCode::Validation, mesoclaw_api::error::chain(&error))
            .with_hint("names are like `api_key:openai` or `channel:telegram:token`")
    })
}

#[cfg(test)]
mod tests;
