//! Tests of the key store: choice, migration, several processes.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use keyring_core::{CredentialStore, Error, mock};

use super::*;
use crate::file::ProtectionKind;

const KEY_FILE: Target = Target::File(Protection::KeyFile);

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

struct Home {
    directory: tempfile::TempDir,
    system: Arc<mock::Store>,
}

fn home() -> Home {
    Home {
        directory: tempfile::tempdir().unwrap(),
        system: mock::Store::new().unwrap(),
    }
}

impl Home {
    /// As another process would open it.
    fn store(&self) -> KeyStore {
        self.store_with(None)
    }

    fn store_with(&self, backend: Option<Backend>) -> KeyStore {
        let system = Arc::clone(&self.system);
        let mut options = KeyStoreOptions::new(self.path());
        options.backend = backend;
        KeyStore::with_keyring(
            options,
            Arc::new(move || {
                let system: Arc<CredentialStore> = system.clone();
                Ok(system)
            }),
        )
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn fail_next(&self, name: &str) {
        let system: Arc<CredentialStore> = self.system.clone();
        let entry = system.build(SERVICE_ID, name, None).unwrap();
        let mock: &mock::Cred = entry.as_any().downcast_ref().unwrap();
        mock.set_error(Error::NoStorageAccess("locked".into()));
    }
}

fn all(store: &KeyStore) -> Vec<(String, String)> {
    let names = store.names().unwrap();
    let pairs = names.iter().map(|name| {
        let value = store.get(name).unwrap().unwrap();
        (name.to_string(), value.expose().clone())
    });
    pairs.collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(own).collect()
}

fn write(store: &KeyStore, keys: &[(&str, &str)]) {
    for (key, value) in keys {
        store.set(&name(key), &secret(value)).unwrap();
    }
}

#[test]
fn nothing_is_touched_before_the_first_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let opener: Opener = Arc::new(|| panic!("opened"));
    let store = KeyStore::with_keyring(KeyStoreOptions::new(&path), opener);
    drop(store.clone());
    assert!(!path.exists());
}

#[test]
fn the_keyring_is_the_place_until_another_is_chosen() {
    let home = home();
    let store = home.store();
    write(&store, &[("api_key:openai", "in-the-keyring")]);
    let status = store.status();
    assert!(status.works(), "{status:?}");
    assert_eq!(
        (status.backend, status.chosen_by),
        (Backend::Keyring, ChosenBy::Default)
    );
    assert_eq!(status.notice(), crate::KEYRING_NOTICE);

    store.choose(&KEY_FILE).unwrap();
    let text = fs::read_to_string(home.path().join("keystore.json")).unwrap();
    assert_eq!(text, r#"{"backend":"file"}"#);
    for store in [store.clone(), home.store()] {
        assert_eq!(all(&store), pairs(&[]));
        let status = store.status();
        assert!(status.works(), "{status:?}");
        assert_eq!(
            (status.backend, status.chosen_by),
            (Backend::File, ChosenBy::Person)
        );
        assert_eq!(status.protection, Some(ProtectionKind::KeyFile));
        assert_eq!(status.notice(), crate::KEY_FILE_NOTICE);
    }
    store.choose(&Target::Keyring).unwrap();
    assert_eq!(all(&store), pairs(&[("api_key:openai", "in-the-keyring")]));
}

#[test]
fn a_keyring_that_does_not_work_is_told_and_nothing_takes_its_place() {
    let home = home();
    let store = home.store();
    home.fail_next(PROBE_ENTRY);
    let status = store.status();
    let problem = status.problem.unwrap();
    assert_eq!(
        problem.to_string(),
        "cannot store a key in the operating system's keyring"
    );
    assert!(
        problem
            .hint()
            .unwrap()
            .contains("`mesoclaw key store file`")
    );
    home.fail_next("a");
    store.set(&name("a"), &secret("value-a")).unwrap_err();
    home.fail_next("a");
    store.get(&name("a")).unwrap_err();
    let files = fs::read_dir(home.path()).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["keystore.lock"]);
}

#[test]
fn the_configuration_wins_over_the_choice() {
    let home = home();
    home.store().choose(&KEY_FILE).unwrap();
    let store = home.store_with(Some(Backend::Keyring));
    let status = store.status();
    assert_eq!(
        (status.backend, status.chosen_by),
        (Backend::Keyring, ChosenBy::Configuration)
    );
    let error = store.choose(&KEY_FILE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration keeps keys in the keyring"
    );
    let store = home.store_with(Some(Backend::File));
    fs::remove_file(home.path().join("keys.enc")).unwrap();
    let problem = store.status().problem.unwrap();
    assert!(matches!(problem, KeyError::FindKeysFile { .. }));
    assert!(
        problem
            .hint()
            .unwrap()
            .contains("`mesoclaw key store file`")
    );
    store.choose(&KEY_FILE).unwrap();
    assert!(store.status().works());
}

#[test]
fn a_choice_that_cannot_be_understood_is_told_and_can_be_made_again() {
    let home = home();
    let store = home.store();
    store.choose(&KEY_FILE).unwrap();
    write(&store, &[("a", "value-a")]);
    fs::write(
        home.path().join("keystore.json"),
        "{\"backend\":\"memory\"}",
    )
    .unwrap();
    assert!(matches!(
        store.get(&name("a")),
        Err(KeyError::DecodeChoice { .. })
    ));
    assert!(matches!(
        store.status().problem,
        Some(KeyError::DecodeChoice { .. })
    ));
    store.choose(&KEY_FILE).unwrap();
    assert_eq!(all(&store), pairs(&[("a", "value-a")]));
}

#[test]
fn all_keys_move_there_and_back() {
    let home = home();
    let (store, other) = (home.store(), home.store());
    let keys = [
        ("a", "value-a"),
        ("b", "value-b"),
        ("channel:slack:bot_token", "xoxb"),
    ];
    write(&store, &keys);
    let passphrase = Target::File(Protection::Passphrase(secret("correct horse")));
    for target in [passphrase, Target::Keyring] {
        let report = store.migrate(&target).unwrap();
        assert_eq!(report.moved, keys.map(|(key, _)| name(key)));
        assert!(report.missing.is_empty() && report.left_behind.is_empty());
        assert_eq!(all(&store), pairs(&keys));
        let backend = report.to;
        assert_eq!(store.place(report.from).names().unwrap(), []);
        let error = store.migrate(&target).unwrap_err();
        assert!(matches!(error, KeyError::MigrateToSame { backend: same } if same == backend));
    }
    assert_eq!(all(&other), pairs(&keys));
}

#[test]
fn a_migration_that_fails_leaves_every_key_where_it_was() {
    let home = home();
    let store = home.store();
    let keys = [("a", "value-a"), ("b", "value-b"), ("c", "value-c")];
    store.choose(&KEY_FILE).unwrap();
    write(&store, &keys);
    // The new place has one of the names already, and refuses another.
    let keyring = store.place(Backend::Keyring);
    keyring.set("a", &secret("older-a")).unwrap();
    home.fail_next("b");
    let error = store.migrate(&Target::Keyring).unwrap_err();
    assert!(matches!(error, KeyError::UseKeyring { .. }), "{error:?}");
    assert_eq!(all(&store), pairs(&keys));
    assert_eq!(store.status().backend, Backend::File);
    assert_eq!(keyring.names().unwrap(), [name("a")]);
    assert_eq!(keyring.get("a").unwrap().unwrap().expose(), "older-a");
}

#[test]
fn a_migration_says_what_it_could_not_find_or_delete() {
    let home = home();
    let store = home.store();
    write(&store, &[("a", "value-a"), ("b", "value-b")]);
    let system: Arc<CredentialStore> = home.system.clone();
    let entry = system.build(SERVICE_ID, "b", None).unwrap();
    entry.delete_credential().unwrap();
    let report = store.migrate(&KEY_FILE).unwrap();
    assert_eq!(
        (report.moved, report.missing),
        (vec![name("a")], vec![name("b")])
    );
    assert_eq!(all(&store), pairs(&[("a", "value-a")]));
}

#[test]
fn a_locked_file_is_told_and_opened() {
    let home = home();
    let store = home.store();
    store
        .choose(&Target::File(Protection::Passphrase(secret(
            "correct horse",
        ))))
        .unwrap();
    write(&store, &[("a", "value-a")]);
    let later = home.store();
    let status = later.status();
    assert!(matches!(status.problem, Some(KeyError::Locked)));
    assert!(status.is_locked);
    assert_eq!(status.notice(), crate::PASSPHRASE_NOTICE);
    later.unlock(&secret("correct horse")).unwrap();
    assert!(later.status().works());
    assert_eq!(all(&later.clone()), pairs(&[("a", "value-a")]));
    later.lock();
    assert!(later.status().is_locked);
}

#[test]
fn a_rotated_key_counts_at_once_for_everybody() {
    let home = home();
    let (store, other) = (home.store(), home.store());
    store.choose(&KEY_FILE).unwrap();
    let clone = store.clone();
    for value in ["first-value", "second-value"] {
        write(&other, &[("a", value)]);
        for store in [&store, &clone, &other] {
            assert_eq!(all(store), pairs(&[("a", value)]));
        }
    }
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let home = home();
    home.store().choose(&KEY_FILE).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = home.store();
            scope.spawn(move || {
                for n in 0..10 {
                    write(&store, &[(&format!("k{writer}.{n}"), "value")]);
                }
            });
        }
    });
    assert_eq!(home.store().names().unwrap().len(), 40);
}

#[test]
fn values_are_checked_and_known_to_the_redactor() {
    let home = home();
    let store = home.store();
    store.choose(&KEY_FILE).unwrap();
    assert!(matches!(
        store.set(&name("a"), &secret("")),
        Err(KeyError::StoreEmpty { .. })
    ));
    let long = secret(&"x".repeat(LONGEST_VALUE_BYTES + 1));
    assert!(matches!(
        store.set(&name("a"), &long),
        Err(KeyError::StoreLong { n_bytes: 65537, .. })
    ));
    write(&store, &[("a", "hunter2"), ("b", "hunter3")]);
    assert_eq!(store.shared.redactor.redact("hunter2"), "***");
    let later = home.store();
    assert_eq!(later.shared.redactor.redact("hunter2"), "hunter2");
    assert_eq!(later.teach_redactor().unwrap(), 2);
    assert_eq!(later.shared.redactor.redact("hunter2 hunter3"), "*** ***");
    assert!(store.delete(&name("a")).unwrap());
    assert!(!store.delete(&name("a")).unwrap());
    assert_eq!(store.shared.redactor.redact("hunter2"), "***");
}

#[test]
fn directories_are_created_for_the_owner_and_others_are_refused() {
    let home = home();
    let store = home.store();
    store.choose(&KEY_FILE).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.path()), 0o700);
    for file in ["keys.enc", "keys.key", "keystore.json", "keystore.lock"] {
        assert_eq!(mode(&home.path().join(file)), 0o600, "{file}");
    }
    let open = home.directory.path().join("open");
    fs::DirBuilder::new().mode(0o700).create(&open).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    let store = KeyStore::open(KeyStoreOptions::new(&open));
    let error = store.choose(&KEY_FILE).unwrap_err();
    let expected = "it can be written by other accounts";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
}

#[test]
fn nothing_shows_a_value() {
    let home = home();
    let store = home.store();
    store
        .choose(&Target::File(Protection::Passphrase(secret(
            "correct horse",
        ))))
        .unwrap();
    write(&store, &[("a", "hunter2")]);
    let shown = format!("{store:?} {:?} {:?}", store.status(), KEY_FILE);
    assert!(
        !shown.contains("hunter2") && !shown.contains("horse"),
        "{shown}"
    );
}
