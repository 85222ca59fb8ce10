//! What a line is taken apart into.

use super::*;

fn words(line: &str) -> Option<Vec<Vec<String>>> {
    let script = read(line);
    if script.unclear.is_some() {
        return None;
    }
    let parts = script.parts.iter().map(|part| match part {
        Part::Run(run) => run.words.iter().map(|word| word.text.clone()).collect(),
        Part::Redirect(redirect) => vec![redirect.op.to_owned(), redirect.target.text.clone()],
        Part::Cd(cd) => vec!["cd".to_owned(), cd.target.text.clone()],
    });
    Some(parts.collect())
}

#[test]
fn lines_are_taken_apart_as_a_shell_does() {
    for (line, expected) in [
        ("a 'b c' \"d\\\"e\" f\\ g", vec!["a|b c|d\"e|f g"]),
        ("a;b&&c||d|e&f", vec!["a", "b", "c", "d", "e", "f"]),
        ("a 2>&1 >o <i", vec![">|o", "<|i", "a"]),
        ("a # b; c\nd", vec!["a", "d"]),
        ("cat <<-X\n\tb; c\n\tX\nd", vec!["cat", "d"]),
        ("echo if then", vec!["echo|if|then"]),
        ("'if' a", vec!["if|a"]),
        ("time -x", vec!["-x"]),
        (
            "nice -n 3 env CI=1 a",
            vec!["nice|-n|3|env|CI=1|a", "env|CI=1|a", "a"],
        ),
    ] {
        let found = words(line).map(|parts| {
            parts
                .iter()
                .map(|words| words.join("|"))
                .collect::<Vec<_>>()
        });
        if line == "time -x" {
            assert_eq!(found, None, "options of a keyword are not understood");
            continue;
        }
        assert_eq!(found.unwrap(), expected, "{line}");
    }
}

#[test]
fn directories_follow_cd() {
    for (line, expected) in [
        ("cd a && cat x", vec!["a", "a/x"]),
        ("cd a; cat x", vec!["a", "a/x", "x"]),
        ("cd a || cat x", vec!["a", "a/x", "x"]),
        ("(cd a); cat x", vec!["a", "x"]),
        ("cd a | cat x", vec!["a", "x"]),
        ("cd a & cat x", vec!["a", "x"]),
        ("cd ../b && cat x", vec!["../b", "../b/x"]),
        (
            "cd /a && cd b && cat x ~/y",
            vec!["/a", "/a/b", "/a/b/x", "~/y"],
        ),
    ] {
        let mut paths = std::collections::BTreeSet::new();
        read(line).questions(
            &mut paths,
            &mut std::collections::BTreeSet::new(),
            &mut std::collections::BTreeSet::new(),
        );
        let mut found: Vec<_> = paths.into_iter().map(|path| path.given).collect();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{line}");
    }
    for line in [
        "cd a && cd .. && cat x",
        "cd a/..",
        "cd",
        "cd -",
        "! cd a",
        "if cd a; then cat x; fi",
        "cd *",
    ] {
        assert!(read(line).unclear.is_some(), "{line}");
    }
}
