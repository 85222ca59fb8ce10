//! The operating system's keyring: one entry for each key, and the entry `_key_index` with the
//! list of their names, because a keyring cannot be asked for it everywhere.

mod caller;
mod said;

use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use mesoclaw_api::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{KeyError, KeyringFailure};
use crate::name::{INDEX_ENTRY, KeyName, PROBE_ENTRY};
use crate::store::Place;

use caller::Caller;
pub(crate) use caller::Opener;

#[derive(Debug)]
pub(crate) struct Keyring {
    service_id: Arc<str>,
    caller: Caller,
}

impl Keyring {
    /// Touches nothing before the first call.
    pub(crate) fn new(service_id: &str, limit: Duration, opener: Opener) -> Self {
        Self {
            service_id: service_id.into(),
            caller: Caller::new(opener, limit),
        }
    }

    fn call<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl Fn(&Names<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, KeyError> {
        let service_id = Arc::clone(&self.service_id);
        let answer = self.caller.call(move |store| {
            work(&Names {
                store,
                service_id: &service_id,
            })
        });
        answer.map_err(|source| KeyError::UseKeyring { action, source })
    }
}

impl Place for Keyring {
    fn get(&self, name: &str) -> Result<Option<Secret<String>>, KeyError> {
        let name = name.to_owned();
        self.call("read a key", move |names| names.get(&name))
    }

    fn set(&self, name: &str, value: &Secret<String>) -> Result<(), KeyError> {
        let (name, value) = (name.to_owned(), value.clone());
        self.call("store a key", move |names| {
            // First the list: a key that is stored but not listed would be forgotten.
            if name != PROBE_ENTRY {
                names.change_index(|index| match index.binary_search(&name) {
                    Ok(_) => false,
                    Err(at) => {
                        index.insert(at, name.clone());
                        true
                    }
                })?;
            }
            names.entry(&name)?.set_password(value.expose())
        })
    }

    fn delete(&self, name: &str) -> Result<bool, KeyError> {
        let name = name.to_owned();
        self.call("delete a key", move |names| {
            let was_there = match names.entry(&name)?.delete_credential() {
                Ok(()) => true,
                Err(Error::NoEntry) => false,
                Err(error) => return Err(error),
            };
            if name != PROBE_ENTRY {
                names.change_index(|index| match index.binary_search(&name) {
                    Ok(at) => {
                        index.remove(at);
                        true
                    }
                    Err(_) => false,
                })?;
            }
            Ok(was_there)
        })
    }

    fn names(&self) -> Result<Vec<KeyName>, KeyError> {
        self.call("list the keys", |names| {
            let index = names.index()?;
            let names = index.iter().filter_map(|name| KeyName::parse(name).ok());
            Ok(names.collect())
        })
    }
}

/// The entries of our service.
struct Names<'a> {
    store: &'a CredentialStore,
    service_id: &'a str,
}

impl Names<'_> {
    fn entry(&self, name: &str) -> Result<Entry, Error> {
        self.store.build(self.service_id, name, None)
    }

    fn get(&self, name: &str) -> Result<Option<Secret<String>>, Error> {
        match self.entry(name)?.get_password() {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names in order. Those that are no names of ours stay where they are.
    fn index(&self) -> Result<Vec<String>, Error> {
        let Some(list) = self.get(INDEX_ENTRY)? else {
            return Ok(Vec::new());
        };
        let names = serde_json::from_str::<Vec<String>>(list.expose());
        let mut names = names.map_err(|_| Error::BadStoreFormat(INDEX_ENTRY.to_owned()))?;
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn change_index(&self, change: impl FnOnce(&mut Vec<String>) -> bool) -> Result<(), Error> {
        let mut names = self.index()?;
        if !change(&mut names) {
            return Ok(());
        }
        let list = serde_json::to_string(&names);
        let list = list.map_err(|_| Error::BadStoreFormat(INDEX_ENTRY.to_owned()))?;
        self.entry(INDEX_ENTRY)?.set_password(&list)
    }
}

impl From<Error> for KeyringFailure {
    fn from(error: Error) -> Self {
        match error {
            Error::PlatformFailure(source) => Self::Do(said::once(source.as_ref())),
            Error::NoStorageAccess(source) => Self::Unlock(said::once(source.as_ref())),
            // These carry what was read, which may be a key.
            Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
                bytes.zeroize();
                Self::Decode
            }
            Error::BadStoreFormat(_) => Self::DecodeIndex,
            Error::TooLong(_, limit) => Self::Hold { limit },
            Error::Ambiguous(_) => Self::Distinguish,
            other => Self::Do(said::once(&other)),
        }
    }
}

/// A value that nobody guesses, for the entry that shows whether a place works.
pub(crate) fn probe_value() -> Result<Secret<String>, KeyError> {
    let mut bytes = Zeroizing::new([0_u8; 16]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::GetRandom)?;
    let text = bytes.iter().fold(String::new(), |mut text, byte| {
        text.push(char::from(b'a' + (byte & 15)));
        text.push(char::from(b'a' + (byte >> 4)));
        text
    });
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests;
