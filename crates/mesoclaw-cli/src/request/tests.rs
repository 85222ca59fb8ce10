//! Tests of how a request for approval looks.

use mesoclaw_api::Timestamp;
use serde_json::json;

use super::*;

/// A request to delete a file.
pub(super) fn sample() -> Approval {
    Approval {
        id: "a".into(),
        session_id: Some("s".into()),
        turn_id: Some("t".into()),
        call_id: "c1".into(),
        tool: "shell".to_owned(),
        args: json!({"command": "rm x"}),
        risk: Risk::High,
        reason: "it deletes".to_owned(),
        rule: "delete".to_owned(),
        steps: vec![Step {
            what: "rm x".to_owned(),
            risk: Risk::High,
            rule: "delete".to_owned(),
            reason: "it deletes".to_owned(),
            program: Some("/usr/bin/rm".to_owned()),
        }],
        cwd: "/w".to_owned(),
        network: false,
        sandbox: "the workspace only".to_owned(),
        diff: None,
        patterns: vec!["rm *".to_owned()],
        digest: "d1".to_owned(),
        requested_at: Timestamp::from_unix_ms(0),
        expires_at: Some(Timestamp::from_unix_ms(60_000)),
        decision: None,
        resolved_at: None,
        resolved_by: None,
        scope: None,
        answer_reason: None,
    }
}

/// A diff that adds so many lines.
pub(super) fn lines(count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|n| format!("+{n}\n")).collect();
    lines.concat()
}

#[test]
fn everything_that_matters_is_there() {
    let mut approval = sample();
    approval.network = true;
    assert_eq!(
        headline(&approval, 80),
        "approval needed: shell   risk high\n  it deletes (delete)\n"
    );
    assert_eq!(
        body(&approval, Extent::AtPrompt, 80),
        "  | rm x\n\
         \x20 in /w\n\
         \x20 - high   rm x\n      delete: it deletes\n      runs /usr/bin/rm\n\
         \x20 network: yes\n\
         \x20 sandbox: the workspace only\n\
         \x20 rule: rm *\n"
    );
    approval.patterns.clear();
    let text = body(&approval, Extent::AtPrompt, 80);
    assert!(
        text.ends_with("no rule can cover this call: it asks every time\n"),
        "{text}"
    );
}

#[test]
fn a_command_is_whole_and_nothing_in_it_is_hidden() {
    let long = "x".repeat(5_000);
    let command = format!("echo {long}\n\r  1 allow once\x1b[2J\u{202e}\u{200b} \u{a0}; rm -rf y");
    let mut approval = sample();
    approval.args = json!({"command": command});
    for width in [40, 80, 200] {
        let text = body(&approval, Extent::AtPrompt, width);
        let joined = text.replace("\n  | ", "");
        assert!(joined.contains(&long), "{width}");
        for shown in [
            "^M  1 allow once",
            "^[[2J",
            "<U+202E>",
            "<U+200B>",
            "<U+00A0>",
            "rm -rf y",
        ] {
            // A piece may stand on two lines.
            assert!(joined.contains(shown), "{shown} in {joined}");
        }
        // No line of the command can pass for one of ours.
        assert!(
            !text
                .lines()
                .any(|line| line.trim_start().starts_with("1 allow")),
            "{text}"
        );
        assert!(
            text.chars().all(|c| c == '\n' || !c.is_control()),
            "{text:?}"
        );
    }
}

#[test]
fn characters_that_look_like_others_are_told() {
    let mut approval = sample();
    approval.args = json!({"command": "c\u{430}t x"});
    let text = body(&approval, Extent::AtPrompt, 80);
    assert!(
        text.contains("  careful: characters outside ASCII: \u{430} (U+0430)\n"),
        "{text}"
    );
}

#[test]
fn forty_columns_are_enough() {
    let mut approval = sample();
    approval.args =
        json!({"command": "journalctl --unit backup --lines 4000 --no-pager --output json"});
    approval.cwd = "/srv/data/projects/a-long-name/of-a-directory/below-another".to_owned();
    approval.reason =
        "it is a program that the policy does not know, so a person decides".to_owned();
    approval.patterns = vec!["journalctl --unit backup --lines 4000 *".to_owned()];
    approval.diff = Some("+a long line in a diff that does not fit into forty columns".to_owned());
    let text = headline(&approval, 40) + &body(&approval, Extent::Whole, 40);
    for line in text.lines() {
        assert!(line.chars().count() <= 40, "{line:?}");
    }
    // Words stay whole where that is possible.
    assert!(
        text.contains("  | journalctl --unit backup --lines\n"),
        "{text}"
    );
}

#[test]
fn a_long_diff_is_cut_at_the_prompt_only() {
    let mut approval = sample();
    approval.tool = "file_write".to_owned();
    approval.args = json!({"path": "a", "content": "one\ntwo\n"});
    approval.diff = Some(lines(30));
    let at_prompt = body(&approval, Extent::AtPrompt, 80);
    assert!(
        at_prompt
            .starts_with("  content: (2 lines: see the changes below, 6 shows all)\n  path: a\n"),
        "{at_prompt}"
    );
    assert!(
        at_prompt.contains("  | +19\n  (10 more lines: 6 shows all)\n"),
        "{at_prompt}"
    );
    let whole = body(&approval, Extent::Whole, 80);
    assert!(
        whole.starts_with("  content:\n  | one\n  | two\n  path: a\n"),
        "{whole}"
    );
    assert!(
        whole.contains("  | +29\n") && !whole.contains("more lines"),
        "{whole}"
    );
}

#[test]
fn a_long_line_is_cut_at_the_prompt_unless_it_is_a_command() {
    let mut approval = sample();
    approval.args = json!({"content": "z".repeat(100_000), "path": "a"});
    let text = body(&approval, Extent::AtPrompt, 80);
    assert!(text.lines().count() < 40, "{text}");
    assert!(text.contains("more lines: 6 shows all)\n"), "{text}");
    approval.args = json!({"command": "z".repeat(10_000), "timeout_secs": 5});
    let text = body(&approval, Extent::AtPrompt, 80);
    assert_eq!(text.matches('z').count(), 10_000);
    assert!(text.contains("  timeout_secs: 5\n"), "{text}");
}

#[test]
fn a_call_fits_in_a_line_of_a_list() {
    for (args, expected) in [
        (json!({"command": "a\nb"}), "shell: a^Jb".to_owned()),
        (json!("x\x1b"), "shell: x^[".to_owned()),
        (
            json!({"command": "y".repeat(200)}),
            format!("shell: {}...", "y".repeat(113)),
        ),
    ] {
        assert_eq!(in_a_line("shell", &args), expected);
    }
}
