//! Help, version, completions, man pages, and what goes wrong before a command runs.

use std::process::Command;

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::Script;

use crate::fixture::Fixture;
use crate::process::{Ran, Running, Stdin, command, mesoclaw};

#[test]
fn version_and_help_are_printed() {
    let home = TestHome::new();
    let version = format!("mesoclaw {}\n", env!("CARGO_PKG_VERSION"));
    for word in ["--version", "-V"] {
        assert_eq!(command(&home, &[word]), Ran::ok(version.as_str()));
    }
    for args in [&["--help"][..], &["-h"], &["help"]] {
        let ran = command(&home, args);
        let text = ran.assert_ok();
        for name in [
            "chat",
            "daemon",
            "session",
            "model",
            "config",
            "provider",
            "setup",
            "doctor",
            "completions",
            "man",
            "Exit codes: 0 ok",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }
    let ran = command(&home, &["session", "delete", "--help"]);
    assert!(
        ran.assert_ok()
            .contains("Delete a session and everything in it"),
        "{ran:?}"
    );
    // Neither needs nor leaves anything.
    assert_eq!(std::fs::read_dir(home.mesoclaw_home()).unwrap().count(), 0);
}

#[test]
fn completions_are_scripts_the_shells_accept() {
    let home = TestHome::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = command(&home, &["completions", shell]);
        let script = ran.assert_ok();
        assert!(
            script.contains("mesoclaw") && script.contains("completions"),
            "{shell}"
        );
        let file = home.user_home().join(shell);
        std::fs::write(&file, script).unwrap();
        // Only bash is everywhere; the others are checked where they are installed.
        match Command::new(shell).arg("-n").arg(&file).status() {
            Ok(status) if ["bash", "zsh", "fish"].contains(&shell) => {
                assert!(status.success(), "{shell}");
            }
            Ok(_) | Err(_) => assert_ne!(shell, "bash"),
        }
    }
    command(&home, &["completions", "tcsh"]).assert_error(2, &["possible values", "bash"]);
}

#[test]
fn manual_pages_are_written() {
    let home = TestHome::new();
    let page = command(&home, &["man"]);
    assert!(page.assert_ok().contains(".TH mesoclaw 1"), "{page:?}");
    let ran = command(&home, &["man", "pages"]);
    assert!(ran.assert_ok().contains("pages/mesoclaw.1"), "{ran:?}");
    let mut names: Vec<String> = std::fs::read_dir(home.user_home().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in ["mesoclaw.1", "mesoclaw-chat.1", "mesoclaw-daemon-start.1"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
}

#[test]
fn mistyped_commands_are_recognised() {
    let home = TestHome::new();
    for (args, part) in [
        (&["deamon"][..], "did you mean `mesoclaw daemon`?"),
        (
            &["deamon", "start"],
            "did you mean `mesoclaw daemon start`?",
        ),
        (&["status"], "did you mean `mesoclaw daemon status`?"),
        (&["daemon", "strat"], "'start'"),
        (&["session", "lsit"], "'list'"),
        (&["config", "set", "log_level"], "<VALUE>"),
        (&["daemon"], "Usage: mesoclaw daemon"),
    ] {
        let ran = command(&home, args);
        ran.assert_error(2, &[part]);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    let ran = command(&home, &["--json", "daemon", "strat"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(ran.error()["error_code"], "MESO_INVALID_PARAMS");
    assert!(ran.error()["message"].as_str().unwrap().contains("strat"));
}

#[test]
fn quiet_commands_print_results_only() {
    let fixture = Fixture::start(Script::default());
    for args in [
        &["--quiet", "config", "set", "agent_max_turns", "9"][..],
        &["-q", "provider", "default", "test", "m"],
        &["-q", "daemon", "start"],
    ] {
        assert_eq!(command(&fixture.home, args), Ran::ok(""), "{args:?}");
    }
    let ran = command(&fixture.home, &["-q", "config", "get", "agent_max_turns"]);
    assert_eq!(ran, Ran::ok("9\n"));
    command(&fixture.home, &["-q", "session", "show", "nope"]).assert_error(4, &["nope"]);
}

#[test]
fn a_broken_pipe_ends_a_listing_quietly() {
    let home = TestHome::new();
    for args in [
        &["model", "list"][..],
        &["config", "show"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let (running, stdout) = Running::start_unread(&mut mesoclaw(&home, args), Stdin::Null);
        drop(stdout);
        assert_eq!(running.finish(), Ran::ok(""), "{args:?}");
    }
}

#[test]
fn setup_in_a_pipe_says_which_commands_help() {
    let home = TestHome::new();
    command(&home, &["setup"]).assert_error(2, &["there is no terminal", "mesoclaw setup --local"]);
    assert_eq!(mesoclaw_ipc::lock::holder(&home.lock_file()), None);
}
