//! A daemon that crashes leaves no memory behind, and nobody else may look into a running one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::model_server::{ModelServer, Script};
use rustix::process::Signal;

use super::search::Search;
use super::{Login, keys_of, new_key, well};
use crate::fixture::program;

/// Lets a program leave a core dump as large as the system allows.
const WITH_DUMPS: &str =
    "ulimit -c unlimited 2>/dev/null || ulimit -c \"$(ulimit -Hc)\"; exec \"$@\"";

/// Command in a shell that allows core dumps.
fn with_dumps(login: &Login, args: &[&str]) -> Command {
    let mut command = login.program("sh");
    command.args(["-c", WITH_DUMPS, "sh"]).args(args);
    command
}

/// Where the system puts core dumps, when that is a folder other than the one of the process.
fn dump_folder() -> Option<std::path::PathBuf> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").ok()?;
    let folder = Path::new(pattern.trim()).parent()?;
    folder.is_absolute().then(|| folder.to_owned())
}

fn crash_of(status: ExitStatus) -> (Option<i32>, bool) {
    (status.signal(), status.core_dumped())
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let key = new_key();
    let search = Search::new(&key);
    let login = Login::without_keyring();
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let args = [program().to_str().unwrap(), "daemon", "run"];
    let mut daemon = DaemonProcess::start_command(with_dumps(&login, &args), &login.home);
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["key", "store", "file"]);
    well(login.set_key("openai", &key));
    let ask = ["--model", "openai:gpt-test"];
    well(login.run(&ask, crate::process::Stdin::Text("hello")));
    assert_eq!(keys_of(&server), [Some(key.clone())]);
    for signal in [Signal::ABORT, Signal::QUIT] {
        daemon.signal(signal);
        let status = daemon.wait_for_exit();
        assert_eq!(crash_of(status), (Some(signal.as_raw()), false));
        daemon.restart();
        // The key is in memory again.
        well(login.run(&ask, crate::process::Stdin::Text("hello")));
    }
    let found = |login: &Login| {
        let mut found = search.in_folder(login.home.user_home());
        found.extend(
            dump_folder()
                .iter()
                .flat_map(|folder| search.in_folder(folder)),
        );
        found
    };
    assert_eq!(found(&login), [""; 0]);

    // The same crash of a program that does nothing against it.
    let mut other = with_dumps(&login, &["sh", "-c", "kill -ABRT $$"]);
    let status = other.env("PLANTED", &key).status().unwrap();
    let is_dumped = crash_of(status) == (Some(Signal::ABORT.as_raw()), true);
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if is_dumped && !pattern.starts_with('|') {
        assert_ne!(found(&login), [""; 0], "this machine keeps core dumps");
    }
}

#[test]
fn a_running_daemon_is_closed_to_others() {
    let login = Login::without_keyring();
    let daemon = DaemonProcess::start_command(login.mesoclaw(&["daemon", "run"]), &login.home);
    let owner_of = |pid: u32| {
        let memory = fs::metadata(format!("/proc/{pid}/mem"));
        memory.unwrap().uid()
    };
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let cores = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let cores: Vec<&str> = cores.unwrap().split_whitespace().skip(4).collect();
    assert_eq!(cores, ["0", "0", "bytes"]);
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    assert!(status.contains("CoreDumping:\t0\n"), "{status}");
    // What cannot be dumped belongs to root there, so that no debugger of the same user gets in.
    // For root itself there is no difference to see.
    let me = rustix::process::geteuid().as_raw();
    let expected = if me == 0 { (0, 0) } else { (me, 0) };
    assert_eq!(
        (owner_of(std::process::id()), owner_of(daemon.pid())),
        expected
    );
}
