//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&ContentSearch::new(ground.options()), args)
}

fn found(ground: &Ground, args: Value) -> Vec<String> {
    let output = call(ground, args).output;
    output.lines().map(str::to_owned).collect()
}

const NOTHING: &str =
    "[no line matches; binary files and files that .gitignore names are not searched]";

#[test]
fn lines_are_found_with_file_and_number() {
    let ground = Ground::new();
    ground.file("src/a.rs", "fn main() {\n    one();\n    two();\n}\n");
    ground.file("src/b.rs", "fn other() {}\r\nfn main2() {}\r\n");
    ground.file("notes.md", "FN MAIN\n");
    ground.file("binary", b"fn main\0\n");
    ground.file(".gitignore", "ignored\n");
    ground.file("ignored", "fn main\n");
    for (args, expected) in [
        (
            json!({"pattern": "fn main"}),
            vec!["src/a.rs:1:fn main() {", "src/b.rs:2:fn main2() {}"],
        ),
        (
            json!({"pattern": "fn main\\b"}),
            vec!["src/a.rs:1:fn main() {"],
        ),
        (
            json!({"pattern": "fn main", "case_insensitive": true, "glob": "*.md"}),
            vec!["notes.md:1:FN MAIN"],
        ),
        (
            json!({"pattern": "\\}$", "path": "src/b.rs"}),
            vec!["src/b.rs:1:fn other() {}", "src/b.rs:2:fn main2() {}"],
        ),
        (
            json!({"pattern": "one", "context": 1}),
            vec![
                "src/a.rs-1-fn main() {",
                "src/a.rs:2:    one();",
                "src/a.rs-3-    two();",
            ],
        ),
        (
            json!({"pattern": "fn", "glob": "src/**/a.*"}),
            vec!["src/a.rs:1:fn main() {"],
        ),
        (json!({"pattern": "fn", "glob": "*.toml"}), vec![NOTHING]),
        (json!({"pattern": "no such text"}), vec![NOTHING]),
    ] {
        assert_eq!(found(&ground, args.clone()), expected, "{args}");
    }
    let lines = found(&ground, json!({"pattern": "fn|one", "max_results": 1}));
    let note = "[1 of 4 matching lines in 2 files shown; use a narrower pattern, path or glob, or set max_results]";
    assert_eq!(lines, ["src/a.rs:1:fn main() {", note]);
}

#[test]
fn gaps_between_matches_with_context_are_marked() {
    let ground = Ground::new();
    ground.file("f", "x\n1\n2\n3\n4\nx\n");
    let lines = found(&ground, json!({"pattern": "x", "context": 1}));
    assert_eq!(lines, ["f:1:x", "f-2-1", "--", "f-5-4", "f:6:x"]);
}

#[test]
fn a_wrong_pattern_is_explained() {
    let ground = Ground::new();
    for (pattern, part) in [
        ("(", "is not a regular expression"),
        ("", "must have 1 to 4096 bytes"),
        ("a{1000}{1000}{1000}", "is not a regular expression"),
    ] {
        let output = call(&ground, json!({"pattern": pattern}));
        assert!(
            !output.success && output.output.contains(part),
            "{}",
            output.output
        );
    }
    let output = call(&ground, json!({"pattern": "x", "glob": "{a"}));
    assert!(output.output.contains("is not a glob"), "{}", output.output);
    let output = call(&ground, json!({"pattern": "x", "path": "none"}));
    assert!(output.output.contains("There is no"), "{}", output.output);
}

/// Cases 28 and 34.
#[cfg(unix)]
#[test]
fn nothing_behind_a_link_is_searched() {
    let ground = Ground::new();
    let secret = ground.outside_file("secret", "needle\n");
    ground.file("a/file", "needle\n");
    std::os::unix::fs::symlink(&secret, ground.root.join("link")).unwrap();
    std::os::unix::fs::symlink(&ground.outside, ground.root.join("out")).unwrap();
    std::os::unix::fs::symlink(&ground.root, ground.root.join("a/loop")).unwrap();
    assert_eq!(
        found(&ground, json!({"pattern": "needle"})),
        ["a/file:1:needle"]
    );
}

/// Case 30.
#[cfg(unix)]
#[test]
fn pipes_are_not_waited_for() {
    let ground = Ground::new();
    ground.file("file", "needle\n");
    let mode = rustix::fs::Mode::RUSR;
    let pipe = ground.root.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(
        found(&ground, json!({"pattern": "needle"})),
        ["file:1:needle"]
    );
}

#[test]
fn files_that_may_hold_secrets_are_counted_not_shown() {
    let ground = Ground::new();
    ground.file(".env", "KEY=needle\n");
    ground.file("code", "needle\n");
    let lines = found(&ground, json!({"pattern": "needle"}));
    let note = "[1 files that may hold secrets match too, and are not shown]";
    assert_eq!(lines, ["code:1:needle", note]);
    // Asked for by name, the verdict has said that it may be read.
    let lines = found(&ground, json!({"pattern": "needle", "path": ".env"}));
    assert_eq!(lines, [".env:1:KEY=needle"]);
}

#[test]
fn long_lines_and_many_results_are_bounded() {
    let mut ground = Ground::new();
    ground.file("long", format!("needle{}\n", "x".repeat(100_000)));
    let lines = found(&ground, json!({"pattern": "needle"}));
    assert_eq!(
        lines.last().map(String::as_str),
        Some("[1 long lines were cut]")
    );
    assert!(lines.first().is_some_and(|line| line.len() < 600));
    ground.options.tool_output_max_bytes = 300;
    ground.file("many", "needle\n".repeat(10_000));
    let output = call(&ground, json!({"pattern": "needle", "path": "many"})).output;
    assert!(output.len() < 600, "{output}");
    assert!(output.contains("of 10000 matching lines"), "{output}");
}

#[test]
fn a_stop_ends_the_search() {
    let ground = Ground::new();
    ground.file("f", "needle\n");
    ground.cancel.set();
    let output = call(&ground, json!({"pattern": "needle"})).output;
    assert!(output.contains("the search was stopped"), "{output}");
}
