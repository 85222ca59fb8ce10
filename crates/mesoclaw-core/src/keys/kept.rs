//! Secrets that are kept: set, deleted, listed, moved. Nothing here gives one out.

use mesoclaw_api::ops::credential::{
    KeyBackend, KeyStoreStatus, MigrateAnswer, MigrateParams, ProtectParams,
};
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Event, Secret, SecretText};
use mesoclaw_keys::{
    Backend, BackendStatus, ChosenBy, KeyError, KeyStore, Protection, ProtectionKind, Target,
};

use crate::keys::{Keys, checked};

impl Keys {
    /// Keeps a secret.
    pub async fn set(&self, key: &str, value: &Secret<String>) -> ApiResult<()> {
        let name = checked(key)?;
        let value = as_kept(key, value);
        self.blocking(move |store| store.set(&name, &value)).await?;
        self.changed(Some(key));
        Ok(())
    }

    pub async fn delete(&self, key: &str) -> ApiResult<bool> {
        let name = checked(key)?;
        let deleted = self.blocking(move |store| store.delete(&name)).await?;
        if deleted {
            self.changed(Some(key));
        }
        Ok(deleted)
    }

    pub async fn names(&self) -> ApiResult<Vec<String>> {
        let names = self.blocking(KeyStore::names).await?;
        Ok(names.iter().map(ToString::to_string).collect())
    }

    pub async fn exists(&self, key: &str) -> ApiResult<bool> {
        let name = checked(key)?;
        let value = self.blocking(move |store| store.get(&name)).await?;
        Ok(value.is_some())
    }

    pub async fn status(&self) -> ApiResult<KeyStoreStatus> {
        let status = self.blocking(|store| Ok(store.status())).await?;
        Ok(self.to_status(&status))
    }

    pub async fn unlock(&self, passphrase: Secret<String>) -> ApiResult<()> {
        self.blocking(move |store| {
            store.unlock(&passphrase)?;
            store.teach_redactor()
        })
        .await?;
        self.changed(None);
        Ok(())
    }

    /// Moves all secrets to another place, and keeps them there from now on.
    pub async fn migrate(&self, params: MigrateParams) -> ApiResult<MigrateAnswer> {
        let target = match (params.to, params.passphrase) {
            (KeyBackend::Keyring, None) => Target::Keyring,
            (KeyBackend::Keyring, Some(_)) => {
                return Err(ApiError::new(
                    ErrorCode::Validation,
                    "the keyring takes no passphrase: the system asks for its own",
                ));
            }
            (KeyBackend::File, None) => Target::File(Protection::KeyFile),
            (KeyBackend::File, Some(passphrase)) => {
                Target::File(Protection::Passphrase(passphrase.secret().clone()))
            }
        };
        let (moved, left, status, is_unseen) =
            self.blocking(move |store| move_to(store, &target)).await?;
        self.changed(None);
        Ok(MigrateAnswer {
            moved,
            notice: notice(&status, &left, is_unseen),
            status: self.to_status(&status),
        })
    }

    /// Protects the encrypted file in another way.
    pub async fn protect(&self, params: ProtectParams) -> ApiResult<KeyStoreStatus> {
        let secret = |text: Option<SecretText>| text.map(|text| text.secret().clone());
        let new = match secret(params.passphrase) {
            Some(passphrase) => Protection::Passphrase(passphrase),
            None => Protection::KeyFile,
        };
        let current = secret(params.current);
        let status = self
            .blocking(move |store| {
                store.change_protection(current.as_ref(), &new)?;
                Ok(store.status())
            })
            .await?;
        Ok(self.to_status(&status))
    }

    fn changed(&self, key: Option<&str>) {
        self.forget_known();
        self.parts.bus.publish(Event::CredentialChanged {
            key: key.map(str::to_owned),
        });
    }

    fn to_status(&self, status: &BackendStatus) -> KeyStoreStatus {
        let problem = status.problem.as_ref();
        KeyStoreStatus {
            backend: match status.backend {
                Backend::Keyring => KeyBackend::Keyring,
                Backend::File => KeyBackend::File,
            },
            is_chosen: status.chosen_by != ChosenBy::Default,
            is_working: status.works(),
            is_locked: status.is_locked,
            has_passphrase: status
                .protection
                .map(|kind| kind == ProtectionKind::Passphrase),
            problem: problem.map(|error| mesoclaw_api::error::chain(error)),
            hint: problem.and_then(KeyError::hint).map(str::to_owned),
            protection: status.notice().to_owned(),
            path: (status.backend == Backend::File)
                .then(|| self.parts.store.file_path().display().to_string()),
        }
    }
}

/// Keys travel in headers, where white space around them is only a slip of copying; what other
/// secrets are for is not known, so they stay as they are.
fn as_kept(key: &str, value: &Secret<String>) -> Secret<String> {
    let is_copied = ["api_key:", "channel:"]
        .iter()
        .any(|kind| key.starts_with(kind));
    if is_copied {
        Secret::new(value.expose().trim().to_owned())
    } else {
        value.clone()
    }
}

/// Names that were moved, names that could not be deleted, the new place, and whether the old one
/// could not be read.
type Moved = (Vec<String>, Vec<String>, BackendStatus, bool);

/// Moves everything, or only says where secrets are kept from now on where nothing can be moved.
fn move_to(store: &KeyStore, target: &Target) -> Result<Moved, KeyError> {
    match store.migrate(target) {
        Ok(migration) => {
            let moved = migration.moved.iter().map(ToString::to_string).collect();
            let left = migration.left_behind.iter();
            let left = left.map(|(name, _)| name.to_string()).collect();
            Ok((moved, left, store.status(), false))
        }
        Err(KeyError::MigrateToSame { .. }) => {
            store.choose(target)?;
            Ok((Vec::new(), Vec::new(), store.status(), false))
        }
        // Without a keyring that is how everybody begins. A file that cannot be read is another
        // matter: what is in it would be lost from sight.
        Err(error) => {
            let before = store.status();
            if before.backend != Backend::Keyring || before.works() {
                return Err(error);
            }
            store.choose(target)?;
            let is_unseen = before.chosen_by == ChosenBy::Person;
            Ok((Vec::new(), Vec::new(), store.status(), is_unseen))
        }
    }
}

fn notice(status: &BackendStatus, left: &[String], is_unseen: bool) -> Option<String> {
    let mut notice = match status.protection {
        Some(ProtectionKind::KeyFile) => status.notice().to_owned(),
        Some(ProtectionKind::Passphrase) => format!(
            "{} After each start of the daemon: `mesoclaw key unlock`.",
            status.notice()
        ),
        None => String::new(),
    };
    if is_unseen {
        notice
            .push_str(" What the keyring holds could not be read: it stays there and is not seen.");
    }
    if !left.is_empty() {
        notice.push_str(" These could not be deleted from the old place: ");
        notice.push_str(&left.join(", "));
        notice.push('.');
    }
    let notice = notice.trim().to_owned();
    (!notice.is_empty()).then_some(notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_around_keys_and_tokens_is_cut() {
        for (key, expected) in [
            ("api_key:one", "a b"),
            ("channel:chat:token", "a b"),
            ("my.secret", " a b\n"),
        ] {
            let value = Secret::new(" a b\n".to_owned());
            assert_eq!(as_kept(key, &value).expose(), expected, "{key}");
        }
    }
}
