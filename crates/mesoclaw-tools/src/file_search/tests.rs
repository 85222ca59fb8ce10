//! Tests of the module beside.

use serde_json::json;

use super::*;
use crate::testing::Ground;

fn call(ground: &Ground, args: Value) -> ToolOutput {
    ground.call(&FileSearch::new(ground.options()), args)
}

fn found(ground: &Ground, pattern: &str) -> Vec<String> {
    let output = call(ground, json!({"pattern": pattern})).output;
    output.lines().map(str::to_owned).collect()
}

const NOTHING: &str = "[no name matches; files that .gitignore names are not searched]";

#[test]
fn names_are_found_by_part_and_by_glob() {
    let ground = Ground::new();
    for name in [
        "src/main.rs",
        "src/lib.rs",
        "src/deep/Main.toml",
        "README.md",
        ".github/ci.yml",
        "a[b].rs",
        "Ümlaut.txt",
    ] {
        ground.file(name, "x");
    }
    for (pattern, expected) in [
        ("main", vec!["src/deep/Main.toml", "src/main.rs"]),
        ("MAIN.RS", vec!["src/main.rs"]),
        ("*.rs", vec!["a[b].rs", "src/lib.rs", "src/main.rs"]),
        ("src/*.rs", vec!["src/lib.rs", "src/main.rs"]),
        ("./src/*.rs", vec!["src/lib.rs", "src/main.rs"]),
        ("**/deep/*", vec!["src/deep/Main.toml"]),
        ("*.{md,yml}", vec![".github/ci.yml", "README.md"]),
        ("deep", vec!["src/deep/"]),
        ("ümlaut", vec!["Ümlaut.txt"]),
        ("a\\[b]*", vec!["a[b].rs"]),
        ("!x*", vec![NOTHING]),
        ("nothing", vec![NOTHING]),
    ] {
        assert_eq!(found(&ground, pattern), expected, "{pattern}");
    }
    let output = call(&ground, json!({"pattern": "main", "directory": "src/deep"}));
    assert_eq!(
        output,
        ToolOutput::done("src/deep/Main.toml").from_source("directory src/deep", false)
    );
    for pattern in ["", " ", "{a"] {
        let output = call(&ground, json!({"pattern": pattern}));
        assert!(!output.success, "{pattern}: {}", output.output);
    }
}

#[test]
fn what_gitignore_names_is_left_out() {
    let ground = Ground::new();
    ground.file(".git/info/exclude", "excluded\n");
    ground.file(
        ".gitignore",
        "target/\n*.log\n!keep.log\n/only-here\n# comment\n",
    );
    ground.file("sub/.gitignore", "local\n!again.log\n");
    ground.file("sub/.ignore", "local2\n");
    for name in [
        "target/x",
        "sub/target/x",
        "a.log",
        "keep.log",
        "sub/again.log",
        "sub/other.log",
        "only-here",
        "sub/only-here",
        "sub/local",
        "local",
        "sub/local2",
        "excluded",
    ] {
        ground.file(name, "");
    }
    let expected = [
        "keep.log",
        "local",
        "sub/",
        "sub/again.log",
        "sub/only-here",
    ];
    let all: Vec<String> = found(&ground, "*")
        .into_iter()
        .filter(|name| !name.contains("ignore"))
        .collect();
    assert_eq!(all, expected);
    // The rules of directories above count below too.
    let output = call(&ground, json!({"pattern": "log", "directory": "sub"}));
    assert_eq!(output.output, "sub/again.log");
}

/// Case 30: a file with rules that is a pipe would wait for ever.
#[cfg(unix)]
#[test]
fn a_gitignore_that_is_a_pipe_or_a_link_is_no_rule() {
    let ground = Ground::new();
    let mode = rustix::fs::Mode::RUSR;
    let pipe = ground.root.join(".gitignore");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    ground.outside_file("rules", "*\n");
    std::os::unix::fs::symlink(ground.outside.join("rules"), ground.root.join(".ignore")).unwrap();
    ground.file("file", "");
    assert_eq!(found(&ground, "file"), ["file"]);
}

/// Cases 34 and 35.
#[cfg(unix)]
#[test]
fn a_search_never_leaves_its_directory() {
    let ground = Ground::new();
    ground.outside_file("secret.txt", "x");
    ground.file("a/secret.txt", "x");
    std::os::unix::fs::symlink(&ground.outside, ground.root.join("out")).unwrap();
    std::os::unix::fs::symlink(&ground.root, ground.root.join("a/loop")).unwrap();
    assert_eq!(found(&ground, "secret"), ["a/secret.txt"]);
}

/// Case 35: the directory is a path like any other, judged before it is searched.
#[test]
fn the_directory_of_a_search_is_judged() {
    let ground = Ground::new();
    let tool = FileSearch::new(ground.options());
    let args = json!({"pattern": "x", "directory": "/etc"});
    let expected = Action::List {
        path: "/etc".to_owned(),
    };
    assert_eq!(tool.plan(&args), Ok(vec![expected]));
    assert_eq!(
        tool.plan(&json!({"pattern": "x"})),
        Ok(vec![Action::List {
            path: ".".to_owned()
        }])
    );
}

#[test]
fn the_first_results_by_path_are_shown_and_all_are_counted() {
    let mut ground = Ground::new();
    ground.options.tool_file_search_max_results = 3;
    for n in 0..1000 {
        ground.file(&format!("d{}/f{n:04}", n % 7), "");
    }
    let names = found(&ground, "f0");
    let expected = [
        "d0/f0000",
        "d0/f0007",
        "d0/f0014",
        "[3 of 1000 matches shown; use a longer pattern or a directory below]",
    ];
    assert_eq!(names, expected);
}
