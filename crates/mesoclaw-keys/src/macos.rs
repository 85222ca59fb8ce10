//! macOS: the login keychain.

use std::sync::Arc;

use keyring_core::CredentialStore;

/// Connects to the keyring of this system.
pub(crate) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = apple_native_keyring_store::keychain::Store::new()?;
    Ok(store)
}
