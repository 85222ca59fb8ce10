//! Starting the daemon from a client. The daemon is this test program, started again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mesoclaw_api::Timestamp;
use mesoclaw_api::ops::daemon::{DaemonShutdown, ShutdownParams};
use mesoclaw_ipc::{
    Client, DaemonLock, Endpoint, IpcError, LockInfo, ServerOptions, StartPlan, connect_or_start,
    lock, serve,
};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::service::{TestService, options, until};

const HOME: &str = "TEST_DAEMON_HOME";
const SAYS: &str = "TEST_DAEMON_SAYS";

fn info(home: &Path) -> LockInfo {
    LockInfo {
        pid: std::process::id(),
        started_at: Timestamp::now(),
        socket: home.join("run/daemon.sock"),
        version: "1.2.3".to_owned(),
    }
}

/// Not a test by itself: the daemon the tests below start.
#[tokio::test]
async fn daemon_program() {
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    if let Some(last_words) = std::env::var_os(SAYS) {
        panic!("{}", last_words.display());
    }
    let home = Path::new(&home);
    let _lock = DaemonLock::acquire(&home.join("daemon.lock"), &info(home))
        .unwrap_or_else(|error| panic!("{error}"));
    let listener = Endpoint::new(home.join("run/daemon.sock")).bind().unwrap();
    let service = Arc::new(TestService::default());
    let tracker = TaskTracker::new();
    let stop = service.stop.clone();
    let serving = serve(
        listener,
        service,
        ServerOptions::default(),
        stop,
        tracker.clone(),
    );
    // Whatever becomes of the test that started it, it does not stay for ever.
    tokio::select! {
        () = serving => {}
        () = until_gone(home.join("daemon.lock")) => {}
    }
    tracker.close();
    tracker.wait().await;
}

async fn until_gone(path: PathBuf) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while path.exists() {
        ticks.tick().await;
    }
}

fn plan(home: &TempDir) -> StartPlan {
    let home = home.path();
    StartPlan {
        endpoint: Endpoint::new(home.join("run/daemon.sock")),
        lock_file: home.join("daemon.lock"),
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "autostart::daemon_program", "--nocapture"]
            .map(OsString::from)
            .to_vec(),
        env: vec![
            (HOME.into(), home.into()),
            ("RUST_BACKTRACE".into(), "0".into()),
        ],
        withheld_env: Vec::new(),
        log_file: Some(home.join("daemon.log")),
        timeout: Duration::from_secs(10),
    }
}

async fn stop(client: &Client, plan: &StartPlan) {
    client
        .call::<DaemonShutdown>(ShutdownParams::default())
        .await
        .unwrap();
    until(|| lock::holder(&plan.lock_file).is_none()).await;
}

#[tokio::test]
async fn a_daemon_is_started_once_and_found_again() {
    let home = tempfile::tempdir().unwrap();
    let plan = plan(&home);
    let (client, hello, is_started) = connect_or_start(&plan, options()).await.unwrap();
    assert!(is_started);
    assert_ne!(hello.pid, std::process::id());
    let (_, again, is_started) = connect_or_start(&plan, options()).await.unwrap();
    assert_eq!((again, is_started), (hello.clone(), false));

    // The lock file says where to go, whatever the client believes.
    let elsewhere = StartPlan {
        endpoint: Endpoint::new(home.path().join("elsewhere.sock")),
        ..plan.clone()
    };
    let (_, again, is_started) = connect_or_start(&elsewhere, options()).await.unwrap();
    assert_eq!((again, is_started), (hello, false));
    stop(&client, &plan).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_race_end_up_at_one_daemon() {
    let home = tempfile::tempdir().unwrap();
    let plan = plan(&home);
    let tracker = TaskTracker::new();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let plan = plan.clone();
            tracker.spawn(async move { connect_or_start(&plan, options()).await })
        })
        .collect();
    let mut clients = Vec::new();
    for task in tasks {
        clients.push(task.await.unwrap().unwrap());
    }
    let (client, hello, _) = &clients[0];
    let mut n_started = 0;
    for (_, other, is_started) in &clients {
        assert_eq!(other, hello);
        n_started += u32::from(*is_started);
    }
    assert_eq!(n_started, 1);
    assert_eq!(lock::holder(&plan.lock_file).unwrap().pid, hello.pid);
    stop(client, &plan).await;
}

#[tokio::test]
async fn leftovers_of_a_killed_daemon_are_no_obstacle() {
    let home = tempfile::tempdir().unwrap();
    let plan = plan(&home);
    std::fs::create_dir(home.path().join("run")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(plan.endpoint.path()).unwrap());
    let text = serde_json::to_string(&info(home.path())).unwrap();
    std::fs::write(&plan.lock_file, text).unwrap();
    let (client, hello, is_started) = connect_or_start(&plan, options()).await.unwrap();
    assert!(is_started);
    assert_eq!(lock::holder(&plan.lock_file).unwrap().pid, hello.pid);
    stop(&client, &plan).await;
}

#[tokio::test]
async fn a_daemon_that_ends_at_once_is_an_error_with_its_last_words() {
    let home = tempfile::tempdir().unwrap();
    let mut plan = plan(&home);
    std::fs::write(home.path().join("daemon.log"), "words of yesterday\n").unwrap();
    plan.env.push((SAYS.into(), "the config is bad".into()));
    let error = connect_or_start(&plan, options()).await.unwrap_err();
    let IpcError::StartFailed { status, log_tail } = error else {
        panic!("{error:?}");
    };
    assert_eq!(status.code(), Some(101));
    assert!(log_tail.contains("the config is bad"), "{log_tail}");
    assert!(!log_tail.contains("yesterday"), "{log_tail}");
}

#[tokio::test]
async fn a_daemon_that_never_listens_is_an_error_after_the_timeout() {
    let home = tempfile::tempdir().unwrap();
    let mut plan = plan(&home);
    plan.timeout = Duration::from_millis(100);
    // Somebody holds the lock and does not listen; no second daemon is started beside it.
    let _lock = DaemonLock::acquire(&plan.lock_file, &info(home.path())).unwrap();
    let error = connect_or_start(&plan, options()).await;
    assert!(
        matches!(error, Err(IpcError::StartTimeout { .. })),
        "{error:?}"
    );
    assert!(!home.path().join("daemon.log").exists());
}

#[tokio::test]
async fn a_program_that_is_not_there_and_a_log_that_is_a_link_are_errors() {
    let home = tempfile::tempdir().unwrap();
    let missing = StartPlan {
        program: home.path().join("no-such-program"),
        ..plan(&home)
    };
    let error = connect_or_start(&missing, options()).await;
    assert!(matches!(error, Err(IpcError::Start { .. })), "{error:?}");

    let target = home.path().join("target");
    std::fs::remove_file(home.path().join("daemon.log")).unwrap();
    std::os::unix::fs::symlink(&target, home.path().join("daemon.log")).unwrap();
    let error = connect_or_start(&plan(&home), options()).await;
    assert!(matches!(error, Err(IpcError::OpenLog { .. })), "{error:?}");
    assert!(!target.exists());
}

#[tokio::test]
async fn a_second_daemon_ends_and_names_the_first() {
    let home = tempfile::tempdir().unwrap();
    let plan = plan(&home);
    let (client, hello, _) = connect_or_start(&plan, options()).await.unwrap();
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).envs(plan.env.clone());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let named = format!("another daemon runs on this data: pid {}", hello.pid);
    assert!(!output.status.success() && text.contains(&named), "{text}");
    stop(&client, &plan).await;
}
