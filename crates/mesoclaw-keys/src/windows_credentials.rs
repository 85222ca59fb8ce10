//! Windows: the Credential Manager.

use std::sync::Arc;

use keyring_core::CredentialStore;

/// Connects to the keyring of this system.
pub(crate) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = windows_native_keyring_store::Store::new()?;
    Ok(store)
}
