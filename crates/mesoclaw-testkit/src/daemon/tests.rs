//! The harness with a stand-in for the daemon: this test program, run again as one of its tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mesoclaw_api::Timestamp;
use mesoclaw_ipc::{DaemonLock, LockInfo};
use serde_json::{Value, json};

use super::*;

/// Set where this program is the stand-in; its value is the lock file.
const STAND_IN: &str = "TESTKIT_STAND_IN";

fn stand_in(home: &TestHome) -> Command {
    let mut command = home.mesoclaw(&std::env::current_exe().unwrap());
    command
        .args(["--exact", "daemon::tests::acts_as_a_daemon_when_asked"])
        .arg("--nocapture")
        .env(STAND_IN, home.lock_file());
    command
}

#[test]
fn acts_as_a_daemon_when_asked() {
    let Some(lock_file) = std::env::var_os(STAND_IN).map(PathBuf::from) else {
        return;
    };
    let run = lock_file.with_file_name("run");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&run)
        .unwrap();
    let socket = run.join("s");
    fs::remove_file(&socket).ok();
    let listener = UnixListener::bind(&socket).unwrap();
    let pid = std::process::id();
    let info = LockInfo {
        pid,
        started_at: Timestamp::now(),
        socket,
        version: "0".to_owned(),
    };
    let _lock = DaemonLock::acquire(&lock_file, &info).unwrap();
    println!("the stand-in listens");
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream.unwrap());
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        let hello = json!({"protocol": 1, "version": "0", "pid": pid, "boot_id": "b"});
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": hello});
        // The client may be gone already.
        writeln!(stream.get_mut(), "{answer}").ok();
    }
}

#[test]
fn a_daemon_is_started_measured_killed_and_started_again() {
    let home = TestHome::new();
    let mut daemon = DaemonProcess::start_command(stand_in(&home), &home);
    assert_eq!(daemon.hello().pid, daemon.pid());
    assert!(daemon.output().contains("the stand-in listens"));
    assert!(daemon.rss_bytes() > 100_000 && daemon.peak_rss_bytes() >= daemon.rss_bytes());
    assert!(daemon.cpu_time() < Duration::from_secs(10));
    assert!(daemon.switches().voluntary > 0);
    assert!(daemon.time_to_hello() < LIMIT);

    let first = daemon.pid();
    assert_eq!(daemon.kill9().signal(), Some(9));
    assert!(!daemon.is_running());
    daemon.restart();
    assert!(daemon.is_running() && daemon.pid() != first);
    let second = daemon.pid();
    daemon.restart();
    assert_ne!(daemon.pid(), second);
    assert_eq!(daemon.terminate().signal(), Some(15));
}

#[tokio::test]
async fn a_test_inside_a_runtime_can_start_and_connect() {
    let home = TestHome::new();
    let daemon = DaemonProcess::start_command(stand_in(&home), &home);
    drop(daemon.client(None).await);
}

#[test]
fn a_home_ends_the_daemon_that_others_started_on_it() {
    let home = TestHome::new();
    let mut daemon = DaemonProcess::start_command(stand_in(&home), &home);
    home.kill_daemon();
    assert_eq!(daemon.wait_for_exit().signal(), Some(9));
}

#[test]
fn a_daemon_that_ends_at_once_shows_what_it_said() {
    let home = TestHome::new();
    let mut command = home.command("/bin/sh");
    command.args(["-c", "echo no port left; exit 3"]);
    let failure = catch_unwind(AssertUnwindSafe(|| {
        DaemonProcess::start_command(command, &home)
    }));
    let Err(failure) = failure else {
        panic!("it did not fail");
    };
    assert_eq!(
        failure.downcast_ref::<String>().map(String::as_str),
        Some("the daemon ended at once: exit status: 3; it said:\nno port left\n")
    );
}
