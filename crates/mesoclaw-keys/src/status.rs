//! Where keys are kept, and what that is worth.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::KeyError;
use crate::file::ProtectionKind;

/// What the operating system's keyring protects from.
pub const KEYRING_NOTICE: &str = "Keys are kept by the operating system's keyring, encrypted under your login: copies of the disk \
     and other accounts cannot read them, but programs that run as you can while it is unlocked.";

/// What an encrypted file with a random key beside it protects from.
pub const KEY_FILE_NOTICE: &str = "Keys are in keys.enc, encrypted with a random key that lies beside it in keys.key: this protects \
     backups and copies of keys.enc alone. It does NOT protect from anybody who can read the files \
     of this account.";

/// What an encrypted file with a passphrase protects from.
pub const PASSPHRASE_NOTICE: &str = "Keys are in keys.enc, encrypted with your passphrase: whoever has the file needs the passphrase, \
     so it is worth what the passphrase is worth. While it is unlocked, the key to it is in the \
     memory of the daemon.";

const NO_FILE_NOTICE: &str = "No key is kept: the encrypted file is not there.";

/// A place where keys are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The operating system's keyring.
    Keyring,
    /// An encrypted file.
    File,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        })
    }
}

/// Who said where keys are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChosenBy {
    /// Nobody: the keyring is the place then.
    Default,
    /// A person, once; it is written in `keystore.json`.
    Person,
    /// The configuration.
    Configuration,
}

/// The place keys are kept in, tried just now.
#[derive(Debug)]
pub struct BackendStatus {
    /// Which one.
    pub backend: Backend,
    /// Who said so.
    pub chosen_by: ChosenBy,
    /// Why it does not work: a throw-away entry could not be written, read and deleted.
    pub problem: Option<KeyError>,
    /// How the encrypted file is locked; `None` for the keyring, or when there is no such file.
    pub protection: Option<ProtectionKind>,
    /// Whether the encrypted file waits for its passphrase.
    pub is_locked: bool,
}

impl BackendStatus {
    /// Whether a throw-away entry could be written, read and deleted.
    pub fn works(&self) -> bool {
        self.problem.is_none()
    }

    /// What it protects from, in plain words.
    pub fn notice(&self) -> &'static str {
        match (self.backend, self.protection) {
            (Backend::Keyring, _) => KEYRING_NOTICE,
            (Backend::File, Some(ProtectionKind::KeyFile)) => KEY_FILE_NOTICE,
            (Backend::File, Some(ProtectionKind::Passphrase)) => PASSPHRASE_NOTICE,
            (Backend::File, None) => NO_FILE_NOTICE,
        }
    }
}
