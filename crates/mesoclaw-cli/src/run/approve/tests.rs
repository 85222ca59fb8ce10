//! Tests of the numbered prompt: which lines answer, and with what.

use serde_json::json;

use super::*;
use crate::request::sample;

fn question() -> Question {
    let mut approval = sample();
    approval.patterns = vec!["cargo test *".to_owned(), "git commit -m *".to_owned()];
    Question::new(&approval)
}

/// Takes lines; all but the last have to ask again.
fn after(question: &mut Question, lines: &[&str]) -> Step {
    let mut steps: Vec<Step> = lines.iter().map(|line| question.take(line)).collect();
    let last = steps.pop().unwrap();
    for step in steps {
        assert!(!matches!(step, Step::Answer(_)), "{lines:?}: {step:?}");
    }
    last
}

fn allowed(scope: ApprovalScope, patterns: Option<&[&str]>, secs: Option<u64>) -> Step {
    let patterns = patterns.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
    Step::Answer(Reply::allow(scope, patterns, secs))
}

fn denied(reason: Option<&str>) -> Step {
    Step::Answer(Reply::deny(reason.map(str::to_owned)))
}

#[test]
fn lines_are_answers() {
    let both = Some(&["cargo test *", "git commit -m *"][..]);
    for (lines, expected) in [
        (&["1"][..], allowed(ApprovalScope::Once, None, None)),
        (&[" 1 "], allowed(ApprovalScope::Once, None, None)),
        (&["2"], allowed(ApprovalScope::Session, both, None)),
        (
            &["2 30m"],
            allowed(ApprovalScope::Session, both, Some(1_800)),
        ),
        (&["3", "1"], allowed(ApprovalScope::Session, both, None)),
        (&["3", "2"], allowed(ApprovalScope::Project, both, None)),
        (
            &["3", "3 for 7d"],
            allowed(ApprovalScope::Always, both, Some(604_800)),
        ),
        (&["3", "4", "1"], allowed(ApprovalScope::Once, None, None)),
        (
            &["4", "cargo test -p a *", "", "2 2h"],
            allowed(
                ApprovalScope::Project,
                Some(&["cargo test -p a *", "git commit -m *"]),
                Some(7_200),
            ),
        ),
        (&["6", "5"], denied(None)),
        (&[""], denied(None)),
        (&["   "], denied(None)),
        (&["n"], denied(None)),
        (&["no"], denied(None)),
        (&["deny"], denied(None)),
        (&["5"], denied(None)),
        (
            &["5 because it is the wrong folder"],
            denied(Some("it is the wrong folder")),
        ),
        (&["5 not now"], denied(Some("not now"))),
        (&["3", "", ""], denied(None)),
    ] {
        assert_eq!(after(&mut question(), lines), expected, "{lines:?}");
    }
}

#[test]
fn nothing_else_lets_a_call_run() {
    // Words that were meant for something else, and near misses of a choice.
    for line in [
        "y",
        "yes",
        "Y",
        "ok",
        "a",
        "s",
        "allow",
        "1.",
        "1)",
        "01",
        "11",
        "1 2",
        "1 because",
        "7",
        "0",
        "-1",
        "１",
        "١",
        "continue",
        "/quit",
        "rm -rf x",
        "2 soon",
        "2 0h",
        "3 now",
        "4 x",
        "6 6",
    ] {
        let mut question = question();
        let step = question.take(line);
        assert!(
            matches!(step, Step::Again(ref text) if !text.is_empty()),
            "{line}: {step:?}"
        );
        assert_eq!(question, self::question(), "{line}");
    }
    let mut placing = question();
    placing.take("3");
    for line in ["5", "y", "1 soon", "1x", "0", "11"] {
        let step = placing.take(line);
        assert!(
            matches!(step, Step::Again(ref text) if !text.is_empty()),
            "{line}: {step:?}"
        );
    }
    assert!(matches!(Question::take_several(), Step::Again(_)));
}

#[test]
fn a_call_that_no_rule_can_cover_is_allowed_once_or_not() {
    let mut approval = sample();
    approval.patterns.clear();
    let question = Question::new(&approval);
    assert_eq!(
        question.choices(80),
        "  1 allow once  5 deny  6 show all\n  (5 WHY tells the model why not)\n"
    );
    for line in ["2", "3", "4", "2 2h"] {
        let step = question.clone().take(line);
        assert!(matches!(step, Step::Again(_)), "{line}: {step:?}");
    }
    assert_eq!(
        question.clone().take("1"),
        allowed(ApprovalScope::Once, None, None)
    );
}

#[test]
fn editing_shows_each_rule_and_then_what_it_would_allow() {
    let mut question = question();
    assert_eq!(question.prompt(), "choice [5]: ");
    assert_eq!(question.take("4"), Step::Again(String::new()));
    assert_eq!(question.prompt(), "rule [cargo test *]: ");
    assert_eq!(question.take("cargo *"), Step::Again(String::new()));
    assert_eq!(question.prompt(), "rule [git commit -m *]: ");
    assert_eq!(question.take(""), Step::Preview);
    assert_eq!(question.prompt(), "where [4]: ");
    assert_eq!(question.patterns(), ["cargo *", "git commit -m *"]);
    // Going back keeps what was typed, and shows it again before anything is stored.
    assert_eq!(question.take("4"), Step::Again(String::new()));
    assert_eq!(question.take("3"), Step::Preview);
    assert_eq!(question.patterns(), ["cargo *", "git commit -m *"]);
}

#[test]
fn choices_and_prompts_fit_in_forty_columns() {
    let mut question = question();
    for lines in [&[][..], &["4"], &["", ""]] {
        for line in lines {
            question.take(line);
        }
        for line in question.choices(40).lines() {
            assert!(line.chars().count() <= 40, "{line:?}");
        }
        assert!(question.prompt().chars().count() <= 40);
    }
    assert_eq!(
        self::question().choices(80).lines().next(),
        Some("  1 allow once  2 allow this session  3 always (shows rule)  4 edit  5 deny")
    );
}

#[test]
fn an_answer_carries_the_digest_that_was_shown() {
    let Step::Answer(reply) = question().take("2 2h") else {
        panic!("an answer");
    };
    assert_eq!(
        serde_json::to_value(reply.params(&sample())).unwrap(),
        json!({
            "approval_id": "a",
            "answer": "approve",
            "scope": "session",
            "patterns": ["cargo test *", "git commit -m *"],
            "expires_in_secs": 7_200,
            "digest": "d1",
        })
    );
}
