//! The path of the socket: what is made private, what is replaced, what is refused.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::{Client, Endpoint, Found, IpcError};

use crate::service::{Raw, Running, options};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory with modes as asked for, whatever the mask.
fn make_dir(path: &Path, mode: u32) {
    std::fs::create_dir(path).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn make_pipe(path: &Path) {
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, path, fifo, mode, 0).unwrap();
}

#[tokio::test]
async fn directory_and_socket_are_private_and_the_socket_goes_with_the_listener() {
    let home = tempfile::tempdir().unwrap();
    make_dir(&home.path().join("open"), 0o755);
    for dir in ["new", "new/deep/er", "open"] {
        let dir = home.path().join(dir);
        let path = dir.join("daemon.sock");
        let listener = Endpoint::new(path.clone()).bind().unwrap();
        assert_eq!((mode(&dir), mode(&path)), (0o700, 0o600));
        drop(listener);
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_listener_removes_only_its_own_socket() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("daemon.sock");
    let listener = Endpoint::new(path.clone()).bind().unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    drop(listener);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn directories_that_cannot_be_trusted_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name);
    make_dir(&place("target"), 0o700);
    symlink(place("target"), place("link")).unwrap();
    std::fs::write(place("file"), "").unwrap();
    make_dir(&place("shared"), 0o1777);
    let mut cases = vec![
        ("link", Found::Symlink),
        ("file", Found::File),
        ("shared", Found::SharedDirectory),
    ];
    if is_root() {
        make_dir(&place("foreign"), 0o700);
        chown(place("foreign"), Some(65534), None).unwrap();
        cases.push(("foreign", Found::OfUser(65534)));
    }
    for (name, expected) in cases {
        let error = Endpoint::new(place(name).join("daemon.sock")).bind();
        assert!(
            matches!(error, Err(IpcError::UntrustedDirectory { found, .. }) if found == expected),
            "{name}: {error:?}"
        );
    }
    assert_eq!(mode(&place("shared")), 0o1777);
}

#[tokio::test]
async fn other_things_at_the_path_are_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name);
    std::fs::write(place("file"), "precious").unwrap();
    std::fs::create_dir(place("dir")).unwrap();
    make_pipe(&place("pipe"));
    symlink(place("file"), place("link")).unwrap();
    symlink(place("nothing"), place("dangling")).unwrap();
    let _listening = UnixListener::bind(place("listening")).unwrap();
    symlink(place("listening"), place("link-to-socket")).unwrap();
    let mut cases = vec![
        ("file", Found::File),
        ("dir", Found::Directory),
        ("pipe", Found::Special),
        ("link", Found::Symlink),
        ("dangling", Found::Symlink),
        ("link-to-socket", Found::Symlink),
        ("listening", Found::Listening),
    ];
    if is_root() {
        // Nobody listens there, and still it is not ours to remove.
        drop(UnixListener::bind(place("foreign")).unwrap());
        chown(place("foreign"), Some(65534), None).unwrap();
        cases.push(("foreign", Found::OfUser(65534)));
    }
    for (name, expected) in cases {
        let before = std::fs::symlink_metadata(place(name)).unwrap();
        let error = Endpoint::new(place(name)).bind();
        assert!(
            matches!(error, Err(IpcError::Occupied { found, .. }) if found == expected),
            "{name}: {error:?}"
        );
        let after = std::fs::symlink_metadata(place(name)).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));

        // A client does not talk to it either. (Whoever listens as this user is a daemon to it.)
        if expected != Found::Listening {
            let error = Client::connect(&Endpoint::new(place(name)), options()).await;
            assert!(
                matches!(error, Err(IpcError::NotOurs { found, .. }) if found == expected),
                "{name}: {error:?}"
            );
        }
    }
    assert_eq!(std::fs::read_to_string(place("file")).unwrap(), "precious");
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(home.path().join("daemon.sock"));
    drop(UnixListener::bind(endpoint.path()).unwrap());
    assert!(endpoint.path().exists());
    let absent = endpoint.connect().await;
    assert!(matches!(absent, Err(IpcError::Absent { .. })), "{absent:?}");
    let listener = endpoint.bind().unwrap();
    let (accepted, connected) = tokio::join!(listener.accept(), endpoint.connect());
    assert!(accepted.is_ok() && connected.is_ok());
}

#[tokio::test]
async fn a_running_daemon_is_not_replaced() {
    let running = Running::start();
    let error = running.endpoint.bind().unwrap_err();
    let path = running.path().display();
    assert_eq!(
        error.to_string(),
        format!("could not listen at {path}: another program listens there")
    );
    Raw::greeted(&running).await;
}

#[tokio::test]
async fn where_nobody_listens_the_error_says_how_to_start() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("none/daemon.sock");
    let error = Client::connect(&Endpoint::new(path.clone()), options()).await;
    let expected = ApiError::new(
        ErrorCode::Unreachable,
        format!("no daemon listens at {}", path.display()),
    )
    .with_hint("start it with `mesoclaw daemon start`");
    assert_eq!(ApiError::from(error.unwrap_err()), expected);
}

#[tokio::test]
async fn a_path_too_long_for_the_system_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(home.path().join("x".repeat(120)));
    let error = endpoint.bind();
    assert!(matches!(error, Err(IpcError::Bind { .. })), "{error:?}");
}

/// Not a test by itself: the client of another user, started by the one below.
#[test]
fn foreign_client() {
    use std::io::{Read, Write};
    let Some(path) = std::env::var_os("TEST_FOREIGN_CLIENT") else {
        return;
    };
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.write_all(b"hello\n").ok();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).ok();
    assert_eq!(said, b"");
    println!("closed without a word");
}

#[tokio::test]
async fn another_user_is_closed_without_a_word() {
    // Another user can only be tried by root; `peer.rs` tests the decision for everybody.
    if !is_root() {
        return;
    }
    let running = Running::start();
    // As open as can be: the check of the user is what is left.
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    open(running.home.path(), 0o755);
    open(running.path().parent().unwrap(), 0o755);
    open(running.path(), 0o666);
    let program = running.home.path().join("client");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open(&program, 0o755);
    let mut command = Command::new(program);
    command
        .args(["--exact", "endpoint::foreign_client", "--nocapture"])
        .env("TEST_FOREIGN_CLIENT", running.path())
        .current_dir("/")
        .uid(65534)
        .gid(65534);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("closed without a word"), "{output:?}");
    assert_eq!(running.stats.clients(), 0);
}
