//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&FileList::new(ground.options()), args)
}

#[cfg(unix)]
#[test]
fn entries_are_sorted_and_say_what_they_are() {
    let ground = Ground::new();
    ground.file("b.txt", "hello");
    ground.file("a/deep/c.txt", "");
    ground.file(".hidden", "x");
    ground.file("odd\nname\u{202e}", "");
    std::os::unix::fs::symlink(&ground.outside, ground.root.join("link")).unwrap();
    let output = call(&ground, json!({"path": "."}));
    let text = ".hidden (1 bytes)\na/\nb.txt (5 bytes)\nlink@\nodd\\nname\\u{202e} (0 bytes)";
    assert_eq!(
        output,
        ToolOutput::done(text).from_source("directory .", false)
    );
    let output = call(&ground, json!({"path": "a", "recursive": true}));
    assert_eq!(output.output, "deep/\ndeep/c.txt (0 bytes)");
    let output = call(&ground, json!({"path": ground.outside}));
    assert_eq!(output.output, "[the directory is empty]");
    assert!(output.source.unwrap().taints);
}

/// Case 34.
#[cfg(unix)]
#[test]
fn a_loop_of_links_ends_and_nothing_outside_is_listed() {
    let ground = Ground::new();
    ground.file("a/b/file", "x");
    ground.outside_file("secret", "x");
    std::os::unix::fs::symlink(&ground.root, ground.root.join("a/b/up")).unwrap();
    std::os::unix::fs::symlink(&ground.outside, ground.root.join("a/out")).unwrap();
    let output = call(&ground, json!({"path": ".", "recursive": true}));
    assert_eq!(
        output.output,
        "a/\na/b/\na/b/file (1 bytes)\na/b/up@\na/out@"
    );
}

/// Case 34.
#[test]
fn a_list_of_ten_thousand_entries_is_bounded_and_says_so() {
    let mut ground = Ground::new();
    for n in 0..100 {
        for m in 0..100 {
            ground.file(&format!("d{n:02}/f{m:02}"), "");
        }
    }
    ground.options.tool_file_list_max_entries = 150;
    let output = call(&ground, json!({"path": ".", "recursive": true})).output;
    assert_eq!(output.lines().count(), 151);
    // What is near comes first.
    assert_eq!(
        output.lines().filter(|line| line.ends_with('/')).count(),
        100
    );
    assert!(
        output.contains("[150 entries shown, at least 50 more are left out"),
        "{output}"
    );
    ground.options.tool_file_list_max_entries = 100_000;
    ground.options.tool_output_max_bytes = 1000;
    let output = call(&ground, json!({"path": ".", "recursive": true})).output;
    assert!(
        output.len() < 1200 && output.contains("more are left out"),
        "{output}"
    );
}

#[test]
fn a_repository_is_not_listed_and_a_stop_ends_the_list() {
    let ground = Ground::new();
    ground.file(".git/config", "");
    ground.file("a/x", "");
    let output = call(&ground, json!({"path": ".", "recursive": true}));
    assert_eq!(output.output, ".git/\na/\na/x (0 bytes)");
    ground.cancel.set();
    let output = call(&ground, json!({"path": ".", "recursive": true}));
    assert!(
        output.output.contains("0 entries shown, at least 0 more"),
        "{}",
        output.output
    );
}

#[test]
fn what_is_no_directory_is_said_to_be_none() {
    let ground = Ground::new();
    ground.file("file", "");
    for (path, part) in [("file", "is not a directory"), ("none", "There is no")] {
        let output = call(&ground, json!({"path": path}));
        assert!(
            !output.success && output.output.contains(part),
            "{}",
            output.output
        );
    }
}
