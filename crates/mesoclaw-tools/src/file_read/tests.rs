//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&FileRead::new(ground.options()), args)
}

#[test]
fn text_comes_as_it_is_with_notes_about_what_is_missing() {
    let ground = Ground::new();
    ground.file("empty", "");
    ground.file("three", "one\ntwo\nthree\n");
    ground.file("no-end", "one\ntwo");
    ground.file("crlf", "one\r\ntwo\r\n");
    ground.file("latin", b"caf\xe9\n");
    ground.file("bom", "\u{feff}one\n");
    ground.file("long", format!("{}\nx\n", "y".repeat(5000)));
    let long = format!(
        "{}[... 3000 more bytes]\nx\n[1 long lines were cut]",
        "y".repeat(2000)
    );
    for (args, expected) in [
        (json!({"path": "three"}), "one\ntwo\nthree"),
        (json!({"path": "no-end"}), "one\ntwo"),
        (
            json!({"path": "three", "max_lines": 2}),
            "one\ntwo\n[lines 1 to 2 of 3; for more set offset_lines to 2]",
        ),
        (
            json!({"path": "three", "offset_lines": 2}),
            "three\n[lines 3 to 3 of 3]",
        ),
        (
            json!({"path": "three", "offset_lines": 5}),
            "[the file has only 3 lines, so nothing is left after 5]",
        ),
        (json!({"path": "empty"}), "[the file is empty]"),
        (json!({"path": "crlf"}), "one\ntwo\n[lines end with CR LF]"),
        (
            json!({"path": "latin"}),
            "caf\u{fffd}\n[the file is not all UTF-8: what could not be read is shown as \u{fffd}]",
        ),
        (json!({"path": "bom"}), "one"),
        (json!({"path": "long"}), long.as_str()),
    ] {
        let name = args["path"].as_str().unwrap().to_owned();
        let expected = ToolOutput::done(expected).from_source(format!("file {name}"), false);
        assert_eq!(call(&ground, args), expected);
    }
}

#[test]
fn what_is_no_text_is_refused_in_a_sentence() {
    let ground = Ground::new();
    ground.file("dir/x", "x");
    ground.file("binary", b"a\0b");
    ground.file("image.png", b"\x89PNG\r\n\x1a\n....");
    ground.file("utf16", b"\xff\xfea\0");
    for (path, part) in [
        ("missing", "There is no `"),
        (
            "dir",
            "is a directory, not a file; `file_list` shows what is in it.",
        ),
        ("binary", "`binary` is binary data (3 bytes), not text"),
        ("image.png", "is an image (PNG)"),
        ("utf16", "is UTF-16 text"),
        ("/dev/zero", "is a device, not a file, so it is not opened."),
    ] {
        let output = call(&ground, json!({"path": path}));
        assert!(
            !output.success && output.output.contains(part),
            "{path}: {}",
            output.output
        );
    }
}

#[test]
fn output_and_reading_are_bounded() {
    let mut ground = Ground::new();
    ground.options.tool_output_max_bytes = 100;
    ground.options.tool_file_read_max_bytes = 1000;
    ground.file("long", "0123456789\n".repeat(1000));
    let output = call(&ground, json!({"path": "long"})).output;
    assert_eq!(
        output.lines().filter(|line| *line == "0123456789").count(),
        9
    );
    assert!(
        output.contains("[lines 1 to 9 of at least 91; for more set offset_lines to 9]"),
        "{output}"
    );
    assert!(
        output.contains("only the first 1000 bytes of 10.7 KiB"),
        "{output}"
    );
    ground.options.tool_file_read_max_lines = 2;
    let output = call(&ground, json!({"path": "long"})).output;
    assert!(output.contains("[lines 1 to 2 of"), "{output}");
}

/// Case 30.
#[test]
fn a_sparse_file_of_a_terabyte_is_called_binary_at_once() {
    let ground = Ground::new();
    let path = ground.file("sparse", "");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(1 << 40).unwrap();
    let output = call(&ground, json!({"path": "sparse"}));
    assert!(
        output.output.contains("binary data (1.0 TiB)"),
        "{}",
        output.output
    );
}

#[test]
fn text_from_outside_the_workspace_taints() {
    let ground = Ground::new();
    let path = ground.outside_file("note", "x");
    let output = call(&ground, json!({"path": path}));
    let source = output.source.unwrap();
    assert_eq!(
        (source.name, source.taints),
        (format!("file {}", path.display()), true)
    );
}

/// Cases 28 and 29: the link comes after the verdict.
#[cfg(unix)]
#[test]
fn a_link_put_there_after_the_check_is_not_followed() {
    let ground = Ground::new();
    let path = ground.file("dir/file", "inside");
    ground.outside_file("file", "outside");
    let tool = FileRead::new(ground.options());
    let args = json!({"path": "dir/file"});
    let facts = ground.facts(&tool, &args).unwrap();
    std::fs::rename(path.parent().unwrap(), ground.root.join("aside")).unwrap();
    std::os::unix::fs::symlink(&ground.outside, ground.root.join("dir")).unwrap();
    let output = ground.run(&tool, args, facts);
    assert!(
        !output.success && output.output.contains("link"),
        "{}",
        output.output
    );
}

#[test]
fn a_path_that_was_not_judged_is_not_read() {
    let ground = Ground::new();
    ground.file("a", "x");
    let tool = FileRead::new(ground.options());
    let output = ground.run(&tool, json!({"path": "a"}), Arc::default());
    assert!(!output.success && output.output.contains("could not be resolved"));
}
