//! What every Rust file has to be like.

use std::path::Path;

use super::assert_none;
use super::code::code_of;
use crate::tree;

/// Longest file, in lines, without its tests.
const LONGEST_FILE: usize = 400;

/// Names that say nothing about what is in the file.
const EMPTY_NAMES: &[&str] = &["utils.rs", "helpers.rs", "common.rs", "types.rs"];

/// The only file that knows features, and how many lines of it may.
const FEATURE_FILE: &str = "crates/mesoclaw-daemon/src/wire.rs";
const MOST_FEATURE_LINES: usize = 10;

/// Files that may hold `unsafe`, each block with its reason.
const UNSAFE_FILES: &[&str] = &["crates/mesoclaw-daemon/src/linux.rs"];

/// Lines above an `unsafe` in which its reason is looked for.
const SAFETY_REACH: usize = 5;

/// Words that no program of ours has.
const FORBIDDEN_CODE: &[(&str, &str)] = &[
    ("#[allow(", "use #[expect(lint, reason = ...)]"),
    ("#![allow(", "use #![expect(lint, reason = ...)]"),
    ("#[ignore", "assert what is true today instead"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
];

/// Words that no end to end test has.
const FORBIDDEN_IN_TESTS: &[(&str, &str)] = &[
    ("thread::sleep", "wait for a condition"),
    ("time::sleep", "wait for a condition"),
];

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "rs")
}

/// A Rust file under `crates/*/src` that is not made of tests.
fn is_product(path: &str) -> bool {
    let mut parts = path.split('/');
    is_rust(path)
        && parts.next() == Some("crates")
        && parts.nth(1) == Some("src")
        && !path.ends_with("/tests.rs")
        && !path.contains("/tests/")
}

/// A file without a header, too long a file, or one with a name that says nothing.
fn shape(path: &str, source: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !source.starts_with("//! ") {
        complaints.push(format!("{path} does not begin with a `//!` header"));
    }
    let n_lines = lines_without_tests(source);
    if is_product(path) && n_lines > LONGEST_FILE {
        complaints.push(format!(
            "{path} has {n_lines} lines without its tests, more than {LONGEST_FILE}"
        ));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if EMPTY_NAMES.contains(&name) {
        complaints.push(format!("{path}: the name says nothing about what is in it"));
    }
    complaints
}

/// Tests stand last in a file.
fn lines_without_tests(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

/// Words that may not stand in code.
fn forbidden(path: &str, code: &str, words: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in code.lines().enumerate() {
        for (word, advice) in words.iter().filter(|(word, _)| line.contains(word)) {
            complaints.push(format!("{path}:{}: `{word}`: {advice}", n + 1));
        }
    }
    complaints
}

/// `unsafe` in a file that may not have it, or without its reason.
fn unsafe_blocks(path: &str, source: &str, allowed: &[&str]) -> Vec<String> {
    let lines: Vec<&str> = source.lines().collect();
    let mut complaints = Vec::new();
    for (n, line) in code_of(source).lines().enumerate() {
        if !has_word(line, "unsafe") {
            continue;
        }
        let above = &lines[n.saturating_sub(SAFETY_REACH)..n];
        if !allowed.contains(&path) {
            complaints.push(format!("{path}:{}: `unsafe` is not wanted here", n + 1));
        } else if !above.iter().any(|line| line.contains("// SAFETY: ")) {
            complaints.push(format!(
                "{path}:{}: `unsafe` without a `// SAFETY:` above it",
                n + 1
            ));
        }
    }
    complaints
}

/// Whether `word` stands alone in the line.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|char: char| !(char.is_alphanumeric() || char == '_'))
        .any(|part| part == word)
}

/// Lines that ask for a feature, in the one file that may and everywhere else.
fn features<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, code) in sources {
        let lines: Vec<usize> = (1..)
            .zip(code.lines())
            .filter(|(_, line)| has_word(line, "feature") && line.contains('='))
            .map(|(n, _)| n)
            .collect();
        if path == FEATURE_FILE && lines.len() > MOST_FEATURE_LINES {
            complaints.push(format!(
                "{path} has {} lines with a feature, more than {MOST_FEATURE_LINES}",
                lines.len()
            ));
        }
        if path != FEATURE_FILE {
            let complain = |n| format!("{path}:{n}: features are known in {FEATURE_FILE} alone");
            complaints.extend(lines.into_iter().map(complain));
        }
    }
    complaints
}

/// A manifest of a crate without the lints of the workspace.
fn lints(path: &str, manifest: &str) -> Vec<String> {
    let mut lines = manifest.lines().skip_while(|line| *line != "[lints]");
    let has_lints = lines.next().is_some() && lines.next() == Some("workspace = true");
    if has_lints {
        Vec::new()
    } else {
        vec![format!("{path} has no `[lints]` with `workspace = true`")]
    }
}

fn rust_files() -> Vec<(String, String)> {
    let files = tree::files().into_iter().filter(|path| is_rust(path));
    files
        .map(|path| {
            let text = tree::text(&path).expect("Rust is UTF-8");
            (path, text)
        })
        .collect()
}

#[test]
fn files_have_a_header_a_name_and_an_end() {
    let files = rust_files();
    assert!(files.len() > 100, "{} files", files.len());
    let complaints = files.iter().flat_map(|(path, source)| shape(path, source));
    assert_none(complaints.collect());
}

#[test]
fn code_has_no_word_that_is_not_wanted() {
    let mut complaints = Vec::new();
    for (path, source) in rust_files() {
        let code = code_of(&source);
        complaints.extend(forbidden(&path, &code, FORBIDDEN_CODE));
        if path.starts_with("tests/") {
            complaints.extend(forbidden(&path, &code, FORBIDDEN_IN_TESTS));
        }
        complaints.extend(unsafe_blocks(&path, &source, UNSAFE_FILES));
    }
    assert_none(complaints);
}

#[test]
fn features_are_known_in_one_file() {
    let files: Vec<(String, String)> = rust_files()
        .into_iter()
        .map(|(path, source)| (path, code_of(&source)))
        .collect();
    let count = files
        .iter()
        .filter(|(path, _)| path == FEATURE_FILE)
        .count();
    assert_eq!(count, 1, "{FEATURE_FILE}");
    assert_none(features(
        files.iter().map(|(path, code)| (&**path, &**code)),
    ));
}

#[test]
fn every_crate_has_the_lints_of_the_workspace() {
    let manifests: Vec<String> = tree::files()
        .into_iter()
        .filter(|path| path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
        .collect();
    assert!(manifests.len() >= 12, "{manifests:?}");
    let complaints = manifests
        .iter()
        .flat_map(|path| lints(path, &tree::text(path).expect("TOML is UTF-8")));
    assert_none(complaints.collect());
}

mod checks_can_fail {
    use super::*;

    const PATH: &str = "crates/a/src/b.rs";

    #[test]
    fn a_file_without_shape_is_found() {
        let check = |path: &str, source: &str, expected: &[&str]| {
            assert_eq!(shape(path, source), expected);
        };
        check(PATH, "//! About.\n", &[]);
        check(
            PATH,
            "// About.\n",
            &["crates/a/src/b.rs does not begin with a `//!` header"],
        );
        check(
            "crates/a/src/utils.rs",
            "//! About.\n",
            &["crates/a/src/utils.rs: the name says nothing about what is in it"],
        );
        let long = format!("//! About.\n{}", "x\n".repeat(400));
        let complaint = "crates/a/src/b.rs has 401 lines without its tests, more than 400";
        check(PATH, &long, &[complaint]);
        check("crates/a/src/b/tests.rs", &long, &[]);
        check("crates/a/tests/b.rs", &long, &[]);
        let tested = format!(
            "//! About.\n{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "x\n".repeat(399),
            "y\n".repeat(100)
        );
        check(PATH, &tested, &[]);
    }

    #[test]
    fn a_forbidden_word_is_found() {
        let check = |source: &str, expected: &[&str]| {
            assert_eq!(
                forbidden(PATH, &code_of(source), FORBIDDEN_CODE),
                expected,
                "{source}"
            );
        };
        check("a\n#[expect(dead_code, reason = \"b\")]\n", &[]);
        check("// #[allow(dead_code)] todo!\n", &[]);
        check(
            "a\n#[allow(dead_code)]\n",
            &["crates/a/src/b.rs:2: `#[allow(`: use #[expect(lint, reason = ...)]"],
        );
        check(
            "#[ignore = \"slow\"]\n",
            &["crates/a/src/b.rs:1: `#[ignore`: assert what is true today instead"],
        );
        check(
            "fn a() { todo!() }\n",
            &["crates/a/src/b.rs:1: `todo!`: finish it"],
        );
    }

    #[test]
    fn unsafe_without_a_place_or_a_reason_is_found() {
        let check = |source: &str, allowed: &[&str], expected: &[&str]| {
            assert_eq!(unsafe_blocks(PATH, source, allowed), expected, "{source}");
        };
        check("#![deny(unsafe_code)] // unsafe\n", &[], &[]);
        check("// SAFETY: sound.\nunsafe { a() }\n", &[PATH], &[]);
        check(
            "// SAFETY: sound.\nunsafe { a() }\n",
            &[],
            &["crates/a/src/b.rs:2: `unsafe` is not wanted here"],
        );
        check(
            "unsafe { a() }\n",
            &[PATH],
            &["crates/a/src/b.rs:1: `unsafe` without a `// SAFETY:` above it"],
        );
    }

    #[test]
    fn a_feature_in_the_wrong_place_is_found() {
        let line = "#[cfg(feature = \"local\")]\n";
        let check = |path, code: &str, expected: &[&str]| {
            assert_eq!(features([(path, code)].into_iter()), expected);
        };
        check(FEATURE_FILE, &line.repeat(10), &[]);
        check(
            FEATURE_FILE,
            &line.repeat(11),
            &["crates/mesoclaw-daemon/src/wire.rs has 11 lines with a feature, more than 10"],
        );
        check(
            PATH,
            line,
            &[
                "crates/a/src/b.rs:1: features are known in crates/mesoclaw-daemon/src/wire.rs alone",
            ],
        );
    }

    #[test]
    fn a_crate_without_lints_is_found() {
        let good = "[package]\n\n[lints]\nworkspace = true\n";
        assert_eq!(lints("a", good), Vec::<String>::new());
        for bad in ["[package]\n", "[lints]\n", "[lints]\nrust = {}\n"] {
            let complaint = "a has no `[lints]` with `workspace = true`";
            assert_eq!(lints("a", bad), [complaint]);
        }
    }
}
