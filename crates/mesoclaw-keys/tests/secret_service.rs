//! The Secret Service for real: a D-Bus session with `gnome-keyring-daemon`, with a locked one, with
//! a bus that never answers, and without any.
//!
//! The address of the bus is a variable of the process, so each scene is a child: this program
//! again, with `scene` as the only test and the name of the scene in a variable.
#![cfg(all(unix, not(target_os = "macos")))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program"
)]

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mesoclaw_api::Secret;
use mesoclaw_keys::{
    Backend, KeyError, KeyName, KeyStore, KeyStoreOptions, KeyringFailure, Protection, Target,
};

const SCENE: &str = "MESOCLAW_KEYS_SCENE";
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// A session of its own that has a keyring with the password `pw`.
const UNLOCKED: &str = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\"";

/// The bus starts the keyring when it is asked for, and nobody has unlocked it.
const LOCKED: &str = "exec \"$0\" \"$@\"";

/// The command with a home of its own, a scene to play and no bus.
fn prepare(mut command: Command, scene: &str, home: &Path) -> Command {
    command
        .env(SCENE, scene)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL")
        .env_remove(BUS)
        .stdin(Stdio::null());
    command
}

fn play_alone(scene: &str, bus: Option<&str>) {
    let home = tempfile::tempdir().unwrap();
    let program = Command::new(std::env::current_exe().unwrap());
    let mut command = prepare(program, scene, home.path());
    command.args(["--exact", "scene", "--nocapture"]);
    if let Some(bus) = bus {
        command.env(BUS, bus);
    }
    assert_played(scene, &command.output().unwrap());
}

fn play_in_session(scene: &str, script: &str) {
    let home = tempfile::tempdir().unwrap();
    let mut command = prepare(Command::new("dbus-run-session"), scene, home.path());
    command.args(["--", "sh", "-c", script]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "scene", "--nocapture"]);
    let output = command.output();
    let output =
        output.expect("dbus-run-session runs: install the packages dbus and gnome-keyring");
    assert_played(scene, &output);
}

fn assert_played(scene: &str, output: &Output) {
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let was_played = shown.contains(&played(scene));
    assert!(output.status.success() && was_played, "{scene}: {shown}");
}

fn played(scene: &str) -> String {
    format!("scene {scene} played")
}

#[test]
fn a_keyring_keeps_rotates_lists_moves_and_forgets_keys() {
    play_in_session("keeps", UNLOCKED);
}

#[test]
fn a_keyring_that_was_restarted_is_found_again() {
    play_in_session("restarted", UNLOCKED);
}

#[test]
fn a_locked_keyring_is_a_clear_error() {
    play_in_session("locked", LOCKED);
}

#[test]
fn a_session_without_a_bus_is_a_clear_error() {
    play_alone("without_bus", None);
    play_alone("without_bus", Some("unix:path=/nonexistent/bus"));
    play_alone("without_bus", Some("nonsense"));
}

#[test]
fn a_bus_that_never_answers_is_given_up() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("bus");
    let listener = UnixListener::bind(&path).unwrap();
    play_alone("silent", Some(&format!("unix:path={}", path.display())));
    drop(listener);
}

/// Plays the scene it is asked for; there is none when all tests run.
#[test]
fn scene() {
    let Ok(scene) = std::env::var(SCENE) else {
        return;
    };
    match scene.as_str() {
        "keeps" => keeps(),
        "restarted" => restarted(),
        "locked" => locked(),
        "without_bus" => without_bus(),
        "silent" => silent(),
        other => panic!("no scene {other}"),
    }
    println!("{}", played(&scene));
}

fn store(directory: &Path) -> KeyStore {
    KeyStore::open(KeyStoreOptions::new(directory))
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn value(store: &KeyStore, key: &str) -> Option<String> {
    let found = store.get(&name(key)).unwrap();
    found.map(|value| value.expose().clone())
}

fn keeps() {
    let home = tempfile::tempdir().unwrap();
    let (store, other) = (store(home.path()), store(home.path()));
    let status = store.status();
    assert!(status.works(), "{status:?}");
    assert_eq!(status.backend, Backend::Keyring);
    assert_eq!(store.names().unwrap(), []);
    let keys = ["api_key:openai", "channel:telegram:token"];
    for value_now in ["first-value", "second-välue\n"] {
        for key in keys {
            store.set(&name(key), &secret(value_now)).unwrap();
            assert_eq!(value(&other, key).as_deref(), Some(value_now));
        }
    }
    assert_eq!(other.names().unwrap(), keys.map(name));
    assert_eq!(value(&store, "api_key:absent"), None);

    let moved = store.migrate(&Target::File(Protection::KeyFile)).unwrap();
    assert_eq!(
        (moved.to, moved.moved),
        (Backend::File, keys.map(name).to_vec())
    );
    assert_eq!(value(&other, keys[0]).as_deref(), Some("second-välue\n"));
    other.choose(&Target::Keyring).unwrap();
    assert_eq!(other.names().unwrap(), []);
    other.choose(&Target::File(Protection::KeyFile)).unwrap();
    let moved = other.migrate(&Target::Keyring).unwrap();
    assert_eq!(
        (moved.to, moved.moved),
        (Backend::Keyring, keys.map(name).to_vec())
    );

    assert_eq!(value(&store, keys[1]).as_deref(), Some("second-välue\n"));
    assert!(store.delete(&name(keys[0])).unwrap());
    assert!(!store.delete(&name(keys[0])).unwrap());
    assert_eq!(value(&other, keys[0]), None);
    assert_eq!(other.names().unwrap(), [name(keys[1])]);
}

fn restarted() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    store.set(&name("a"), &secret("value-a")).unwrap();
    let mut keyring = Command::new("gnome-keyring-daemon");
    keyring.args(["--replace", "--unlock", "--components=secrets"]);
    let mut keyring = keyring
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    keyring.stdin.take().unwrap().write_all(b"pw").unwrap();
    assert!(keyring.wait().unwrap().success());
    assert_eq!(value(&store, "a").as_deref(), Some("value-a"));
}

fn locked() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let begin = Instant::now();
    let problem = store.status().problem.unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
    let failure = failure(&problem);
    let is_clear = matches!(
        failure,
        KeyringFailure::Unlock(_) | KeyringFailure::Answer { .. }
    );
    assert!(is_clear, "{problem:?}");
    assert_hints(&problem);
    assert_nothing_kept(home.path());
}

fn without_bus() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let begin = Instant::now();
    for problem in [
        store.set(&name("a"), &secret("value-a")).unwrap_err(),
        store.get(&name("a")).unwrap_err(),
        store.status().problem.unwrap(),
    ] {
        assert!(
            matches!(failure(&problem), KeyringFailure::Connect(_)),
            "{problem:?}"
        );
        assert_hints(&problem);
    }
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert_nothing_kept(home.path());

    // The way out that the error names.
    store.choose(&Target::File(Protection::KeyFile)).unwrap();
    store.set(&name("a"), &secret("value-a")).unwrap();
    assert_eq!(value(&store, "a").as_deref(), Some("value-a"));
}

fn silent() {
    let home = tempfile::tempdir().unwrap();
    let mut options = KeyStoreOptions::new(home.path());
    assert_eq!(options.keyring_limit, Duration::from_secs(10));
    options.keyring_limit = Duration::from_millis(200);
    let store = KeyStore::open(options);
    let problem = store.get(&name("a")).unwrap_err();
    let expected = "no answer within 200 ms; if a prompt to unlock the keyring is open, answer it";
    assert_eq!(failure(&problem).to_string(), expected);
    assert_hints(&problem);
}

fn failure(problem: &KeyError) -> &KeyringFailure {
    match problem {
        KeyError::UseKeyring { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

fn assert_hints(problem: &KeyError) {
    let hint = problem.hint().unwrap();
    for command in [
        "`mesoclaw key store file --passphrase`",
        "`mesoclaw key store file`",
    ] {
        assert!(hint.contains(command), "{hint}");
    }
}

fn assert_nothing_kept(directory: &Path) {
    let files = std::fs::read_dir(directory).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["keystore.lock"]);
}
