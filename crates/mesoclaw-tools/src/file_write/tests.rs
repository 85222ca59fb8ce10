//! Tests of the module beside.

use std::sync::atomic::Ordering;

use mesoclaw_agent::tool::FileImage;
use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, path: &str, content: &str) -> ToolOutput {
    let tool = FileWrite::new(ground.options());
    ground.call(&tool, json!({"path": path, "content": content}))
}

#[test]
fn a_new_file_is_made_with_its_directories_and_shown() {
    let ground = Ground::new();
    let output = call(&ground, "a/b/poem.txt", "one\ntwo\n");
    let diff = "--- /dev/null\n+++ b/a/b/poem.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n";
    let expected = ToolOutput::done("Created `a/b/poem.txt` (8 bytes).").with_diff(diff);
    assert_eq!(output, expected);
    assert_eq!(ground.text("a/b/poem.txt"), "one\ntwo\n");
    let path = ground.root.join("a/b/poem.txt");
    assert_eq!(*ground.kept.before.lock().unwrap(), [(path.clone(), None)]);
    let hash: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        "one\ntwo\n",
    ))
    .into();
    assert_eq!(*ground.kept.after.lock().unwrap(), [(path, Some(hash))]);
}

#[test]
fn the_old_content_is_kept_before_it_is_replaced() {
    let ground = Ground::new();
    let path = ground.file("file", "old\n");
    let output = call(&ground, "file", "new\n");
    assert_eq!(
        output.output,
        "Wrote `file` (4 bytes): 1 lines added, 1 removed."
    );
    let kept = ground.kept.before.lock().unwrap();
    let [(kept_path, Some(FileImage { content, bytes, .. }))] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    assert_eq!(
        (kept_path, content.as_deref(), *bytes),
        (&path, Some(b"old\n".as_slice()), 4)
    );
}

#[test]
fn lines_keep_ending_as_they_did() {
    let ground = Ground::new();
    for (old, new, expected) in [
        ("a\r\nb\r\n", "c\nd\n", "c\r\nd\r\n"),
        ("a\r\nb\r\n", "c\r\nd\n", "c\r\nd\n"),
        ("a\r\nb\n", "c\nd\n", "c\nd\n"),
        ("a\n", "c\n", "c\n"),
        ("", "c\n", "c\n"),
    ] {
        ground.file("file", old);
        call(&ground, "file", new);
        assert_eq!(ground.text("file"), expected, "{old:?} {new:?}");
    }
}

#[test]
fn nothing_is_written_when_nothing_changes_or_nothing_can_be_kept() {
    let ground = Ground::new();
    ground.file("file", "same\n");
    let output = call(&ground, "file", "same\n");
    assert_eq!(
        output.output,
        "`file` has this content already; nothing changed."
    );
    assert!(ground.kept.before.lock().unwrap().is_empty());
    ground.kept.refuses.store(true, Ordering::Relaxed);
    let output = call(&ground, "file", "new\n");
    assert!(
        !output.success && output.output.contains("the disk is full"),
        "{}",
        output.output
    );
    assert_eq!(ground.text("file"), "same\n");
    ground.kept.refuses.store(false, Ordering::Relaxed);
    ground.cancel.set();
    let output = call(&ground, "file", "new\n");
    assert!(!output.success && output.output.contains("stopped"));
    assert_eq!(ground.text("file"), "same\n");
}

#[test]
fn the_preview_is_the_diff_and_changes_nothing() {
    let ground = Ground::new();
    ground.file("file", "old\n");
    let tool = FileWrite::new(ground.options());
    let preview = ground.preview(&tool, json!({"path": "file", "content": "new\n"}));
    let diff = "--- a/file\n+++ b/file\n@@ -1 +1 @@\n-old\n+new\n";
    assert_eq!(preview.as_deref(), Some(diff));
    assert_eq!(ground.text("file"), "old\n");
}

#[test]
fn directories_and_special_files_are_not_written() {
    let ground = Ground::new();
    ground.file("dir/x", "x");
    for (path, part) in [
        ("dir", "is a directory"),
        ("dir/", "must name a file"),
        ("dir/x/y", "is not a directory"),
        ("/dev/null", "is a device"),
    ] {
        let output = call(&ground, path, "y");
        assert!(
            !output.success && output.output.contains(part),
            "{path}: {}",
            output.output
        );
    }
}

/// Case 28.
#[cfg(unix)]
#[test]
fn a_link_is_written_to_where_it_was_judged_or_not_at_all() {
    let ground = Ground::new();
    let target = ground.outside_file("target", "old");
    let link = ground.root.join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let tool = FileWrite::new(ground.options());
    let args = json!({"path": "link", "content": "new"});
    let facts = ground.facts(&tool, &args).unwrap();
    let fact = judged::path_fact(&facts, "link").unwrap();
    assert_eq!(
        (fact.resolved.clone(), fact.through_link),
        (target.clone(), true)
    );
    // Somebody turns a checked file into a link.
    let plain = json!({"path": "plain", "content": "new"});
    let facts = ground.facts(&tool, &plain).unwrap();
    std::os::unix::fs::symlink(&target, ground.root.join("plain")).unwrap();
    let output = ground.run(&tool, plain, facts);
    assert!(
        !output.success && output.output.contains("link"),
        "{}",
        output.output
    );
    assert_eq!(std::fs::read_to_string(target).unwrap(), "old");
}

#[test]
fn content_that_is_no_text_is_not_compared() {
    let ground = Ground::new();
    ground.file("file", b"\xff\xff");
    let output = call(&ground, "file", "new\n");
    assert_eq!(
        output.diff.as_deref(),
        Some("Binary files a/file and b/file differ\n")
    );
}
