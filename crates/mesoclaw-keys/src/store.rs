//! The key store: one place in force, and the way from one to the other.

mod migrate;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_api::Secret;

use crate::error::KeyError;
use crate::file::{FileStore, Protection};
use crate::keyring::{Keyring, Opener, probe_value};
use crate::name::{KeyName, PROBE_ENTRY};
use crate::redact::Redactor;
use crate::status::{Backend, BackendStatus, ChosenBy};
use crate::{choice, disk, system_store};

pub use migrate::{Migration, Target};

const SERVICE_ID: &str = "com.sprklai.mesoclaw";
const KEYRING_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_VALUE_BYTES: usize = 64 * 1024;

/// Where a key store keeps its files, and what is decided beforehand.
#[derive(Clone, Debug)]
pub struct KeyStoreOptions {
    /// The directory of `keys.enc`, `keys.key`, `keystore.json` and `keystore.lock`; created with
    /// mode 700 when something is to be written.
    pub directory: PathBuf,
    /// The name under which entries stand in the operating system's keyring.
    pub service_id: String,
    /// The place the configuration asks for; it wins over what a person chose.
    pub backend: Option<Backend>,
    /// How long a call to the operating system's keyring may take. A prompt that is still open
    /// then stays open, and once it is answered the next call succeeds.
    pub keyring_limit: Duration,
    /// Learns every value that goes in or comes out.
    pub redactor: Redactor,
}

impl KeyStoreOptions {
    /// The usual options, with files in this directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            service_id: SERVICE_ID.to_owned(),
            backend: None,
            keyring_limit: KEYRING_LIMIT,
            redactor: Redactor::new(),
        }
    }
}

/// Where keys are kept. Clones share one store.
///
/// Every method blocks, up to `keyring_limit` and longer while another process changes keys: call
/// them from `spawn_blocking`. What another process changes counts at the next call.
#[derive(Clone, Debug)]
pub struct KeyStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    configured: Option<Backend>,
    keyring: Keyring,
    file: FileStore,
    redactor: Redactor,
}

/// Something that keeps keys. The caller of what changes holds the lock of the directory.
pub(crate) trait Place {
    fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyError>;
    fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyError>;
    /// Whether it was there.
    fn delete(&self, name: &str) -> Result<bool, KeyError>;
    /// In order, without the entries a place keeps for itself.
    fn names(&self) -> Result<Vec<KeyName>, KeyError>;
}

impl KeyStore {
    /// A store that touches nothing before it is used: no file, no D-Bus.
    pub fn open(options: KeyStoreOptions) -> Self {
        Self::with_keyring(options, Arc::new(system_store::open))
    }

    pub(crate) fn with_keyring(options: KeyStoreOptions, opener: Opener) -> Self {
        let shared = Shared {
            keyring: Keyring::new(&options.service_id, options.keyring_limit, opener),
            file: FileStore::new(options.directory.clone()),
            directory: options.directory,
            configured: options.backend,
            redactor: options.redactor,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The value of a key, or `None` when there is no such key.
    ///
    /// # Errors
    /// When the place in force does not work, or is locked.
    pub fn get(&self, name: &KeyName) -> Result<Option<Secret<String>>, KeyError> {
        let (backend, _) = self.chosen()?;
        let mut value = self.place(backend).get(name.as_str())?;
        if value.is_none() {
            // Keys may have moved to another place while this one was read.
            let (now, _) = self.chosen()?;
            if now != backend {
                value = self.place(now).get(name.as_str())?;
            }
        }
        if let Some(value) = &value {
            self.shared.redactor.add(value);
        }
        Ok(value)
    }

    /// Stores a value, in place of an earlier one.
    ///
    /// # Errors
    /// When the value is empty or longer than 64 KiB, or the place in force does not work.
    pub fn set(&self, name: &KeyName, value: &Secret<String>) -> Result<(), KeyError> {
        // Whatever becomes of it, it must not be shown.
        self.shared.redactor.add(value);
        let n_bytes = value.expose().len();
        if n_bytes == 0 {
            return Err(KeyError::StoreEmpty { name: name.clone() });
        }
        if n_bytes > LONGEST_VALUE_BYTES {
            return Err(KeyError::StoreLong {
                name: name.clone(),
                n_bytes,
                limit_bytes: LONGEST_VALUE_BYTES,
            });
        }
        let _lock = disk::lock(&self.shared.directory)?;
        self.place(self.chosen()?.0).set(name.as_str(), value)
    }

    /// Deletes a key and says whether it was there. The redactor still knows its value.
    ///
    /// # Errors
    /// When the place in force does not work.
    pub fn delete(&self, name: &KeyName) -> Result<bool, KeyError> {
        let _lock = disk::lock(&self.shared.directory)?;
        self.place(self.chosen()?.0).delete(name.as_str())
    }

    /// The names of all keys, in order.
    ///
    /// # Errors
    /// When the place in force does not work.
    pub fn names(&self) -> Result<Vec<KeyName>, KeyError> {
        self.place(self.chosen()?.0).names()
    }

    /// Reads every key, so that the redactor knows all values, and says how many there are.
    ///
    /// # Errors
    /// When the place in force does not work.
    pub fn teach_redactor(&self) -> Result<usize, KeyError> {
        let mut n_values = 0;
        for name in self.names()? {
            n_values += usize::from(self.get(&name)?.is_some());
        }
        Ok(n_values)
    }

    /// The place in force, tried by writing, reading and deleting a throw-away entry.
    pub fn status(&self) -> BackendStatus {
        let (backend, chosen_by, unclear) = match self.chosen() {
            Ok((backend, chosen_by)) => (backend, chosen_by, None),
            Err(error) => (Backend::Keyring, ChosenBy::Person, Some(error)),
        };
        let problem = unclear.or_else(|| {
            let tried = disk::lock(&self.shared.directory);
            tried.and_then(|_lock| self.probe(backend)).err()
        });
        let is_file = backend == Backend::File;
        let file = &self.shared.file;
        BackendStatus {
            backend,
            chosen_by,
            problem,
            // What cannot be read is in `problem` already.
            protection: is_file.then(|| file.protection().ok().flatten()).flatten(),
            is_locked: is_file && file.is_locked().unwrap_or(false),
        }
    }

    /// Where the encrypted file is, or would be.
    pub fn file_path(&self) -> PathBuf {
        self.shared.directory.join(crate::file::KEYS_FILE)
    }

    /// Opens the encrypted file. The key derived from the passphrase stays in memory.
    ///
    /// # Errors
    /// When the passphrase is wrong or there is no such file; nothing changes then.
    pub fn unlock(&self, passphrase: &Secret<String>) -> Result<(), KeyError> {
        self.shared.file.unlock(passphrase)
    }

    /// Forgets the key derived from the passphrase.
    pub fn lock(&self) {
        self.shared.file.lock();
    }

    /// Locks the encrypted file in another way, or with another passphrase. A file that a
    /// passphrase locks needs that one as `current`.
    ///
    /// # Errors
    /// When `current` is wrong or missing, or a file cannot be written; the old way stays then.
    pub fn change_protection(
        &self,
        current: Option<&Secret<String>>,
        new: &Protection,
    ) -> Result<(), KeyError> {
        let _lock = disk::lock(&self.shared.directory)?;
        self.shared.file.change_protection(current, new)
    }

    fn place(&self, backend: Backend) -> &dyn Place {
        match backend {
            Backend::Keyring => &self.shared.keyring,
            Backend::File => &self.shared.file,
        }
    }

    /// Read anew each time: another process may have changed it.
    fn chosen(&self) -> Result<(Backend, ChosenBy), KeyError> {
        if let Some(backend) = self.shared.configured {
            return Ok((backend, ChosenBy::Configuration));
        }
        Ok(match choice::read(&self.shared.directory)? {
            Some(backend) => (backend, ChosenBy::Person),
            None => (Backend::Keyring, ChosenBy::Default),
        })
    }

    /// The caller holds the lock of the directory.
    fn probe(&self, backend: Backend) -> Result<(), KeyError> {
        let place = self.place(backend);
        let value = probe_value()?;
        place.set(PROBE_ENTRY, &value)?;
        let found = place.get(PROBE_ENTRY)?;
        let was_there = place.delete(PROBE_ENTRY)?;
        let is_same = found.is_some_and(|found| found.expose() == value.expose());
        if is_same && was_there {
            Ok(())
        } else {
            Err(KeyError::Verify {
                name: PROBE_ENTRY.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests;
