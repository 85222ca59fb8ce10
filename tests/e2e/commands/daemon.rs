//! `daemon start|stop|restart|status|run|logs`.

use std::path::Path;

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::Script;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};

use crate::fixture::{Fixture, program, until};
use crate::process::{Ran, Running, Stdin, command, mesoclaw, run};

fn is_alive(pid: u64) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    test_kill_process(pid).is_ok()
}

fn status(home: &TestHome) -> (i32, Value) {
    let ran = command(home, &["--json", "daemon", "status"]);
    assert_eq!(ran.stderr, "");
    (ran.code, ran.json())
}

#[test]
fn it_starts_tells_and_really_stops() {
    let home = TestHome::new();
    assert_eq!(status(&home), (3, json!({"running": false})));
    let down = Ran {
        code: 3,
        ..Ran::ok("not running\n")
    };
    assert_eq!(command(&home, &["daemon", "status"]), down);
    let stopped = Ran::ok("the daemon is not running\n");
    assert_eq!(command(&home, &["daemon", "stop"]), stopped);

    let started = command(&home, &["--json", "daemon", "start"]).json();
    assert_eq!(started["started"], true);
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    let pid = started["pid"].as_u64().expect("a pid");
    let again = command(&home, &["daemon", "start"]);
    assert_eq!(again, Ran::ok(format!("runs already (pid {pid})\n")));

    let (code, status_now) = status(&home);
    assert_eq!((code, &status_now["running"]), (0, &json!(true)));
    assert_eq!(status_now["pid"], pid);
    assert_eq!(status_now["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status_now["sessions"], 0);
    assert_eq!(status_now["model_loaded"], Value::Null);
    assert!(status_now["uptime_secs"].is_u64() && status_now["rss_bytes"].is_u64());
    let socket = status_now["socket"].as_str().expect("a socket").to_owned();
    assert!(Path::new(&socket).exists());
    let text = command(&home, &["daemon", "status"]);
    for name in [
        "pid:",
        "version:",
        "uptime:",
        "socket:",
        "memory:",
        "sessions:",
        "model loaded:",
    ] {
        assert!(text.assert_ok().contains(name), "{name} in {text:?}");
    }

    let ran = command(&home, &["daemon", "stop"]);
    assert_eq!(ran, Ran::ok(format!("stopped (pid {pid})\n")));
    until("end of the process", || (!is_alive(pid)).then_some(()));
    assert!(!Path::new(&socket).exists());
    assert_eq!(status(&home).0, 3);
}

#[test]
fn a_restart_is_another_process() {
    let home = TestHome::new();
    let pid = |args: &[&str]| command(&home, args).json()["pid"].as_u64().expect("a pid");
    let first = pid(&["--json", "daemon", "start"]);
    let second = pid(&["--json", "daemon", "restart"]);
    assert_ne!(first, second);
    until("end of the process", || (!is_alive(first)).then_some(()));
    assert_eq!(status(&home).1["pid"], second);
    assert_eq!(status(&home).1["was_last_stop_clean"], true);
    command(&home, &["daemon", "stop"]);
    // One that does not run is started.
    let third = pid(&["--json", "daemon", "restart"]);
    assert_eq!(status(&home).1["pid"], third);
}

#[test]
fn a_stop_ends_one_that_does_not_answer() {
    let fixture = Fixture::start(Script::default());
    let Fixture { daemon, home, .. } = fixture;
    // Nobody can connect any more, but the lock tells who runs.
    std::fs::remove_file(daemon.endpoint().path()).unwrap();
    let pid = daemon.pid();
    let ran = command(&home, &["daemon", "stop"]);
    assert_eq!(
        (ran.code, ran.stdout),
        (0, format!("stopped (pid {pid})\n"))
    );
    assert!(ran.stderr.contains("sending SIGTERM"), "{}", ran.stderr);
}

#[test]
fn a_second_daemon_names_the_first() {
    let fixture = Fixture::start(Script::default());
    let ran = command(&fixture.home, &["daemon", "run"]);
    assert_ne!(ran.code, 0);
    let pid = fixture.daemon.pid().to_string();
    assert!(ran.stderr.contains(&pid), "{ran:?}");
}

#[test]
fn settings_of_run_win_over_file_and_environment() {
    let home = TestHome::new();
    home.write_config("agent_max_turns = 3\n");
    let mut run_command = mesoclaw(&home, &["daemon", "run", "--set", "agent_max_turns=5"]);
    run_command.env("MESOCLAW_AGENT_MAX_TURNS", "4");
    run_command.env("MESOCLAW_LOG_LEVEL", "debug");
    let _daemon = DaemonProcess::start_command(run_command, &home);
    assert_eq!(
        command(&home, &["config", "get", "agent_max_turns"]),
        Ran::ok("5\n")
    );
    assert_eq!(
        command(&home, &["config", "get", "log_level"]),
        Ran::ok("debug\n")
    );
}

#[test]
fn wrong_settings_of_run_are_refused() {
    let rows: [(&str, &str); 3] = [
        ("agent_max_turn=5", "agent_max_turns"),
        ("agent_max_turns=banana", "banana"),
        ("agent_max_turns", "is not KEY=VALUE"),
    ];
    for (setting, part) in rows {
        let home = TestHome::new();
        command(&home, &["daemon", "run", "--set", setting]).assert_error(2, &[part]);
        assert_eq!(mesoclaw_ipc::lock::holder(&home.lock_file()), None);
    }
}

#[test]
fn logs_are_printed_and_followed() {
    let home = TestHome::new();
    let none = command(&home, &["daemon", "logs"]);
    none.assert_error(0, &["there is no log in"]);
    command(&home, &["daemon", "start"]);
    let ran = command(&home, &["daemon", "logs", "-n", "1"]);
    assert_eq!(ran.assert_ok().lines().count(), 1);
    let ran = command(&home, &["daemon", "logs"]);
    assert!(ran.assert_ok().contains("INFO"), "{ran:?}");

    let follower = Running::start(&mut mesoclaw(&home, &["daemon", "logs", "-f"]), Stdin::Null);
    follower.wait_for_stdout("INFO");
    let before = follower.stdout().len();
    command(&home, &["daemon", "stop"]);
    until("more of the log", || {
        (follower.stdout().len() > before).then_some(())
    });
}

#[test]
fn logs_hold_neither_prompts_nor_answers_nor_keys() {
    let home = TestHome::new();
    let server = mesoclaw_testkit::model_server::ModelServer::start_blocking(Script {
        api_key: Some("sk-very-secret".to_owned()),
        ..Script::text("confidential answer")
    });
    home.write_config(&format!(
        "provider_name = \"test\"\nprovider_base_url = \"{}\"\n\
         provider_model_id = \"m\"\nprovider_api_key_env = \"TEST_KEY\"\nlog_level = \"trace\"\n",
        server.base_url()
    ));
    let mut start = mesoclaw(&home, &["daemon", "start"]);
    start.env("TEST_KEY", "sk-very-secret");
    assert_eq!(Running::start(&mut start, Stdin::Null).finish().code, 0);
    let ran = run(&home, &[], Stdin::Text("confidential question"));
    assert_eq!(ran, Ran::ok("confidential answer\n"));
    let mut printed = command(&home, &["daemon", "logs", "-n", "100000"]).stdout;
    for args in [
        &["config", "show", "--origin"][..],
        &["--json", "config", "show"],
        &["--json", "provider", "list"],
        &["--json", "doctor"],
        &["--json", "daemon", "status"],
    ] {
        let ran = command(&home, args);
        printed.push_str(&ran.stdout);
        printed.push_str(&ran.stderr);
    }
    assert!(printed.contains("TEST_KEY"), "the name may be seen");
    assert!(!printed.contains("sk-very-secret"));
    assert!(!printed.contains("confidential"));
}

#[test]
fn the_program_is_found_beside_itself() {
    let home = TestHome::new();
    let mut bare = std::process::Command::new(program());
    // Without a PATH, and from another directory, by a relative home.
    bare.env_clear()
        .env("HOME", home.user_home())
        .env("MESOCLAW_HOME", "m")
        .current_dir(home.user_home())
        .args(["--json", "daemon", "start"]);
    let ran = Running::start(&mut bare, Stdin::Null).finish();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(status(&home).1["pid"], ran.json()["pid"]);
}

#[test]
fn a_daemon_can_be_seen_and_stopped_after_its_configuration_broke() {
    let home = TestHome::new();
    command(&home, &["daemon", "start"]).assert_ok();
    std::fs::write(home.config_file(), "log_level = 5\n").unwrap();
    let seen = command(&home, &["daemon", "status"]);
    assert_eq!(seen.code, 0, "{seen:?}");
    assert!(seen.stderr.contains("log_level"), "{seen:?}");
    let stopped = command(&home, &["daemon", "stop"]);
    assert!(stopped.stdout.starts_with("stopped (pid "), "{stopped:?}");
    assert_eq!(command(&home, &["daemon", "stop"]).code, 2);
}
