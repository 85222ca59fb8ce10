//! Goals that are counts: they hold on every machine, so they may fail a build.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, Script};

use crate::fixture::program;
use crate::process::{Stdin, command, run};
use crate::tree;

/// Bytes the request for "hello" may have, without and with what a model is told of tools.
const MOST_REQUEST_BYTES: [(&str, usize); 2] = [("never", 2_000), ("always", 8_000)];
/// Time in which an idle daemon may not wake up.
const IDLE: Duration = Duration::from_secs(3);
/// Crates in the normal and build tree of the program.
const MOST_CRATES: usize = 370;

#[test]
fn hello_is_one_small_request() {
    for (tools, most_bytes) in MOST_REQUEST_BYTES {
        let server = ModelServer::start_blocking(Script::text("Hi."));
        let home = TestHome::new();
        home.use_model_server(&server);
        command(&home, &["config", "set", "agent_tools", tools]).assert_ok();
        run(&home, &[], Stdin::Text("hello")).assert_ok();
        let requests = server.requests();
        let sizes: Vec<usize> = requests.iter().map(|request| request.body_bytes).collect();
        assert_eq!(sizes.len(), 1, "{sizes:?}");
        assert!(sizes[0] <= most_bytes, "{tools}: {sizes:?}");
    }
}

#[test]
fn an_idle_daemon_never_wakes_up() {
    let home = TestHome::new();
    let daemon = DaemonProcess::start(program(), &home);
    // What starting still does ends when the count stands still.
    let count = || daemon.switches().voluntary;
    let mut before = count();
    crate::fixture::until("the end of what starting does", || {
        pause(Duration::from_millis(200));
        let now = count();
        let is_still = now == before;
        before = now;
        is_still.then_some(())
    });
    pause(IDLE);
    assert_eq!(count(), before, "voluntary context switches");
}

#[test]
fn the_tree_stays_lean() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-p", "mesoclaw-cli"])
        .args(["-e", "normal,build", "--prefix", "none", "-f", "{p}"])
        .current_dir(tree::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut crates: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.len() > 100, "the tree was read: {}", crates.len());
    assert!(crates.len() <= MOST_CRATES, "{} crates", crates.len());
}

/// Lets time pass: here the passing itself is what is tested.
fn pause(time: Duration) {
    let (_keep, never) = mpsc::sync_channel::<()>(1);
    assert!(never.recv_timeout(time).is_err());
}
