//! Tests of the encrypted file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::header::HEADER_BYTES;
use super::*;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(secret(text))
}

struct Home {
    directory: tempfile::TempDir,
    store: FileStore,
}

fn home(protection: Option<&Protection>) -> Home {
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::new(directory.path().to_owned());
    if let Some(protection) = protection {
        store.create(protection).unwrap();
    }
    Home { directory, store }
}

impl Home {
    fn again(&self) -> FileStore {
        FileStore::new(self.directory.path().to_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn value(store: &FileStore, name: &str) -> Option<String> {
    let found = store.get(name).unwrap();
    found.map(|value| value.expose().clone())
}

#[test]
fn keys_come_back_and_nothing_of_them_is_in_the_files() {
    let home = home(Some(&Protection::KeyFile));
    assert_eq!(value(&home.store, "a"), None);
    home.store.set("b", &secret("first-value")).unwrap();
    home.store.set("a", &secret("hunter2-hunter2")).unwrap();
    home.store.set("b", &secret("second-value")).unwrap();
    let again = home.again();
    assert_eq!(value(&again, "a").as_deref(), Some("hunter2-hunter2"));
    assert_eq!(value(&again, "b").as_deref(), Some("second-value"));
    let names: Vec<_> = again
        .names()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(home.files(), ["keys.enc", "keys.key"]);
    for file in home.files() {
        let mode = fs::metadata(home.path(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        let bytes = fs::read(home.path(&file)).unwrap();
        let bytes = String::from_utf8_lossy(&bytes);
        assert!(
            !bytes.contains("hunter2") && !bytes.contains("value"),
            "{file}"
        );
    }
    assert!(again.delete("a").unwrap());
    assert!(!again.delete("a").unwrap());
    assert_eq!(value(&home.store, "a"), None);
}

#[test]
fn a_passphrase_opens_the_file_and_a_wrong_one_changes_nothing() {
    let home = home(Some(&passphrase("correct horse")));
    home.store.set("a", &secret("value-of-a")).unwrap();
    assert_eq!(home.files(), ["keys.enc"]);
    let before = fs::read(home.path(KEYS_FILE)).unwrap();
    let again = home.again();
    assert_eq!(
        again.protection().unwrap(),
        Some(ProtectionKind::Passphrase)
    );
    assert!(again.is_locked().unwrap());
    assert!(matches!(again.get("a"), Err(KeyError::Locked)));
    assert!(matches!(
        again.set("a", &secret("x")),
        Err(KeyError::Locked)
    ));
    assert_eq!(KeyError::Locked.hint(), Some("run `mesoclaw key unlock`"));
    let wrong = again.unlock(&secret("correct horses"));
    assert!(matches!(wrong, Err(KeyError::WrongPassphrase)));
    assert!(again.is_locked().unwrap());
    assert_eq!(fs::read(home.path(KEYS_FILE)).unwrap(), before);
    again.unlock(&secret("correct horse")).unwrap();
    assert!(!again.is_locked().unwrap());
    assert_eq!(value(&again, "a").as_deref(), Some("value-of-a"));
    again.lock();
    assert!(matches!(again.get("a"), Err(KeyError::Locked)));
    let shown = format!("{home:?}", home = home.store);
    assert!(
        shown.contains("key: ***") && !shown.contains("horse"),
        "{shown}"
    );
}

#[test]
fn a_changed_passphrase_counts_at_once_everywhere() {
    let home = home(Some(&passphrase("first passphrase")));
    home.store.set("a", &secret("value-of-a")).unwrap();
    let other = home.again();
    other.unlock(&secret("first passphrase")).unwrap();
    let change = |current: Option<&str>, new: &Protection| {
        let current = current.map(secret);
        home.store.change_protection(current.as_ref(), new)
    };
    let second = passphrase("second passphrase");
    assert!(matches!(
        change(None, &second),
        Err(KeyError::PassphraseMissing)
    ));
    assert!(matches!(
        change(Some("wrong one"), &second),
        Err(KeyError::WrongPassphrase)
    ));
    let short = change(Some("first passphrase"), &passphrase("1234567"));
    assert!(matches!(
        short,
        Err(KeyError::PassphraseTooShort { min_chars: 8 })
    ));
    change(Some("first passphrase"), &second).unwrap();
    assert_eq!(value(&home.store, "a").as_deref(), Some("value-of-a"));
    assert!(matches!(other.get("a"), Err(KeyError::Locked)));
    let wrong = other.unlock(&secret("first passphrase"));
    assert!(matches!(wrong, Err(KeyError::WrongPassphrase)));

    change(Some("second passphrase"), &Protection::KeyFile).unwrap();
    assert_eq!(value(&other, "a").as_deref(), Some("value-of-a"));
    assert_eq!(home.files(), ["keys.enc", "keys.key"]);
    change(None, &second).unwrap();
    assert_eq!(home.files(), ["keys.enc"]);
    assert!(matches!(other.get("a"), Err(KeyError::Locked)));
}

#[test]
fn a_damaged_file_is_told_and_left_alone() {
    let home = home(Some(&Protection::KeyFile));
    home.store.set("a", &secret("value-of-a")).unwrap();
    let path = home.path(KEYS_FILE);
    let good = fs::read(&path).unwrap();
    let check = |bytes: &[u8], expected: &str| {
        fs::write(&path, bytes).unwrap();
        for error in [
            home.store.get("a").map(drop).unwrap_err(),
            home.store.set("a", &secret("x-x-x-x")).unwrap_err(),
        ] {
            assert!(error.to_string().ends_with(expected), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    };
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    check(b"", "it does not begin like one");
    check(
        b"hello, world, this is no key file",
        "it does not begin like one",
    );
    for n_bytes in [8, 9, 20, HEADER_BYTES - 1] {
        check(&good[..n_bytes], "it ends early");
    }
    for n_bytes in [HEADER_BYTES, HEADER_BYTES + 15, good.len() - 1] {
        check(&good[..n_bytes], "its contents were changed or cut off");
    }
    check(
        &changed(8, 2),
        "has version 2, which this program does not know",
    );
    check(&changed(9, 7), "its header makes no sense");
    check(&changed(12, 1), "its header makes no sense");
    check(
        &changed(HEADER_BYTES - 1, !good[HEADER_BYTES - 1]),
        "its contents were changed or cut off",
    );
    check(
        &changed(good.len() - 1, !good[good.len() - 1]),
        "its contents were changed or cut off",
    );
    check(
        &changed(HEADER_BYTES - 30, !good[HEADER_BYTES - 30]),
        "does not open the stored keys",
    );
    fs::write(&path, &good).unwrap();
    assert_eq!(value(&home.store, "a").as_deref(), Some("value-of-a"));
}

#[test]
fn a_costly_header_is_refused_before_it_costs_anything() {
    let home = home(Some(&passphrase("correct horse")));
    let path = home.path(KEYS_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = home.store.unlock(&secret("correct horse")).unwrap_err();
    assert!(
        error.to_string().ends_with("its header makes no sense"),
        "{error}"
    );
}

#[test]
fn missing_and_foreign_key_files_are_told() {
    let home = home(None);
    assert!(matches!(
        home.store.get("a"),
        Err(KeyError::FindKeysFile { .. })
    ));
    assert_eq!(home.store.protection().unwrap(), None);
    home.store.create(&Protection::KeyFile).unwrap();
    home.store.set("a", &secret("value-of-a")).unwrap();
    let path = home.path(KEY_FILE);
    let good = fs::read(&path).unwrap();
    assert_eq!(good.len(), 32);
    for bad in [vec![7; 32], vec![7; 31], Vec::new()] {
        fs::write(&path, bad).unwrap();
        let error = home.store.get("a").unwrap_err();
        assert!(matches!(error, KeyError::OpenWithKeyFile { .. }), "{error}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        home.store.get("a"),
        Err(KeyError::FindKeyFile { .. })
    ));
    assert!(matches!(
        home.store.create(&Protection::KeyFile),
        Err(KeyError::FindKeyFile { .. })
    ));
    assert!(!path.exists());
}

#[test]
fn a_key_file_without_keys_is_kept_for_a_backup_that_needs_it() {
    let home = home(Some(&Protection::KeyFile));
    home.store.set("a", &secret("value-of-a")).unwrap();
    let backup = fs::read(home.path(KEYS_FILE)).unwrap();
    fs::remove_file(home.path(KEYS_FILE)).unwrap();
    home.store.create(&Protection::KeyFile).unwrap();
    assert_eq!(value(&home.store, "a"), None);
    fs::write(home.path(KEYS_FILE), backup).unwrap();
    assert_eq!(value(&home.store, "a").as_deref(), Some("value-of-a"));
}

#[test]
fn an_existing_file_is_not_locked_anew_by_creating_it() {
    let home = home(Some(&passphrase("correct horse")));
    let check = |protection: &Protection, expected: &str| {
        let error = home.again().create(protection).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        &Protection::KeyFile,
        "the encrypted key file exists and is locked by a passphrase",
    );
    check(&passphrase("another horse"), "the passphrase is wrong");
    home.again().create(&passphrase("correct horse")).unwrap();
}

#[test]
fn files_that_are_not_ours_alone_are_refused() {
    let home = home(Some(&Protection::KeyFile));
    let elsewhere = tempfile::tempdir().unwrap();
    for name in [KEYS_FILE, KEY_FILE] {
        let path = home.path(name);
        let check = |expected: &str| {
            for error in [
                home.store.get("a").map(drop).unwrap_err(),
                home.store.set("a", &secret("x-x-x-x")).unwrap_err(),
            ] {
                let expected = format!(
                    "{} is not safe to keep keys in: it {expected}",
                    path.display()
                );
                assert_eq!(error.to_string(), expected);
            }
        };
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        check("can be opened by other accounts");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let moved = elsewhere.path().join(name);
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        check("is a symbolic link");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        check("is no regular file");
        fs::remove_dir(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
        assert_eq!(value(&home.store, "a"), None);
    }
}

#[test]
fn a_half_written_file_of_a_crash_does_no_harm() {
    let home = home(Some(&Protection::KeyFile));
    fs::write(home.path(".keys.enc.tmp"), "half").unwrap();
    home.store.set("a", &secret("value-of-a")).unwrap();
    assert_eq!(home.files(), ["keys.enc", "keys.key"]);
    assert_eq!(value(&home.again(), "a").as_deref(), Some("value-of-a"));
}
