//! The lock of the daemon.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use mesoclaw_api::Timestamp;
use mesoclaw_ipc::{DaemonLock, Found, LockError, LockInfo, lock};

fn info(pid: u32) -> LockInfo {
    LockInfo {
        pid,
        started_at: Timestamp::from_unix_ms(1_700_000_000_000),
        socket: PathBuf::from("/run/somewhere/daemon.sock"),
        version: "0.1.0".to_owned(),
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn one_handle_has_the_lock_and_the_other_learns_who() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("daemon.lock");
    assert_eq!((lock::read(&path), lock::holder(&path)), (None, None));

    let held = DaemonLock::acquire(&path, &info(7)).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(lock::read(&path), Some(info(7)));
    assert_eq!(lock::holder(&path), Some(info(7)));
    let error = DaemonLock::acquire(&path, &info(8)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "another daemon runs on this data: pid 7, version 0.1.0, started 2023-11-14T22:13:20.000Z, \
         at /run/somewhere/daemon.sock"
    );
    assert!(matches!(error, LockError::Held { info: Some(held) } if held == info(7)));

    drop(held);
    assert_eq!((lock::read(&path), lock::holder(&path)), (None, None));
    assert_eq!(path.metadata().unwrap().len(), 0);
    let held = DaemonLock::acquire(&path, &info(8)).unwrap();
    assert_eq!(lock::holder(&path), Some(info(8)));
    drop(held);
}

#[test]
fn the_file_of_a_dead_daemon_is_taken_over_and_made_private() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("daemon.lock");
    let long_dead = serde_json::to_string(&info(1)).unwrap() + &" ".repeat(1000);
    std::fs::write(&path, long_dead).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(lock::read(&path), Some(info(1)));
    assert_eq!(lock::holder(&path), None);
    let _held = DaemonLock::acquire(&path, &info(9)).unwrap();
    assert_eq!(lock::read(&path), Some(info(9)));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_removed_lock_file_keeps_nobody_out_and_a_new_one_does() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("daemon.lock");
    let first = DaemonLock::acquire(&path, &info(7)).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(lock::holder(&path), None);
    let _second = DaemonLock::acquire(&path, &info(8)).unwrap();
    drop(first);
    assert_eq!(lock::holder(&path), Some(info(8)));
}

#[test]
fn other_things_at_the_path_are_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name);
    std::fs::write(place("target"), "precious").unwrap();
    symlink(place("target"), place("link")).unwrap();
    symlink(place("nothing"), place("dangling")).unwrap();
    std::fs::create_dir(place("dir")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let mut cases = vec![
        ("link", Found::Symlink),
        ("dangling", Found::Symlink),
        ("dir", Found::Directory),
        ("pipe", Found::Special),
    ];
    if rustix::process::geteuid().is_root() {
        std::fs::write(place("foreign"), "").unwrap();
        std::os::unix::fs::chown(place("foreign"), Some(65534), None).unwrap();
        cases.push(("foreign", Found::OfUser(65534)));
    }
    for (name, expected) in cases {
        let error = DaemonLock::acquire(&place(name), &info(1)).unwrap_err();
        assert!(
            matches!(error, LockError::NotOurs { found, .. } if found == expected),
            "{name}: {error:?}"
        );
        assert_eq!(lock::read(&place(name)), None, "{name}");
        assert_eq!(lock::holder(&place(name)), None, "{name}");
    }
    assert_eq!(
        std::fs::read_to_string(place("target")).unwrap(),
        "precious"
    );
    assert!(!place("nothing").exists());
}
