//! Tests of how the policy and verdicts look.

use mesoclaw_api::ops::approval::{Risk, Step};
use mesoclaw_api::ops::policy::{KnownProgram, Rule};
use serde_json::json;

use super::*;

fn judged(verdict: VerdictWord, patterns: &[&str]) -> Judged {
    Judged {
        verdict,
        reason: "it deletes files".to_owned(),
        rule: "shell.delete".to_owned(),
        risk: Risk::High,
        steps: vec![
            Step {
                what: "cargo test".to_owned(),
                risk: Risk::Medium,
                rule: "program.cargo".to_owned(),
                reason: "it runs code of the project".to_owned(),
                program: Some("/usr/bin/cargo".to_owned()),
            },
            Step {
                what: "rm -rf a\u{1b}[2Jb\u{200b}".to_owned(),
                risk: Risk::High,
                rule: "shell.delete".to_owned(),
                reason: "it deletes files".to_owned(),
                program: None,
            },
        ],
        patterns: patterns.iter().map(|text| (*text).to_owned()).collect(),
        grant: None,
        network: false,
        sandbox: "the workspace only".to_owned(),
    }
}

#[test]
fn a_verdict_shows_every_part() {
    assert_eq!(
        judged_text(&judged(VerdictWord::Ask, &["cargo test *"]), 80),
        "ask   risk high\n\
         \x20 it deletes files (shell.delete)\n\
         \x20 - medium cargo test\n\
         \x20     program.cargo: it runs code of the project\n\
         \x20     runs /usr/bin/cargo\n\
         \x20 - high   rm -rf a^[[2Jb<U+200B>\n\
         \x20     shell.delete: it deletes files\n\
         \x20 a grant would be: cargo test *\n\
         \x20 network: no\n\
         \x20 sandbox: the workspace only\n"
    );
    let text = judged_text(&judged(VerdictWord::Ask, &[]), 80);
    assert!(text.contains("  no rule can cover this call"), "{text}");
}

#[test]
fn forty_columns_are_enough() {
    let text = judged_text(
        &judged(
            VerdictWord::Deny,
            &["cargo test --workspace --all-targets *"],
        ),
        40,
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 40),
        "{text}"
    );
}

#[test]
fn verdicts_have_exit_codes() {
    for (verdict, word, code) in [
        (VerdictWord::Allow, "allow", 0),
        (VerdictWord::Ask, "ask", 0),
        (VerdictWord::Deny, "deny", 5),
    ] {
        assert_eq!((verdict_word(verdict), exit_code(verdict)), (word, code));
    }
}

#[test]
fn the_policy_reads_like_a_list() {
    let policy = Policy {
        autonomy: "supervised".to_owned(),
        autonomy_text: "Looks run; all else asks.".to_owned(),
        notice: Some("`full` is called so here".to_owned()),
        sandbox: "Sandbox: Landlock 5".to_owned(),
        program_dirs: vec!["/usr/bin".to_owned(), "/bin".to_owned()],
        rules: vec![Rule {
            id: "delete".to_owned(),
            text: "Deleting asks.".to_owned(),
            leads_to: "high".to_owned(),
        }],
        programs: vec![KnownProgram {
            name: "ls".to_owned(),
            risk: "low".to_owned(),
            note: "lists files".to_owned(),
        }],
    };
    assert_eq!(
        whole(&policy, 80),
        "level: supervised\n  Looks run; all else asks.\n  `full` is called so here\n\
         Sandbox: Landlock 5\nprograms come from: /usr/bin, /bin\n\n\
         rules:\nhigh    delete  Deleting asks.\n\n\
         1 programs are known: mesoclaw policy show --programs\n\
         the level is changed with: mesoclaw config set security_autonomy_level LEVEL\n"
    );
    assert_eq!(
        programs_text(&policy),
        "PROGRAM  RISK\nls       low   lists files\n"
    );
}

#[test]
fn arguments_are_an_object() {
    assert_eq!(object(r#"{"a": 1}"#).unwrap(), json!({"a": 1}));
    for text in ["", "[]", "1", "{", "a=b"] {
        assert_eq!(object(text).unwrap_err().exit_code(), 2, "{text:?}");
    }
}
