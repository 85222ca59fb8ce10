//! Tests of the module beside.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::Ground;

fn applied(diff: &str, text: &str) -> Result<String, String> {
    let patch = parse(diff).map_err(|error| error.to_string())?;
    let applied = apply(&patch, text).map_err(|error| error.to_string())?;
    Ok(applied.text)
}

const TEXT: &str = "a\nb\nc\nd\ne\nf\ng\n";

#[test]
fn hunks_are_applied_where_their_lines_are() {
    for (diff, expected) in [
        ("@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        // The line number is off.
        ("@@ -5,3 +5,3 @@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        // The counts are wrong, there are none, or no numbers at all.
        ("@@ -2,9 +2,7 @@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        ("@@ -2,1 +2,1 @@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        ("@@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        ("@@ ... @@\n b\n-c\n+C\n d\n", "a\nb\nC\nd\ne\nf\ng\n"),
        // Two hunks, the second one shifted by the first.
        (
            "@@ -1,2 +1,3 @@\n a\n+x\n b\n@@ -6,2 +7,1 @@\n f\n-g\n",
            "a\nx\nb\nc\nd\ne\nf\n",
        ),
        // Insertion by line number alone.
        ("@@ -3,0 +4 @@\n+x\n", "a\nb\nc\nx\nd\ne\nf\ng\n"),
        // Text around it, a fence, a header, a section name.
        (
            "```diff\ndiff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -2,1 +2,1 @@ fn main()\n-b\n+B\n```\n",
            "a\nB\nc\nd\ne\nf\ng\n",
        ),
        // Removed lines that look like headers.
        (
            "@@ -1 +1,2 @@\n-a\n+-- x\n+++ y\n",
            "-- x\n++ y\nb\nc\nd\ne\nf\ng\n",
        ),
    ] {
        assert_eq!(applied(diff, TEXT).as_deref(), Ok(expected), "{diff}");
    }
}

#[test]
fn ends_of_lines_and_of_the_file_are_kept() {
    for (diff, text, expected) in [
        ("@@ -1,2 +1,2 @@\n a\n-b\n+B\n", "a\r\nb\r\n", "a\r\nB\r\n"),
        ("@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+B\r\n", "a\nb\n", "a\nB\n"),
        (
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
            "a\nb",
            "a\nb\n",
        ),
        (
            "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n",
            "a\nb\n",
            "a\nb",
        ),
        ("@@ -1,1 +1,2 @@\n a\n+b\n", "a", "a\nb\n"),
        ("@@ -1,2 +1,2 @@\n-a\n+A\n b\n", "a\nb", "A\nb"),
        ("@@ -1,3 +1,3 @@\n a\n\n-b\n+B\n", "a\n\nb\n", "a\n\nB\n"),
        ("@@ -0,0 +1,1 @@\n+a\n", "", "a\n"),
    ] {
        assert_eq!(
            applied(diff, text).as_deref(),
            Ok(expected),
            "{diff:?} {text:?}"
        );
    }
}

#[test]
fn what_does_not_fit_is_explained() {
    for (diff, text, part) in [
        ("hello", TEXT, "has no hunk"),
        ("@@ -1 +1 @@\n a\n", TEXT, "has no line with"),
        (
            "@@ -x +y @@\n-a\n",
            TEXT,
            "line 1 of the diff is not a hunk header",
        ),
        (
            "@@ -1 +1 @@\n-a\nb\n",
            TEXT,
            "line 3 of the diff starts with `b`",
        ),
        (
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+A\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+A\n",
            TEXT,
            "line 6 of the diff starts a second file",
        ),
        (
            "rename from a\nrename to b\n",
            TEXT,
            "is a rename or a binary change",
        ),
        (
            "@@ -2,2 +2,2 @@\n b\n-x\n+y\n",
            TEXT,
            "line 3 of the file is `c`, the patch expects `x`",
        ),
        (
            "@@ -9,1 +9,1 @@\n-x\n+y\n",
            TEXT,
            "its first line `x` is not in the file",
        ),
        (
            "@@ -9,1 +9,1 @@\n-x\n+y\n",
            "a\nx\nb\nx\n",
            "fits at lines 2 and 4",
        ),
        (
            "@@ -7,2 +7,1 @@\n g\n-h\n",
            TEXT,
            "the file ends where the patch expects `h`",
        ),
        (
            "@@ -99,0 +99,1 @@\n+x\n",
            TEXT,
            "has only `+` lines and no right line number",
        ),
        (
            "@@ -1 +1 @@\n-c\n+C\n@@ -2 +2 @@\n-a\n+A\n",
            TEXT,
            "hunk 2 does not fit",
        ),
    ] {
        let error = applied(diff, text).unwrap_err();
        assert!(error.contains(part), "{diff:?}: {error}");
    }
    assert!(parse(&"+".repeat(5 << 20)).is_err());
}

#[test]
fn a_search_that_takes_too_long_gives_up() {
    let text = "a\n".repeat(100_000);
    let diff = format!("@@\n{}-b\n", " a\n".repeat(50_000));
    let error = applied(&diff, &text).unwrap_err();
    assert!(error.contains("in reasonable time"), "{error}");
}

fn call(ground: &Ground, path: &str, diff: &str) -> ToolOutput {
    let tool = Patch::new(ground.options());
    ground.call(&tool, json!({"file_path": path, "diff": diff}))
}

#[test]
fn files_are_changed_made_and_deleted() {
    let ground = Ground::new();
    ground.file("src/x", "a\nb\n");
    let output = call(
        &ground,
        "src/x",
        "--- a/src/x\n+++ b/src/x\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n",
    );
    assert_eq!(
        output.output,
        "Changed `src/x` (1 hunks applied): 1 lines added, 1 removed."
    );
    assert_eq!(ground.text("src/x"), "a\nB\n");
    let output = call(
        &ground,
        "new/y",
        "--- /dev/null\n+++ b/new/y\n@@ -0,0 +1 @@\n+hello\n",
    );
    assert_eq!(
        output.output,
        "Created `new/y` (1 hunks applied): 1 lines added."
    );
    assert_eq!(ground.text("new/y"), "hello\n");
    let output = call(
        &ground,
        "new/y",
        "--- a/new/y\n+++ /dev/null\n@@ -1 +0,0 @@\n-hello\n",
    );
    assert_eq!(output.output, "Deleted `new/y`.");
    assert!(!ground.root.join("new/y").exists());
    let kept = ground.kept.after.lock().unwrap();
    assert_eq!(kept.last(), Some(&(ground.root.join("new/y"), None)));
}

#[test]
fn plans_say_what_a_patch_does() {
    let ground = Ground::new();
    let tool = Patch::new(ground.options());
    let change = "@@ -1 +1 @@\n-a\n+b\n";
    let delete = "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n";
    let path = || "x".to_owned();
    for (args, expected) in [
        (
            json!({"file_path": "x", "diff": change}),
            Action::Write { path: path() },
        ),
        (
            json!({"file_path": "x", "diff": change, "dry_run": true}),
            Action::Read { path: path() },
        ),
        (
            json!({"file_path": "x", "diff": delete}),
            Action::Delete { path: path() },
        ),
    ] {
        assert_eq!(tool.plan(&args), Ok(vec![expected]), "{args}");
    }
}

#[test]
fn a_patch_of_another_file_or_of_nothing_is_refused() {
    let ground = Ground::new();
    ground.file("x", "a\n");
    let hunk = "@@ -1 +1 @@\n-a\n+b\n";
    for (path, diff, part) in [
        (
            "x",
            format!("--- a/y\n+++ b/y\n{hunk}"),
            "The patch is for `a/y`, but `file_path` is `x`",
        ),
        (
            "x",
            format!("--- ../../etc/passwd\n+++ ../../etc/passwd\n{hunk}"),
            "The patch is for",
        ),
        ("z", hunk.to_owned(), "There is no `z` to patch"),
        (
            "x",
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n".to_owned(),
            "exists already",
        ),
        (
            "x",
            "--- a/x\n+++ /dev/null\n@@ -1,1 +1,1 @@\n-a\n+b\n".to_owned(),
            "leaves text in it",
        ),
        (
            "x",
            "--- a/x\n+++ /dev/null\n".to_owned(),
            "leaves text in it",
        ),
    ] {
        let output = call(&ground, path, &diff);
        assert!(
            !output.success && output.output.contains(part),
            "{diff:?}: {}",
            output.output
        );
    }
    assert_eq!(ground.text("x"), "a\n");
    for (path, name) in [
        ("x", "a/x"),
        ("./x", "x"),
        ("/w/src/x", "b/src/x"),
        ("x", "src/x\t2026-01-01"),
    ] {
        let diff = format!("--- {name}\n+++ {name}\n{hunk}");
        assert_eq!(
            parse(&diff).unwrap().check_name(path),
            Ok(()),
            "{path} {name}"
        );
    }
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let ground = Ground::new();
    ground.file("x", "a\n");
    let tool = Patch::new(ground.options());
    let args = json!({"file_path": "x", "diff": "@@ -1 +1 @@\n-a\n+b\n", "dry_run": "true"});
    let output = ground.call(&tool, args.clone());
    assert_eq!(
        output.output,
        "The patch fits `x`; nothing was changed.\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    );
    assert_eq!(ground.text("x"), "a\n");
    assert!(ground.kept.before.lock().unwrap().is_empty());
    assert!(ground.preview(&tool, args).unwrap().contains("+b"));
}

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[ab]{0,2}",
        1 => Just("-- x".to_owned()),
        1 => Just("++ y".to_owned()),
        1 => Just("@@ -1 +1 @@".to_owned()),
        1 => Just("\\ z".to_owned()),
        1 => Just("--- a".to_owned()),
        1 => Just("+++ b".to_owned()),
        1 => Just("```".to_owned()),
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    (proptest::collection::vec((line, end), 0..30), any::<bool>()).prop_map(|(lines, has_end)| {
        let mut text: String = lines
            .into_iter()
            .flat_map(|(line, end)| [line, end.to_owned()])
            .collect();
        if !has_end {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_applied_gives_the_other_text(a in text(), b in text()) {
        let diff = crate::diff::unified("x", Some(a.as_bytes()), Some(b.as_bytes()));
        if a != b {
            prop_assert_eq!(applied(&diff, &a), Ok(b));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(diff in "(@@ -[0-9]{1,2}(,[0-9])? \\+[0-9](,[0-9])? @@\n|@@\n|--- a\n|\\+\\+\\+ b\n|[ +\\-\\\\]?[ab]?\r?\n|```\n|\\PC{0,5}){0,20}", text in text()) {
        if let Ok(patch) = parse(&diff) {
            // Whether it fits does not matter here.
            apply(&patch, &text).ok();
        }
    }
}
