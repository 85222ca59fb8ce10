//! Keys of services that are no providers of models: search engines.

use mesoclaw_api::Secret;
use mesoclaw_keys::KeyName;

use crate::keys::Keys;

impl Keys {
    /// The key of a service: the stored one, else that of the daemon's own environment. Whoever asks
    /// knows the one address it goes to.
    pub async fn of_service(&self, service: &str, variable: &str) -> Option<Secret<String>> {
        let name = KeyName::api_key(service).ok()?;
        let stored = match self.stored(name).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(service, %error, "key not read");
                None
            }
        };
        stored.or_else(|| self.in_environment(variable))
    }
}
