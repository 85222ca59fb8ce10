//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&Edit::new(ground.options()), args)
}

#[test]
fn one_place_is_replaced_and_shown() {
    let ground = Ground::new();
    ground.file("f", "a\nb\nc\n");
    let output = call(
        &ground,
        json!({"path": "f", "old": "b\n", "new": "B\nB2\n"}),
    );
    let diff = "--- a/f\n+++ b/f\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+B2\n c\n";
    let expected = ToolOutput::done("Changed `f`: 2 lines added, 1 removed.").with_diff(diff);
    assert_eq!(output, expected);
    assert_eq!(ground.text("f"), "a\nB\nB2\nc\n");
    assert_eq!(ground.kept.before.lock().unwrap().len(), 1);
}

#[test]
fn line_ends_of_the_file_are_kept() {
    let ground = Ground::new();
    ground.file("f", "a\r\nb\r\nc\r\n");
    call(&ground, json!({"path": "f", "old": "a\nb", "new": "x\ny"}));
    assert_eq!(ground.text("f"), "x\r\ny\r\nc\r\n");
}

#[test]
fn all_places_are_replaced_when_asked() {
    let ground = Ground::new();
    ground.file("f", "x y x\nx\n");
    call(
        &ground,
        json!({"path": "f", "old": "x", "new": "z", "replace_all": true}),
    );
    assert_eq!(ground.text("f"), "z y z\nz\n");
}

#[test]
fn what_does_not_fit_is_explained_with_line_numbers() {
    let ground = Ground::new();
    ground.file(
        "f",
        "fn main() {\n    let total = 1;\n    let other = 1;\n}\n",
    );
    ground.file("binary", b"a\0b");
    for (path, old, new, part) in [
        (
            "f",
            "= 1;",
            "= 2;",
            "`old` is in `f` 2 times (lines 2, 3): add lines around it",
        ),
        (
            "f",
            "let total = 1;\nlet other",
            "x",
            "Its first line is there, at line 2, so white space or a later line differs",
        ),
        (
            "f",
            "let totl = 1;",
            "x",
            "The most similar line is 2: `let total = 1;`",
        ),
        ("f", "zzzzzzzz", "x", "No line is similar"),
        ("f", "\n\n\n", "x", "It is only white space"),
        ("f", "", "x", "`old` is empty"),
        ("f", "x", "x", "are the same"),
        ("missing", "a", "b", "There is no `missing`; use file_write"),
        ("binary", "a", "b", "is binary data, not text"),
    ] {
        let output = call(&ground, json!({"path": path, "old": old, "new": new}));
        assert!(
            !output.success && output.output.contains(part),
            "{old:?}: {}",
            output.output
        );
    }
    assert!(ground.kept.before.lock().unwrap().is_empty());
}

#[test]
fn a_file_too_large_to_edit_is_said_to_be() {
    let mut ground = Ground::new();
    ground.options.tool_file_read_max_bytes = 10;
    ground.file("f", "x".repeat(2 * 1024 * 1024));
    let output = call(&ground, json!({"path": "f", "old": "xx", "new": "y"}));
    assert!(
        output.output.contains("too large to be changed in place"),
        "{}",
        output.output
    );
}
