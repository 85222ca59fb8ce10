//! Patterns cover what they say and nothing else.

use super::*;

fn parse(text: &str) -> Pattern {
    Pattern::parse("shell", text).unwrap()
}

#[test]
fn commands_are_matched_word_by_word() {
    for (pattern, given, expected) in [
        ("cargo test *", "cargo test", true),
        ("cargo test *", "cargo test --workspace -q", true),
        ("cargo test *", "cargo build", false),
        ("cargo test", "cargo test -q", false),
        ("git commit -m *", "git commit -m", true),
        ("git * main", "git switch main", true),
        ("git * main", "git switch other main", false),
        ("git * main", "git main", false),
        ("ls '*'", "ls *", true),
        ("ls '*'", "ls a", false),
        ("rm -rf target", "rm -rf target", true),
        ("rm -rf target", "rm -rf target x", false),
    ] {
        let given: Vec<&str> = given.split(' ').collect();
        assert_eq!(
            parse(pattern).matches_words(&given),
            expected,
            "{pattern} {given:?}"
        );
    }
}

#[test]
fn texts_that_say_too_much_are_no_patterns() {
    for (tool, text) in [
        ("shell", ""),
        ("shell", "  "),
        ("shell", "*"),
        ("shell", "* test"),
        ("shell", "cargo te*"),
        ("shell", "echo 'x"),
        ("shell", "cargo\u{202e} test"),
        ("web_fetch", "*"),
        ("web_fetch", "*.com"),
        ("web_fetch", "https://x.example"),
        ("file_write", "../**"),
        ("process", "kill"),
    ] {
        assert!(Pattern::parse(tool, text).is_err(), "{tool} {text}");
    }
}

#[test]
fn hosts_and_paths_are_matched_whole() {
    let host = Pattern::parse("web_fetch", "docs.rs").unwrap();
    assert!(host.matches_host("docs.rs"));
    assert!(!host.matches_host("evil-docs.rs"));
    assert!(!host.matches_host("docs.rs.evil.example"));
    let below = Pattern::parse("web_fetch", "*.example.org").unwrap();
    assert!(below.matches_host("a.b.example.org"));
    assert!(!below.matches_host("example.org"));
    assert!(!below.matches_host("badexample.org"));
    let path = Pattern::parse("file_write", "src/**").unwrap();
    let root = Some(Path::new("/w"));
    assert!(path.matches_path(Path::new("/w/src/a/b.rs"), root));
    assert!(!path.matches_path(Path::new("/w/srcs/a"), root));
    assert!(!path.matches_path(Path::new("/x/src/a"), root));
    assert!(!path.matches_path(Path::new("/w/src/a"), None));
}

#[test]
fn suggested_words_are_read_back_as_themselves() {
    for words in [
        vec!["echo", "*", "a b", "it's", "", "back\\slash"],
        vec!["git", "commit", "-m", "**"],
    ] {
        let text = words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ");
        assert!(parse(&text).matches_words(&words), "{text}");
    }
}
