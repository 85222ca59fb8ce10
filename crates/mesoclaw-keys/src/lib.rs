//! Where secrets are kept, and how they are kept out of every text.
//!
//! [`KeyStore`] keeps keys in the operating system's keyring or in an encrypted file, whichever the
//! person chose; it never falls back from one to the other by itself, never keeps keys in memory
//! alone and never writes one in the clear. [`Redactor`] replaces known and likely secrets in texts.
//!
//! The keyring is reached through `keyring-core` and the store of each system, which are the parts
//! of the `keyring` crate: its own documentation sends applications that choose their store to
//! them, and the crate itself adds a global default store that is opened before it is asked for.
//!
//! Everything here blocks: call it from a thread that may, such as one of `spawn_blocking`.

mod choice;
mod disk;
mod error;
mod file;
mod keyring;
mod name;
mod redact;
mod status;
mod store;

#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod system_store;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod system_store;
#[cfg(windows)]
#[path = "windows_credentials.rs"]
mod system_store;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

pub use error::{KeyError, KeyringFailure};
pub use file::{Protection, ProtectionKind};
pub use name::{KeyName, KeyNameError};
pub use redact::Redactor;
pub use status::{
    Backend, BackendStatus, ChosenBy, KEY_FILE_NOTICE, KEYRING_NOTICE, PASSPHRASE_NOTICE,
};
pub use store::{KeyStore, KeyStoreOptions, Migration, Target};
