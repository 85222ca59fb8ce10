//! The encrypted file: every key in `keys.enc`, which a passphrase or `keys.key` opens.
//!
//! The file is read and decrypted for each call, so that what another process wrote counts at once.
//! Only the key derived from the passphrase stays in memory.

mod entries;
mod header;
mod seal;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mesoclaw_api::Secret;

use crate::disk;
use crate::error::KeyError;
use crate::name::KeyName;
use crate::store::Place;

use entries::Entries;
use header::Header;
pub use header::ProtectionKind;
use header::{Derivation, Lock};
use seal::SealKey;

pub(crate) const KEYS_FILE: &str = "keys.enc";
const KEY_FILE: &str = "keys.key";
const LIMIT_BYTES: u64 = 16 << 20;

/// Short ones fall to guessing whatever is done to slow it down.
const SHORTEST_PASSPHRASE_CHARS: usize = 8;

/// How an encrypted file is to be locked.
#[derive(Clone, Debug)]
pub enum Protection {
    /// By a passphrase, which has to be given after each start.
    Passphrase(Secret<String>),
    /// By a random key in a file beside it: see [`KEY_FILE_NOTICE`](crate::KEY_FILE_NOTICE).
    KeyFile,
}

#[derive(Debug)]
pub(crate) struct FileStore {
    directory: PathBuf,
    unlocked: Mutex<Option<Unlocked>>,
}

/// A derived key, and what it was derived with: a changed passphrase makes it worthless.
#[derive(Debug)]
struct Unlocked {
    derivation: Derivation,
    key: SealKey,
}

/// The decrypted file.
struct Opened {
    lock: Lock,
    key: SealKey,
    entries: Entries,
}

impl FileStore {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            unlocked: Mutex::new(None),
        }
    }

    /// How the file is locked; `None` when there is none.
    pub(crate) fn protection(&self) -> Result<Option<ProtectionKind>, KeyError> {
        let found = self.read()?;
        Ok(found.map(|(header, _)| header.lock.kind()))
    }

    pub(crate) fn is_locked(&self) -> Result<bool, KeyError> {
        let found = self.read()?;
        Ok(found.is_some_and(|(header, _)| match header.lock {
            Lock::KeyFile => false,
            Lock::Passphrase(derivation) => self.derived(&derivation).is_none(),
        }))
    }

    /// Derives the key of the file and keeps it in memory.
    pub(crate) fn unlock(&self, passphrase: &Secret<String>) -> Result<(), KeyError> {
        let (header, _) = self.read()?.ok_or_else(|| self.no_keys_file())?;
        let Lock::Passphrase(derivation) = header.lock else {
            return Ok(());
        };
        let key = derivation.derive(passphrase)?;
        if !key.fits(&header) {
            return Err(KeyError::WrongPassphrase);
        }
        *self.memory() = Some(Unlocked { derivation, key });
        Ok(())
    }

    /// Forgets the derived key.
    pub(crate) fn lock(&self) {
        *self.memory() = None;
    }

    /// Creates the file if there is none; otherwise opens the one that is there.
    ///
    /// The caller holds the lock of the directory.
    pub(crate) fn create(&self, protection: &Protection) -> Result<(), KeyError> {
        match (self.protection()?, protection) {
            (None, _) => {
                let (lock, key) = self.new_lock(protection, true)?;
                self.write(lock, key, &Entries::default())
            }
            (Some(ProtectionKind::Passphrase), Protection::Passphrase(passphrase)) => {
                self.unlock(passphrase)
            }
            (Some(ProtectionKind::KeyFile), Protection::KeyFile) => self.open().map(|_| ()),
            (Some(found), _) => Err(KeyError::KeepProtection { found }),
        }
    }

    /// Locks the file in another way, or with another passphrase.
    ///
    /// The caller holds the lock of the directory.
    pub(crate) fn change_protection(
        &self,
        current: Option<&Secret<String>>,
        new: &Protection,
    ) -> Result<(), KeyError> {
        let found = self.protection()?.ok_or_else(|| self.no_keys_file())?;
        match (found, current) {
            (ProtectionKind::Passphrase, None) => return Err(KeyError::PassphraseMissing),
            (ProtectionKind::Passphrase, Some(passphrase)) => self.unlock(passphrase)?,
            (ProtectionKind::KeyFile, _) => {}
        }
        let opened = self.open()?;
        if matches!((found, new), (ProtectionKind::KeyFile, Protection::KeyFile)) {
            return Ok(());
        }
        let (lock, key) = self.new_lock(new, false)?;
        self.write(lock, key, &opened.entries)?;
        match new {
            Protection::Passphrase(_) => disk::remove(&self.path(KEY_FILE)),
            Protection::KeyFile => {
                self.lock();
                Ok(())
            }
        }
    }

    /// The lock of a file to be written. A random key is on disk before anything needs it.
    fn new_lock(
        &self,
        protection: &Protection,
        keep_key_file: bool,
    ) -> Result<(Lock, SealKey), KeyError> {
        match protection {
            Protection::Passphrase(passphrase) => {
                if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE_CHARS {
                    return Err(KeyError::PassphraseTooShort {
                        min_chars: SHORTEST_PASSPHRASE_CHARS,
                    });
                }
                let derivation = Derivation::new()?;
                let key = derivation.derive(passphrase)?;
                Ok((Lock::Passphrase(derivation), key))
            }
            Protection::KeyFile => {
                // A backup of keys.enc may still need the one that is there.
                let found = if keep_key_file {
                    self.read_key_file()?
                } else {
                    None
                };
                if let Some(key) = found {
                    return Ok((Lock::KeyFile, key));
                }
                let key = SealKey::random()?;
                disk::write_private(&self.path(KEY_FILE), key.bytes())?;
                Ok((Lock::KeyFile, key))
            }
        }
    }

    fn open(&self) -> Result<Opened, KeyError> {
        let (header, sealed) = self.read()?.ok_or_else(|| self.no_keys_file())?;
        let key = match &header.lock {
            Lock::KeyFile => {
                let path = self.path(KEY_FILE);
                let key = self.read_key_file()?;
                let key = key.ok_or_else(|| KeyError::FindKeyFile { path: path.clone() })?;
                if !key.fits(&header) {
                    return Err(KeyError::OpenWithKeyFile { path });
                }
                key
            }
            Lock::Passphrase(derivation) => self.derived(derivation).ok_or(KeyError::Locked)?,
        };
        let damaged = |problem| KeyError::DecodeKeysFile {
            path: self.path(KEYS_FILE),
            problem,
        };
        let plain = key.open(&header, sealed).map_err(damaged)?;
        let entries = Entries::decode(&plain).map_err(damaged)?;
        Ok(Opened {
            lock: header.lock,
            key,
            entries,
        })
    }

    fn write(&self, lock: Lock, key: SealKey, entries: &Entries) -> Result<(), KeyError> {
        let bytes = key.seal(lock, entries.encode())?;
        disk::write_private(&self.path(KEYS_FILE), &bytes)?;
        if let Lock::Passphrase(derivation) = lock {
            *self.memory() = Some(Unlocked { derivation, key });
        }
        Ok(())
    }

    /// The header and what follows it; `None` when there is no file.
    fn read(&self) -> Result<Option<(Header, Vec<u8>)>, KeyError> {
        let path = self.path(KEYS_FILE);
        let Some(bytes) = disk::read_private(&path, LIMIT_BYTES)? else {
            return Ok(None);
        };
        Header::parse(&bytes, &path).map(Some)
    }

    fn read_key_file(&self) -> Result<Option<SealKey>, KeyError> {
        let path = self.path(KEY_FILE);
        let Some(bytes) = disk::read_private(&path, LIMIT_BYTES)? else {
            return Ok(None);
        };
        let key = SealKey::from_bytes(&bytes);
        key.map(Some).ok_or(KeyError::OpenWithKeyFile { path })
    }

    fn derived(&self, derivation: &Derivation) -> Option<SealKey> {
        let memory = self.memory();
        let unlocked = memory.as_ref()?;
        (unlocked.derivation == *derivation).then(|| unlocked.key.clone())
    }

    /// A panic elsewhere leaves the derived key as it was, so poison means nothing here.
    fn memory(&self) -> MutexGuard<'_, Option<Unlocked>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.directory).join(name)
    }

    fn no_keys_file(&self) -> KeyError {
        KeyError::FindKeysFile {
            path: self.path(KEYS_FILE),
        }
    }
}

impl Place for FileStore {
    fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyError> {
        Ok(self.open()?.entries.get(name))
    }

    fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyError> {
        let mut opened = self.open()?;
        opened.entries.set(name, value);
        self.write(opened.lock, opened.key, &opened.entries)
    }

    fn delete(&self, name: &str) -> Result<bool, KeyError> {
        let mut opened = self.open()?;
        if !opened.entries.delete(name) {
            return Ok(false);
        }
        self.write(opened.lock, opened.key, &opened.entries)?;
        Ok(true)
    }

    fn names(&self) -> Result<Vec<KeyName>, KeyError> {
        Ok(self.open()?.entries.names())
    }
}

#[cfg(test)]
mod tests;
