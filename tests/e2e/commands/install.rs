//! `daemon install|uninstall`, in a home of its own and with a service manager that records what it
//! is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use mesoclaw_testkit::home::TestHome;

use crate::process::{Ran, Running, Stdin, mesoclaw};

/// The program, with `systemctl` and `loginctl` that write down how they were called, and refuse
/// when `works` is false.
fn prepared(home: &TestHome, args: &[&str], works: bool) -> Command {
    let bin = home.user_home().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in ["systemctl", "loginctl"] {
        let code = i32::from(!works);
        let script = format!("#!/bin/sh\necho {name} \"$@\" >> \"$HOME/calls\"\nexit {code}\n");
        fs::write(bin.join(name), script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = mesoclaw(home, args);
    command
        .env("PATH", format!("{}:/bin:/usr/bin", bin.display()))
        .env("XDG_CONFIG_HOME", home.user_home().join("conf"));
    command
}

fn call(home: &TestHome, args: &[&str], works: bool) -> Ran {
    Running::start(&mut prepared(home, args, works), Stdin::Null).finish()
}

fn unit(home: &TestHome) -> PathBuf {
    home.user_home().join("conf/systemd/user/mesoclaw.service")
}

fn calls(home: &TestHome) -> String {
    fs::read_to_string(home.user_home().join("calls")).unwrap_or_default()
}

#[test]
fn it_is_installed_told_and_undone() {
    let home = TestHome::new();
    let ran = call(&home, &["daemon", "install"], true);
    let file = unit(&home);
    let text = ran.assert_ok();
    assert!(
        text.starts_with(&format!("wrote {}\n", file.display())),
        "{text}"
    );
    assert!(
        text.contains("ran systemctl --user enable --now mesoclaw.service"),
        "{text}"
    );
    assert!(
        text.ends_with("undo it with: mesoclaw daemon uninstall\n"),
        "{text}"
    );
    let written = fs::read_to_string(&file).unwrap();
    let program = crate::fixture::program().display().to_string();
    assert!(
        written.contains(&format!("ExecStart=\"{program}\" \"daemon\" \"run\"\n")),
        "{written}"
    );
    let home_line = format!(
        "Environment=\"MESOCLAW_HOME={}\"",
        home.mesoclaw_home().display()
    );
    assert!(written.contains(&home_line), "{written}");
    assert!(calls(&home).contains("systemctl --user enable --now mesoclaw.service"));
    assert!(calls(&home).contains("loginctl enable-linger"));

    let ran = call(&home, &["daemon", "uninstall"], true);
    assert!(
        ran.assert_ok()
            .contains(&format!("removed {}", file.display()))
    );
    assert!(!file.exists());
    assert!(calls(&home).contains("systemctl --user disable --now mesoclaw.service"));
    // What the installation switched on is switched off.
    assert!(calls(&home).contains("loginctl disable-linger"));
    let again = call(&home, &["daemon", "uninstall"], true);
    assert_eq!(again, Ran::ok("it is not installed\n"));
}

#[test]
fn without_a_service_manager_the_commands_are_told() {
    let home = TestHome::new();
    let ran = call(&home, &["daemon", "install"], false);
    let text = ran.assert_ok();
    assert!(
        text.contains("run later:\n  systemctl --user daemon-reload\n"),
        "{text}"
    );
    assert!(unit(&home).is_file());
    // Twice is the same as once.
    assert_eq!(call(&home, &["daemon", "install"], false).stdout, text);
    assert_eq!(call(&home, &["daemon", "uninstall"], false).code, 0);
    assert!(!unit(&home).exists());
}

#[test]
fn the_file_of_somebody_else_is_left_alone() {
    let home = TestHome::new();
    let file = unit(&home);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let foreign = "[Service]\nExecStart=/bin/true\n";
    fs::write(&file, foreign).unwrap();
    for word in ["install", "uninstall"] {
        call(&home, &["daemon", word], true)
            .assert_error(1, &["was not written by mesoclaw", "move it away"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
    }
    // A link, wherever it leads.
    fs::rename(&file, home.user_home().join("target")).unwrap();
    std::os::unix::fs::symlink(home.user_home().join("target"), &file).unwrap();
    for word in ["install", "uninstall"] {
        call(&home, &["daemon", word], true).assert_error(1, &["is not a regular file"]);
    }
    assert!(!calls(&home).contains("enable"), "{}", calls(&home));
}
