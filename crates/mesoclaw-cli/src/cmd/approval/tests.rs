//! Tests of how requests are listed, shown and answered.

use mesoclaw_api::{Surface, Timestamp};

use super::*;
use crate::request::{added_lines, sample};

#[test]
fn requests_are_listed_in_short() {
    let mut approval = sample();
    approval.id = "0123456789".into();
    assert_eq!(
        listing(std::slice::from_ref(&approval)),
        "01234567  1970-01-01 00:00  high  waits\n  shell: rm x\n"
    );
    approval.decision = Some(ApprovalDecision::Approved);
    approval.resolved_by = Some(Surface::Tui);
    approval.scope = Some(ApprovalScope::Project);
    assert_eq!(
        listing(&[approval]),
        "01234567  1970-01-01 00:00  high  allowed in the full-screen interface, for the project\n  shell: rm x\n"
    );
    assert_eq!(listing(&[]), "nothing waits for an answer\n");
}

#[test]
fn show_has_everything() {
    let mut approval = sample();
    approval.diff = Some(added_lines(40));
    let text = whole(&approval, 80);
    for part in [
        "approval needed: shell   risk high\n  it deletes (delete)\n  | rm x\n  in /w\n",
        "  - high   rm x\n",
        "      runs /usr/bin/rm\n",
        "  sandbox: the workspace only\n",
        "  | +39\n",
        "  rule: rm *\n",
        "  id: a\n  session: s\n  digest: d1\n",
        "  denied by itself: 1970-01-01T00:01:00.000Z\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    approval.expires_at = None;
    assert!(whole(&approval, 80).contains("an answer takes it up again"));
    approval.decision = Some(ApprovalDecision::Denied);
    approval.resolved_by = Some(Surface::Http);
    approval.answer_reason = Some("no\u{1b}".to_owned());
    approval.resolved_at = Some(Timestamp::from_unix_ms(0));
    assert!(whole(&approval, 80).ends_with("  answer: denied over HTTP\n  because: no^[\n"));
}

#[test]
fn an_answer_is_bound_to_what_was_read() {
    let args = || AllowArgs {
        id: "a".to_owned(),
        ..AllowArgs::default()
    };
    let once = allowing(&sample(), args()).unwrap();
    assert_eq!(
        (
            once.answer,
            once.scope,
            once.patterns,
            once.digest.as_deref()
        ),
        (Answer::Approve, ApprovalScope::Once, None, Some("d1"))
    );
    let project = AllowArgs {
        project: true,
        patterns: vec!["rm y".to_owned()],
        expires: Some(60),
        digest: Some("other".to_owned()),
        ..args()
    };
    let project = allowing(&sample(), project).unwrap();
    assert_eq!(
        (
            project.scope,
            project.patterns,
            project.expires_in_secs,
            project.digest.as_deref()
        ),
        (
            ApprovalScope::Project,
            Some(vec!["rm y".to_owned()]),
            Some(60),
            Some("other")
        )
    );
}

#[test]
fn a_rule_needs_a_place_and_a_pattern() {
    let mut without = sample();
    without.patterns.clear();
    for (approval, args) in [
        (
            sample(),
            AllowArgs {
                expires: Some(60),
                ..AllowArgs::default()
            },
        ),
        (
            sample(),
            AllowArgs {
                patterns: vec!["rm *".to_owned()],
                ..AllowArgs::default()
            },
        ),
        (
            without,
            AllowArgs {
                always: true,
                ..AllowArgs::default()
            },
        ),
    ] {
        assert_eq!(
            allowing(&approval, args.clone()).unwrap_err().exit_code(),
            2,
            "{args:?}"
        );
    }
}
