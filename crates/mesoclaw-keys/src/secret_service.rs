//! Linux and the other Unix systems: the Secret Service over D-Bus.

use std::sync::Arc;

use keyring_core::CredentialStore;

/// Connects to the keyring of this system.
pub(crate) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}
