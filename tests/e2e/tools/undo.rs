//! Putting files back: what was created, changed and deleted; not over what a person did meanwhile.

use mesoclaw_api::ops::approval::Answer;
use mesoclaw_testkit::model_server::{Reply, Script, Step};
use serde_json::{Value, json};

use crate::desk::Desk;

/// One turn with all these calls.
fn one_turn(calls: &[(&str, Value)]) -> Script {
    let calls = calls.iter().enumerate();
    let calls =
        calls.map(|(n, (tool, args))| Reply::new([Step::tool_call(&format!("c{n}"), tool, args)]));
    Script::replies(calls.chain([Reply::text("Done.")]))
}

/// Plays the turn; everything is allowed.
fn played(calls: &[(&str, Value)], files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new(one_turn(calls));
    for (name, text) in files {
        desk.write(name, text);
    }
    let mut talk = desk.talk();
    talk.say_and("go", Answer::Approve);
    for result in talk.results() {
        assert!(result.success, "{result:?}");
    }
    desk
}

const PATCH: &str = "--- c.txt\n+++ c.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n";

#[test]
fn what_was_created_and_changed_is_as_before() {
    let desk = played(
        &[
            ("file_write", json!({"path": "new/a.txt", "content": "a"})),
            ("file_write", json!({"path": "b.txt", "content": "new"})),
            ("file_write", json!({"path": "b.txt", "content": "newer"})),
            ("patch", json!({"file_path": "c.txt", "diff": PATCH})),
        ],
        &[("b.txt", "old"), ("c.txt", "one\ntwo\n")],
    );
    assert_eq!(desk.read("b.txt").as_deref(), Some("newer"));
    assert_eq!(desk.read("c.txt").as_deref(), Some("one\nTWO\n"));
    let would = desk.run(&["undo", "--dry-run"]);
    assert_eq!(would.code, 0, "{would:?}");
    assert_eq!(desk.read("b.txt").as_deref(), Some("newer"));
    let list = desk.run(&["undo", "--list"]);
    assert!(
        list.stdout.contains("b.txt") || list.stdout.contains('3'),
        "{list:?}"
    );

    let undone = desk.json(&["undo"]);
    let files = undone["files"].as_array().unwrap();
    assert_eq!(files.len(), 3, "{undone}");
    assert!(
        files.iter().all(|file| file["is_restored"] == true),
        "{undone}"
    );
    assert_eq!(desk.read("new/a.txt"), None);
    assert_eq!(desk.read("b.txt").as_deref(), Some("old"));
    assert_eq!(desk.read("c.txt").as_deref(), Some("one\ntwo\n"));
    assert_eq!(desk.run(&["undo"]).code, 4);
}

#[test]
fn turns_are_undone_the_last_first() {
    let write = |text: &str| json!({"path": "a.txt", "content": text});
    let desk = Desk::new(crate::desk::calls([
        ("file_write", write("one"), "Done."),
        ("file_write", write("two"), "Done."),
    ]));
    let mut talk = desk.talk();
    for _ in 0..2 {
        talk.say_and("go", Answer::Approve);
    }
    for left in [Some("one"), None] {
        assert_eq!(desk.run(&["undo"]).code, 0);
        assert_eq!(desk.read("a.txt").as_deref(), left);
    }
    assert_eq!(desk.run(&["undo"]).code, 4);
}

#[test]
fn what_a_person_changed_meanwhile_is_left_alone() {
    let desk = played(
        &[
            ("file_write", json!({"path": "a.txt", "content": "model"})),
            ("file_write", json!({"path": "b.txt", "content": "model"})),
        ],
        &[("a.txt", "before"), ("b.txt", "before")],
    );
    desk.write("a.txt", "person");
    let ran = desk.run(&["--json", "undo"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let undone = ran.json();
    let restored: Vec<(bool, bool)> = undone["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let path = file["path"].as_str().unwrap();
            (path.ends_with("b.txt"), file["is_restored"] == true)
        })
        .collect();
    assert!(
        restored
            .iter()
            .all(|(is_b, is_restored)| is_b == is_restored),
        "{undone}"
    );
    assert_eq!(desk.read("a.txt").as_deref(), Some("person"));
    assert_eq!(desk.read("b.txt").as_deref(), Some("before"));
}

#[test]
fn commands_cannot_be_undone_and_that_is_said() {
    let desk = played(
        &[
            ("file_write", json!({"path": "a.txt", "content": "model"})),
            ("shell", json!({"command": "touch by-command"})),
        ],
        &[],
    );
    let ran = desk.run(&["undo"]);
    assert!(ran.stdout.contains("touch by-command"), "{ran:?}");
    assert_eq!(desk.read("a.txt"), None);
    assert!(desk.work().join("by-command").exists());
}

#[test]
fn undo_goes_through_no_link() {
    let desk = played(
        &[(
            "file_write",
            json!({"path": "sub/a.txt", "content": "model"}),
        )],
        &[("sub/a.txt", "before")],
    );
    let outside = desk.home().join("outside");
    std::fs::rename(desk.work().join("sub"), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, desk.work().join("sub")).unwrap();
    let ran = desk.run(&["undo"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let left = std::fs::read_to_string(outside.join("a.txt")).unwrap();
    assert_eq!(left, "model");
}
