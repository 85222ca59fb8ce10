//! Tests of the module beside.

use std::sync::Mutex;

use mesoclaw_agent::policy::Facts;
use mesoclaw_sandbox::Level;
use serde_json::json;

use super::*;
use crate::testing::{Ground, block_on};

fn tool(ground: &Ground) -> Shell {
    let sandbox = || Sandbox {
        level: Level::Off,
        helper: None,
    };
    Shell::new(ground.options(), Arc::new(sandbox))
}

fn call(ground: &Ground, command: &str) -> ToolOutput {
    ground.call(&tool(ground), json!({"command": command}))
}

#[test]
fn output_error_output_and_ending_are_told_apart() {
    let ground = Ground::new();
    for (command, success, expected) in [
        ("echo out", true, "out"),
        ("true", true, "[no output; exit code 0]"),
        ("echo out; echo err >&2", true, "out\n[stderr]\nerr"),
        (
            "echo err >&2; exit 3",
            false,
            "[stderr]\nerr\n[exit code 3]",
        ),
        ("kill -9 $$", false, "[ended by signal 9]"),
        ("pwd", true, ground.root.to_str().unwrap()),
        ("echo $PATH", true, "/usr/bin:/bin"),
        ("cat", true, "[no output; exit code 0]"),
        ("printf -- '-n\\n'", true, "-n"),
    ] {
        let output = call(&ground, command);
        assert_eq!(
            (output.success, output.output.as_str()),
            (success, expected),
            "{command}"
        );
        let source = output.source.unwrap();
        assert_eq!((source.name.as_str(), source.taints), ("shell", false));
    }
}

#[test]
fn a_line_that_starts_with_a_dash_is_still_a_line() {
    let ground = Ground::new();
    let output = call(&ground, "-c echo");
    assert!(output.output.contains("exit code 127"), "{}", output.output);
}

#[test]
fn the_command_is_what_is_judged() {
    let ground = Ground::new();
    let tool = tool(&ground);
    let line = " ls  -l ".to_owned();
    let expected = Action::Command { line: line.clone() };
    assert_eq!(tool.plan(&json!({"command": line})), Ok(vec![expected]));
    assert!(tool.plan(&json!({"command": " "})).is_err());
}

/// Case 25.
#[test]
fn a_command_is_ended_with_all_it_started() {
    let mut ground = Ground::new();
    ground.options.tool_shell_timeout_secs = 1;
    ground.options.tool_shell_max_timeout_secs = 1;
    let output = ground.call(
        &tool(&ground),
        json!({"command": "echo start; (sleep 600; echo late) & wait", "timeout_secs": 900}),
    );
    assert!(!output.success);
    assert_eq!(
        output.output,
        "start\n[time limit of 1 s reached: the command and everything it started were ended; set timeout_secs for more]"
    );
}

/// Case 25.
#[test]
fn a_flood_is_cut_in_the_middle() {
    let mut ground = Ground::new();
    ground.options.tool_output_max_bytes = 1000;
    let output = call(&ground, "echo first; yes | head -n 100000; echo last").output;
    assert!(
        output.starts_with("first\n") && output.contains("\nlast\n"),
        "{output}"
    );
    assert!(output.contains("bytes cut]") && output.contains("output in the middle was cut"));
    assert!(output.len() < 1300, "{}", output.len());
}

#[test]
fn a_stop_ends_the_command() {
    let ground = Ground::new();
    ground.cancel.set();
    let output = call(&ground, "sleep 600");
    assert_eq!(
        output.output,
        "[stopped: the command and everything it started were ended]"
    );
}

#[test]
fn what_reaches_outside_taints() {
    let ground = Ground::new();
    let tool = tool(&ground);
    let args = json!({"command": "true"});
    let facts = ground.facts(&tool, &args).unwrap();
    let mut cx = ground.cx(Arc::clone(&facts));
    cx.network = true;
    assert!(block_on(tool.run(cx, args.clone())).source.unwrap().taints);
    let mut cx = ground.cx(facts);
    cx.reads = vec!["/etc/hosts".into()];
    assert!(block_on(tool.run(cx, args)).source.unwrap().taints);
}

#[test]
fn progress_is_the_newest_line_now_and_then() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let mut progress =
        progress::Progress::new(Arc::new(move |line| told.lock().unwrap().push(line)));
    progress.take(b"\n\n");
    progress.take(b"one\ntw\x1bo\n\n");
    progress.take(b"too soon\n");
    assert_eq!(*lines.lock().unwrap(), ["tw\\u{1b}o"]);
}

#[test]
fn commands_write_where_it_is_safe_to_grant() {
    let ground = Ground::new();
    let tool = tool(&ground);
    let facts = ground.facts(&tool, &json!({"command": "true"})).unwrap();
    std::fs::create_dir_all(ground.home.join(".config/x")).unwrap();
    std::fs::create_dir_all(ground.home.join("data")).unwrap();
    std::fs::write(ground.home.join("file"), "").unwrap();
    let (root, temp, home) = (
        ground.root.clone(),
        ground.temp.clone(),
        ground.home.clone(),
    );
    for (path, expected) in [
        (root.join("x"), vec![]),
        (home.join("data/new"), vec![home.join("data")]),
        (home.join("data"), vec![home.join("data")]),
        (home.join("file"), vec![home.join("file")]),
        (home.join("new"), vec![]),
        (home.join(".config/x/new"), vec![]),
        (ground.own.join("new"), vec![]),
        ("/etc/hosts".into(), vec!["/etc/hosts".into()]),
        ("/etc/new".into(), vec![]),
    ] {
        let mut all = vec![root.clone(), temp.clone()];
        all.extend(expected);
        assert_eq!(
            bounds::writes(&facts, false, vec![path.clone()], &[]),
            all,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_command_that_only_looks_writes_temporary_files_only() {
    let ground = Ground::new();
    let facts = ground
        .facts(&tool(&ground), &json!({"command": "true"}))
        .unwrap();
    let (root, temp) = (ground.root.clone(), ground.temp.clone());
    for (looks_only, expected) in [(true, vec![temp.clone()]), (false, vec![root, temp])] {
        assert_eq!(
            bounds::writes(&facts, looks_only, Vec::new(), &[]),
            expected
        );
    }
}

#[test]
fn a_sandbox_that_is_off_is_said_to_be() {
    let sandbox = Sandbox {
        level: Level::Off,
        helper: None,
    };
    let fact = sandbox_fact(&sandbox);
    assert!(!fact.enforced && fact.note.contains("switched off"));
}

#[test]
fn changed_start_up_files_are_told_to_model_and_person() {
    let ground = Ground::new();
    let tool = tool(&ground);
    let line = "this command changed start-up files: .envrc, .git/hooks/pre-commit; look at them before you run git or open an editor";
    let args =
        json!({"command": "mkdir -p .git/hooks; touch .git/hooks/pre-commit .envrc; echo done"});
    let run = |looks_only| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut cx = ground.cx(ground.facts(&tool, &args).unwrap());
        let heard = Arc::clone(&told);
        cx.progress = Arc::new(move |news| heard.lock().unwrap().push(news));
        cx.looks_only = looks_only;
        let output = block_on(tool.run(cx, args.clone()));
        let last = told.lock().unwrap().pop();
        (output.output, last.unwrap_or_default())
    };
    assert_eq!(run(false), (format!("done\n[{line}]"), line.to_owned()));
    assert_eq!(run(true).0, "done");
}

#[test]
fn a_file_that_is_only_opened_is_granted_without_its_directory() {
    let ground = Ground::new();
    let tool = tool(&ground);
    let facts = ground.facts(&tool, &json!({"command": "true"})).unwrap();
    let old = ground.outside_file("old", "x");
    let (new, delicate) = (ground.outside.join("new"), ground.home.join("new"));
    let opened = vec![old.clone(), new.clone(), delicate.clone()];
    let created = created::Created::create(&facts.roots, &opened);
    let expected = vec![ground.root.clone(), ground.temp.clone(), old, new.clone()];
    let granted = bounds::writes(&facts, false, opened.clone(), &opened);
    assert_eq!(granted, expected);
    drop(created);
    assert!(!new.exists(), "it stayed empty");
    for (command, is_kept) in [("false", false), ("true", true)] {
        let mut cx = ground.cx(Arc::clone(&facts));
        (cx.writes, cx.opened) = (opened.clone(), opened.clone());
        block_on(tool.run(cx, json!({"command": command})));
        assert_eq!(
            (new.exists(), delicate.exists()),
            (is_kept, false),
            "{command}"
        );
    }
}

#[test]
fn what_is_readable_leaves_out_our_own_and_secrets() {
    let ground = Ground::new();
    let mut facts = Facts::clone(
        &ground
            .facts(&tool(&ground), &json!({"command": "true"}))
            .unwrap(),
    );
    let outside = ground.outside.clone();
    for name in ["plain/a", "deep/.ssh/id_rsa", "deep/b", "own/key"] {
        ground.outside_file(name, "x");
    }
    std::os::unix::fs::symlink(&ground.own, outside.join("link")).unwrap();
    facts.roots.own = vec![outside.join("own")];
    let mut looks = bounds::looks(&facts, vec![outside.clone()], vec![ground.home.clone()]);
    looks.read.retain(|path| path.starts_with(&outside));
    looks.read.sort();
    looks.list.sort();
    let mut lists = vec![ground.home.clone(), outside.clone(), outside.join("deep")];
    lists.sort();
    assert_eq!(looks.list, lists);
    assert_eq!(looks.read, [outside.join("deep/b"), outside.join("plain")]);
}
