//! Tests of the keyring, on the mock store of `keyring-core`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use keyring_core::mock;

use super::*;

const SERVICE: &str = "test-service";
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn of(store: &Arc<mock::Store>) -> Keyring {
    let store = Arc::clone(store);
    let opener: Opener = Arc::new(move || {
        let store: Arc<CredentialStore> = store.clone();
        Ok(store)
    });
    Keyring::new(SERVICE, LONG, opener)
}

fn entry(store: &Arc<mock::Store>, name: &str) -> Entry {
    let store: Arc<CredentialStore> = store.clone();
    store.build(SERVICE, name, None).unwrap()
}

fn fail_next(store: &Arc<mock::Store>, name: &str, error: Error) {
    let entry = entry(store, name);
    let mock: &mock::Cred = entry.as_any().downcast_ref().unwrap();
    mock.set_error(error);
}

fn names(keyring: &Keyring) -> Vec<String> {
    let names = keyring.names().unwrap();
    names.iter().map(ToString::to_string).collect()
}

fn value(keyring: &Keyring, name: &str) -> Option<String> {
    let found = keyring.get(name).unwrap();
    found.map(|value| value.expose().clone())
}

#[test]
fn keys_are_entries_and_their_names_are_listed_in_one_more() {
    let store = mock::Store::new().unwrap();
    let keyring = of(&store);
    assert_eq!(names(&keyring), [""; 0]);
    for (name, text) in [("b", "value-b"), ("a", "value-a"), ("b", "value-b2")] {
        keyring.set(name, &secret(text)).unwrap();
    }
    assert_eq!(
        entry(&store, INDEX_ENTRY).get_password().unwrap(),
        r#"["a","b"]"#
    );
    assert_eq!(entry(&store, "b").get_password().unwrap(), "value-b2");
    assert_eq!(value(&keyring, "a").as_deref(), Some("value-a"));
    assert_eq!(value(&keyring, "c"), None);
    assert!(keyring.delete("b").unwrap());
    assert!(!keyring.delete("b").unwrap());
    assert_eq!(names(&keyring), ["a"]);
}

#[test]
fn names_of_others_in_the_list_are_kept() {
    let store = mock::Store::new().unwrap();
    let index = entry(&store, INDEX_ENTRY);
    index.set_password(r#"["z z","a","a"]"#).unwrap();
    let keyring = of(&store);
    keyring.set("m", &secret("value-m")).unwrap();
    assert_eq!(names(&keyring), ["a", "m"]);
    assert_eq!(index.get_password().unwrap(), r#"["a","m","z z"]"#);
}

#[test]
fn a_list_that_cannot_be_understood_is_left_alone() {
    let store = mock::Store::new().unwrap();
    let index = entry(&store, INDEX_ENTRY);
    index.set_password("{}").unwrap();
    let error = of(&store).set("a", &secret("value-a")).unwrap_err();
    let failure = KeyringFailure::DecodeIndex;
    assert!(
        matches!(&error, KeyError::UseKeyring { source, .. } if source.to_string() == failure.to_string())
    );
    assert!(error.hint().is_some());
    assert_eq!(index.get_password().unwrap(), "{}");
}

#[test]
fn a_throw_away_entry_is_not_listed() {
    let store = mock::Store::new().unwrap();
    let keyring = of(&store);
    keyring.set(PROBE_ENTRY, &probe_value().unwrap()).unwrap();
    assert!(keyring.delete(PROBE_ENTRY).unwrap());
    assert!(entry(&store, INDEX_ENTRY).get_password().is_err());
}

#[test]
fn errors_say_what_happened_and_carry_no_value() {
    let check = |error: Error, expected: &str| {
        let store = mock::Store::new().unwrap();
        fail_next(&store, "a", error);
        let error = of(&store).get("a").unwrap_err();
        let shown = format!("{error:?} {error}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("104"),
            "{shown}"
        );
        let KeyError::UseKeyring { action, source } = error else {
            panic!("{shown}");
        };
        assert_eq!(
            (action, source.to_string().as_str()),
            ("read a key", expected)
        );
    };
    let why = || -> Box<dyn std::error::Error + Send + Sync> { "why".into() };
    let bytes = || b"hunter2".to_vec();
    check(Error::PlatformFailure(why()), "the keyring refused");
    check(
        Error::NoStorageAccess(why()),
        "the keyring is locked or not set up, and its prompt cannot be shown or was dismissed",
    );
    check(
        Error::BadEncoding(bytes()),
        "the entry in the keyring is not text",
    );
    check(
        Error::BadDataFormat(bytes(), why()),
        "the entry in the keyring is not text",
    );
    check(
        Error::TooLong("password".to_owned(), 2560),
        "the keyring takes at most 2560 characters for one entry",
    );
    check(
        Error::Ambiguous(Vec::new()),
        "the keyring has several entries of this name; remove all but one with its own program",
    );
    check(Error::NoDefaultStore, "the keyring refused");
}

#[test]
fn it_is_opened_at_the_first_call_and_again_when_it_broke() {
    let store = mock::Store::new().unwrap();
    let n_opened = Arc::new(AtomicUsize::new(0));
    let opener: Opener = Arc::new({
        let (store, n_opened) = (Arc::clone(&store), Arc::clone(&n_opened));
        move || {
            // The first time nobody answers.
            if n_opened.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(Error::PlatformFailure("no bus".into()));
            }
            let store: Arc<CredentialStore> = store.clone();
            Ok(store)
        }
    });
    let keyring = Keyring::new(SERVICE, LONG, opener);
    assert_eq!(n_opened.load(Ordering::Relaxed), 0);
    let error = keyring.get("a").unwrap_err();
    assert!(matches!(
        &error,
        KeyError::UseKeyring {
            source: KeyringFailure::Connect(_),
            ..
        }
    ));
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("`mesoclaw key store file --passphrase`"),
        "{hint}"
    );
    assert_eq!(value(&keyring, "a"), None);
    assert_eq!(n_opened.load(Ordering::Relaxed), 2);
    keyring.set("a", &secret("value-a")).unwrap();
    assert_eq!(n_opened.load(Ordering::Relaxed), 2);
    fail_next(
        &store,
        "a",
        Error::PlatformFailure("the session is gone".into()),
    );
    assert_eq!(value(&keyring, "a").as_deref(), Some("value-a"));
    assert_eq!(n_opened.load(Ordering::Relaxed), 3);
}

#[test]
fn a_keyring_that_does_not_answer_is_given_up() {
    let store = mock::Store::new().unwrap();
    let (release, held): (SyncSender<()>, Receiver<()>) = sync_channel(0);
    let held = Mutex::new(held);
    let (tell_end, ended) = sync_channel(8);
    let opener: Opener = Arc::new({
        let store = Arc::clone(&store);
        move || {
            held.lock().unwrap().recv().ok();
            tell_end.send(()).ok();
            let store: Arc<CredentialStore> = store.clone();
            Ok(store)
        }
    });
    let keyring = Keyring::new(SERVICE, SHORT, opener);
    let failure = |keyring: &Keyring| match keyring.set("a", &secret("value-a")) {
        Err(KeyError::UseKeyring { source, .. }) => source.to_string(),
        other => panic!("{other:?}"),
    };
    let no_answer = "no answer within 50 ms; if a prompt to unlock the keyring is open, answer it";
    for _ in 0..4 {
        assert_eq!(failure(&keyring), no_answer);
    }
    let waiting = "earlier calls to the keyring are still waiting; answer its prompt or restart it";
    assert_eq!(failure(&keyring), waiting);
    drop(release);
    for _ in 0..4 {
        ended.recv_timeout(LONG).unwrap();
    }
    // What was reported as failed may have begun, but the next calls work again.
    let deadline = std::time::Instant::now() + LONG;
    while keyring.get("b").is_err() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert_eq!(value(&keyring, "b"), None);
}

#[test]
fn a_panic_in_the_keyring_is_an_error() {
    let opener: Opener = Arc::new(|| panic!("on purpose"));
    let keyring = Keyring::new(SERVICE, LONG, opener);
    for _ in 0..6 {
        let error = keyring.get("a").unwrap_err();
        assert!(
            matches!(
                &error,
                KeyError::UseKeyring {
                    source: KeyringFailure::Run,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}
