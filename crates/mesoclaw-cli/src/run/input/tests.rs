//! Tests of the reading of stdin.

use super::*;

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn prompts_are_composed() {
    let cases = [
        (words(&["a", "b"]), StdinUse::Ignore, "x", "a b"),
        (words(&["a"]), StdinUse::IgnoreWithNote, "x", "a"),
        (words(&[]), StdinUse::Whole, "one\ntwo\r\n\n", "one\ntwo"),
        (words(&["-"]), StdinUse::Whole, "  x\n", "  x"),
        (
            words(&["sum", "up"]),
            StdinUse::Append,
            "x\n",
            "sum up\n\n```\nx\n```",
        ),
        (words(&["sum"]), StdinUse::Append, "\n", "sum"),
        (
            words(&["q"]),
            StdinUse::Append,
            "a\n````\nb",
            "q\n\n`````\na\n````\nb\n`````",
        ),
        (
            words(&["a", "-", "b", "c"]),
            StdinUse::Place,
            "x",
            "a\n\n```\nx\n```\n\nb c",
        ),
        (
            words(&["-", "b", "-"]),
            StdinUse::Place,
            "x",
            "```\nx\n```\n\nb",
        ),
        (words(&["a", "-"]), StdinUse::Place, "", "a"),
    ];
    for (words, usage, stdin, expected) in cases {
        assert_eq!(
            compose(&words, usage, stdin).unwrap(),
            expected,
            "{words:?} {usage:?} {stdin:?}"
        );
    }
}

#[test]
fn nothing_asked_is_a_usage_error() {
    for (words, usage, stdin) in [
        (words(&[]), StdinUse::Whole, ""),
        (words(&[]), StdinUse::Whole, " \n\n"),
        (words(&[""]), StdinUse::Ignore, ""),
        (words(&["-"]), StdinUse::Place, ""),
    ] {
        assert_eq!(compose(&words, usage, stdin).unwrap_err().exit_code(), 2);
    }
}

#[test]
fn messages_have_a_limit() {
    let text = "x".repeat(MAX_MESSAGE_BYTES + 1);
    let error = compose(&[], StdinUse::Whole, &text).unwrap_err();
    assert_eq!(error.exit_code(), 8);
}

#[test]
fn stdin_is_checked() {
    let check = |data: &[u8], limit, expected: Result<&str, u8>| {
        let result = read_text(data, limit, "stdin");
        assert_eq!(
            result.as_deref().map_err(CliError::exit_code),
            expected,
            "{data:?}"
        );
    };
    check(b"text", 4, Ok("text"));
    check(b"text!", 4, Err(8));
    check("\u{feff}text".as_bytes(), 10, Ok("text"));
    check(b"a\0b", 10, Err(2));
    check(b"\xff\xfe", 10, Err(2));
    check(b"", 10, Ok(""));
}
