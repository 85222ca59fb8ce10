//! The choice of a place for keys, and the move of all keys to another one.

use mesoclaw_api::Secret;

use super::{KeyStore, Place};
use crate::error::KeyError;
use crate::file::Protection;
use crate::name::KeyName;
use crate::status::{Backend, ChosenBy};
use crate::{choice, disk};

/// The place that is wanted for keys.
#[derive(Clone, Debug)]
pub enum Target {
    /// The operating system's keyring.
    Keyring,
    /// The encrypted file. One that exists has to be locked in this way already, and by this
    /// passphrase.
    File(Protection),
}

/// What a migration did.
#[derive(Debug)]
pub struct Migration {
    /// Where keys were.
    pub from: Backend,
    /// Where they are now.
    pub to: Backend,
    /// The keys that were moved, in order.
    pub moved: Vec<KeyName>,
    /// Names the old place had listed without a value.
    pub missing: Vec<KeyName>,
    /// Keys that are in the new place but could not be deleted from the old one.
    pub left_behind: Vec<(KeyName, KeyError)>,
}

impl Target {
    fn backend(&self) -> Backend {
        match self {
            Self::Keyring => Backend::Keyring,
            Self::File(_) => Backend::File,
        }
    }
}

impl KeyStore {
    /// Keeps keys in this place from now on. Keys in another place stay there and are not seen.
    ///
    /// The place is tried first; the encrypted file is created if there is none.
    ///
    /// # Errors
    /// When the place does not work; everything stays as it was then.
    pub fn choose(&self, target: &Target) -> Result<(), KeyError> {
        let _lock = disk::lock(&self.shared.directory)?;
        self.check_configured(target)?;
        self.prepare(target)?;
        self.settle(target.backend())
    }

    /// Moves every key to this place and keeps keys there from now on.
    ///
    /// Each key is copied and read back; then the new place is in force; then the old copies are
    /// deleted. Values that the new place had under the same names are replaced.
    ///
    /// # Errors
    /// When a step before the change of place fails; all keys are in the old one then.
    pub fn migrate(&self, target: &Target) -> Result<Migration, KeyError> {
        let _lock = disk::lock(&self.shared.directory)?;
        let (from, _) = self.chosen()?;
        let to = target.backend();
        if from == to {
            return Err(KeyError::MigrateToSame { backend: to });
        }
        self.check_configured(target)?;
        let names = self.place(from).names()?;
        self.prepare(target)?;
        let (moved, missing) = self.copy_all(from, to, names)?;
        let mut left_behind = Vec::new();
        for name in moved.iter().chain(&missing) {
            if let Err(error) = self.place(from).delete(name.as_str()) {
                left_behind.push((name.clone(), error));
            }
        }
        Ok(Migration {
            from,
            to,
            moved,
            missing,
            left_behind,
        })
    }

    /// Copies and changes over, or leaves the new place as it was.
    fn copy_all(
        &self,
        from: Backend,
        to: Backend,
        names: Vec<KeyName>,
    ) -> Result<(Vec<KeyName>, Vec<KeyName>), KeyError> {
        let (mut moved, mut missing, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
        let mut copy = |name: KeyName| -> Result<(), KeyError> {
            let Some(value) = self.place(from).get(name.as_str())? else {
                missing.push(name);
                return Ok(());
            };
            self.shared.redactor.add(&value);
            let earlier = self.place(to).get(name.as_str())?;
            replaced.push((name.clone(), earlier));
            copy_one(self.place(to), &name, &value)?;
            moved.push(name);
            Ok(())
        };
        let copied = names.into_iter().try_for_each(&mut copy);
        match copied.and_then(|()| self.settle(to)) {
            Ok(()) => Ok((moved, missing)),
            Err(error) => {
                roll_back(self.place(to), replaced)?;
                Err(error)
            }
        }
    }

    fn check_configured(&self, target: &Target) -> Result<(), KeyError> {
        match self.shared.configured {
            Some(backend) if backend != target.backend() => {
                Err(KeyError::ChangeConfigured { backend })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Makes sure that the place is there and works.
    fn prepare(&self, target: &Target) -> Result<(), KeyError> {
        if let Target::File(protection) = target {
            self.shared.file.create(protection)?;
        }
        self.probe(target.backend())
    }

    fn settle(&self, backend: Backend) -> Result<(), KeyError> {
        match self.chosen() {
            Ok((now, ChosenBy::Person | ChosenBy::Configuration)) if now == backend => Ok(()),
            // A choice that cannot be understood is made anew.
            Ok(_) | Err(KeyError::DecodeChoice { .. }) => {
                choice::write(&self.shared.directory, backend)
            }
            Err(error) => Err(error),
        }
    }
}

fn copy_one(place: &dyn Place, name: &KeyName, value: &Secret<String>) -> Result<(), KeyError> {
    place.set(name.as_str(), value)?;
    match place.get(name.as_str())? {
        Some(found) if found.expose() == value.expose() => Ok(()),
        Some(_) | None => Err(KeyError::Verify {
            name: name.to_string(),
        }),
    }
}

fn roll_back(
    place: &dyn Place,
    replaced: Vec<(KeyName, Option<Secret<String>>)>,
) -> Result<(), KeyError> {
    for (name, earlier) in replaced {
        let undone = match earlier {
            Some(value) => place.set(name.as_str(), &value),
            None => place.delete(name.as_str()).map(|_| ()),
        };
        undone.map_err(|source| KeyError::RollBack {
            name,
            source: Box::new(source),
        })?;
    }
    Ok(())
}
