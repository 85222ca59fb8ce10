//! `doctor`: what it finds, and what it says to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::Script;
use mesoclaw_testkit::pty::Pty;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::process::{command, mesoclaw};

/// The check of this name.
fn check(home: &TestHome, name: &str) -> (i32, Value) {
    let ran = command(home, &["--json", "doctor"]);
    assert_eq!(ran.stderr, "");
    let report = ran.json();
    assert_eq!(report["ok"], ran.code == 0, "{report}");
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name} in {report}"));
    (ran.code, found.clone())
}

fn fix(check: &Value) -> &str {
    check["fix"].as_str().unwrap_or_default()
}

#[test]
fn a_sound_installation_is_ok() {
    let fixture = Fixture::start(Script::default());
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(fixture.home.config_file(), private).unwrap();
    let ran = command(&fixture.home, &["doctor"]);
    let text = ran.assert_ok();
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    for name in [
        "configuration:",
        "data folder:",
        "runtime folder:",
        "database file:",
        "daemon lock:",
        "database:",
        "model:",
        "daemon:",
        "terminal:",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
    let pid = fixture.daemon.pid();
    assert!(
        text.contains(&format!("daemon: answers: pid {pid}")),
        "{text}"
    );
    let (code, daemon) = check(&fixture.home, "daemon");
    assert_eq!((code, &daemon["status"]), (0, &"ok".into()));
}

#[test]
fn without_a_daemon_it_works_too() {
    let home = TestHome::new();
    let (code, model) = check(&home, "model");
    assert_eq!((code, &model["status"]), (1, &"problem".into()));
    assert!(fix(&model).contains("mesoclaw setup --local"), "{model}");
    assert_eq!(check(&home, "daemon").1["status"], "ok");
    // Looking leaves no daemon behind.
    assert_eq!(mesoclaw_ipc::lock::holder(&home.lock_file()), None);
}

#[test]
fn open_rights_are_told() {
    let fixture = Fixture::start(Script::default());
    let home = &fixture.home;
    let open = |path: &std::path::Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&home.data_dir(), 0o755);
    let (code, data) = check(home, "data folder");
    assert_eq!((code, &data["status"]), (0, &"warning".into()));
    assert!(fix(&data).starts_with("chmod 700 "), "{data}");
    open(&home.config_file(), 0o644);
    let (_, config) = check(home, "configuration file");
    assert_eq!(config["status"], "warning");
    assert!(fix(&config).starts_with("chmod 600 "), "{config}");
    // What it says helps.
    for check_found in [data, config] {
        let mut shell = home.command("sh");
        assert!(
            shell
                .args(["-c", fix(&check_found)])
                .status()
                .unwrap()
                .success()
        );
    }
    assert_eq!(check(home, "data folder").1["status"], "ok");
    assert_eq!(check(home, "configuration file").1["status"], "ok");
}

#[test]
fn a_broken_configuration_is_told() {
    let home = TestHome::new();
    home.write_config("log_level = 5\n");
    let (code, found) = check(&home, "configuration");
    assert_eq!((code, &found["status"]), (1, &"problem".into()));
    assert!(
        found["detail"].as_str().unwrap().contains("config.toml:1"),
        "{found}"
    );
    assert!(!fix(&found).is_empty());
    home.write_config("log_levl = \"info\"\n");
    let (_, found) = check(&home, "configuration");
    assert_eq!(found["status"], "warning");
    assert!(
        found["detail"].as_str().unwrap().contains("log_level"),
        "{found}"
    );
}

#[test]
fn a_broken_database_is_told() {
    let mut fixture = Fixture::start(Script::default());
    fixture.daemon.terminate();
    let home = &fixture.home;
    let file = home.data_dir().join("mesoclaw.db");
    let sound = fs::read(&file).unwrap();
    for name in ["mesoclaw.db-wal", "mesoclaw.db-shm"] {
        fs::remove_file(home.data_dir().join(name)).ok();
    }
    // Not a database at all.
    fs::write(
        &file,
        "not a database, but a letter of some length\n".repeat(200),
    )
    .unwrap();
    let (code, found) = check(home, "database");
    assert_eq!((code, &found["status"]), (1, &"problem".into()));
    assert!(fix(&found).contains("move this one away"), "{found}");
    command(home, &["session", "list"]).assert_error(3, &["mesoclaw: "]);
    // Damaged pages.
    let mut damaged = sound;
    let end = damaged.len().min(40_000);
    damaged[8_192..end].fill(0x5a);
    fs::write(&file, damaged).unwrap();
    let (code, found) = check(home, "database");
    assert_eq!((code, &found["status"]), (1, &"problem".into()));
    assert!(!fix(&found).is_empty(), "{found}");
}

#[test]
fn what_stands_where_the_socket_belongs_is_told() {
    let home = TestHome::new();
    let taken = home.mesoclaw_home().join("run/daemon.sock");
    fs::create_dir_all(&taken).unwrap();
    let (code, found) = check(&home, "daemon");
    assert_eq!((code, &found["status"]), (1, &"problem".into()));
    assert!(
        found["detail"]
            .as_str()
            .unwrap()
            .contains("a directory is there"),
        "{found}"
    );
}

#[test]
fn the_terminal_is_described() {
    let fixture = Fixture::start(Script::default());
    for (term, part) in [
        ("xterm", "terminal: xterm: line editing"),
        ("dumb", "terminal: dumb: plain lines without editing"),
    ] {
        let mut doctor = mesoclaw(&fixture.home, &["doctor"]);
        doctor.env("TERM", term);
        let pty = Pty::spawn(&doctor, 40, 160);
        assert_eq!(pty.wait_for_exit().exit_code(), 0);
        assert!(pty.screen_text().contains(part), "{}", pty.screen_text());
        assert!(!pty.raw().contains(&0x1b), "plain text on any terminal");
    }
    let mut doctor = mesoclaw(&fixture.home, &["doctor"]);
    doctor.env("TERM", "vt100").env("LANG", "C");
    let pty = Pty::spawn(&doctor, 40, 160);
    pty.wait_for_exit();
    assert!(
        pty.screen_text().contains("the locale is not UTF-8"),
        "{}",
        pty.screen_text()
    );
}
