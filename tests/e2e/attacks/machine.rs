//! Attacks of others on the same machine, and of the agent on its own daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mesoclaw_api::ops::approval::Answer;
use mesoclaw_testkit::model_server::Script;

use crate::desk::{Desk, commands};

/// The directory for temporary files that a command is given.
fn temp_of(desk: &Desk) -> String {
    let mut talk = desk.talk();
    talk.say_and("go", Answer::Approve);
    let output = talk.last_result().output;
    let line = output.lines().find(|line| line.starts_with('/'));
    line.unwrap_or_else(|| panic!("no directory in {output}"))
        .to_owned()
}

#[test]
fn case_60_nothing_predictable_stands_where_all_users_write() {
    let desk = Desk::new(commands(["echo \"$TMPDIR\"", "echo \"$TMPDIR\""]));
    let (first, second) = (temp_of(&desk), temp_of(&desk));
    assert_ne!(first, second, "another name each time");
    // It was there for the command alone.
    for dir in [&first, &second] {
        assert!(!Path::new(dir).exists(), "{dir}");
    }
}

#[test]
fn case_63_what_is_kept_of_files_is_ours_alone() {
    let desk = Desk::new(crate::desk::calls([(
        "file_write",
        serde_json::json!({"path": "a.txt", "content": "new"}),
        "Done.",
    )]));
    desk.write("a.txt", "old-content-7713");
    desk.talk().say_and("go", Answer::Approve);
    let mut open = vec![desk.fixture.home.mesoclaw_home()];
    let mut found = 0;
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                open.push(entry.path());
                continue;
            }
            let text = fs::read(entry.path()).unwrap_or_default();
            if String::from_utf8_lossy(&text).contains("old-content-7713") {
                found += 1;
                let mode = metadata.permissions().mode() & 0o077;
                assert_eq!(mode, 0, "{}", entry.path().display());
            }
        }
    }
    assert!(found > 0, "what the file was is kept somewhere");
}

#[test]
fn case_87_the_agent_does_not_end_its_daemon() {
    let mut desk = Desk::with(
        Script::text("Fine."),
        "security_autonomy_level = \"autonomous\"\n",
    );
    let pid = desk.fixture.daemon.pid();
    for args in [
        format!("{{\"action\": \"kill\", \"pid\": {pid}}}"),
        "{\"action\": \"kill\", \"pid\": 1}".to_owned(),
    ] {
        let ran = desk.run(&["tool", "run", "process", "--args", &args]);
        assert_ne!(ran.code, 0, "{ran:?}");
    }
    assert!(desk.fixture.daemon.is_running());
}
