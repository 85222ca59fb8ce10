//! Properties of the policy that hold for any input, as functions that a fuzzer can call, too.

use crate::imagined_disk::{class, decided, facts, roots, shell};
use mesoclaw_agent::policy::{
    Action, Autonomy, Inquiry, Pattern, Verdict, check_given, escaped, git_config_runs, place,
    would_cover,
};
use mesoclaw_api::ops::grant::{Grant, GrantScope};
use mesoclaw_api::{ApprovalId, GrantId, Timestamp};
use proptest::prelude::*;
use serde_json::json;

fn allows(inquiry: &Inquiry, autonomy: Autonomy, taint: Option<&str>, grants: &[Grant]) -> bool {
    let decision = decided(inquiry, autonomy, taint, grants);
    matches!(decision.verdict, Verdict::Allow { .. })
}

fn grant(pattern: &str, programs: &[&str]) -> Grant {
    Grant {
        id: GrantId::from("g1".to_owned()),
        scope: GrantScope::Always,
        tool: "shell".to_owned(),
        pattern: pattern.to_owned(),
        session_id: None,
        project: None,
        programs: programs
            .iter()
            .map(|program| (*program).to_owned())
            .collect(),
        approval_id: ApprovalId::from("a1".to_owned()),
        created_at: Timestamp::from_unix_ms(0),
        expires_at: None,
        revoked_at: None,
        uses: 0,
    }
}

/// Target: any text as a command. It is judged in time, the same way twice, each level allows what
/// the narrower one allows, and text from outside never allows more.
fn any_command(line: &str) {
    let inquiry = shell(line);
    assert_eq!(
        decided(&inquiry, Autonomy::Supervised, None, &[]),
        decided(&shell(line), Autonomy::Supervised, None, &[])
    );
    let mut narrower = false;
    for autonomy in Autonomy::ALL {
        let is_allowed = allows(&inquiry, autonomy, None, &[]);
        assert!(is_allowed || !narrower, "{} {autonomy}", escaped(line));
        assert!(
            is_allowed || !allows(&inquiry, autonomy, Some("the web"), &[]),
            "{}",
            escaped(line)
        );
        narrower = is_allowed;
    }
    for step in decided(&inquiry, Autonomy::Strict, None, &[]).steps {
        assert_eq!(step.what, escaped(&step.what), "steps show everything");
    }
}

/// Target: any text as a path. What is refused as text is refused; nothing panics.
fn any_path(path: &str) {
    let inquiry = Inquiry::new(
        "file_write",
        &json!({}),
        vec![Action::Write {
            path: path.to_owned(),
        }],
    );
    let found = class(&inquiry);
    if check_given(path).is_err() && !path.starts_with("/dev/") {
        assert_eq!(found, "deny", "{}", escaped(path));
    }
    let resolved = crate::imagined_disk::lexical(path);
    if place(&resolved, &roots()).protected.is_some() {
        assert_ne!(found, "low");
        assert_ne!(found, "medium", "{}", escaped(path));
    }
}

/// Target: any text as a pattern. What it covers begins with its own first word, and a command
/// that is refused or always asks stays so.
fn any_pattern(pattern: &str, line: &str) {
    let Ok(parsed) = Pattern::parse("shell", pattern) else {
        return;
    };
    assert!(!parsed.describe().is_empty());
    let inquiry = shell(line);
    let coverage = would_cover(&parsed, &inquiry, &facts(&inquiry));
    let program = match &parsed {
        Pattern::Command { words, .. } => words.first().cloned().flatten().unwrap(),
        Pattern::Path { .. } | Pattern::Host { .. } | Pattern::Every => unreachable!("a command"),
    };
    let file = format!("/usr/bin/{program}");
    let with = decided(
        &inquiry,
        Autonomy::Supervised,
        None,
        &[grant(pattern, &[&file])],
    );
    let without = decided(&inquiry, Autonomy::Supervised, None, &[]);
    if matches!(with.verdict, Verdict::Allow { .. })
        && !matches!(without.verdict, Verdict::Allow { .. })
    {
        assert!(coverage.covers, "{pattern} {}", escaped(line));
        let risky = without
            .steps
            .iter()
            .filter(|step| step.risk > mesoclaw_api::ops::approval::Risk::Low);
        for step in risky {
            assert!(
                parsed.matches_words(&step.words),
                "{pattern} {:?}",
                step.words
            );
            assert_eq!(step.words.first(), Some(&program));
        }
    }
    let other = decided(
        &inquiry,
        Autonomy::Supervised,
        None,
        &[grant(pattern, &["/tmp/other"])],
    );
    if matches!(other.verdict, Verdict::Allow { .. }) {
        assert!(
            without.steps.iter().all(|step| step.program.is_none()
                || step.risk == mesoclaw_api::ops::approval::Risk::Low)
        );
    }
    assert!(
        !allows(
            &inquiry,
            Autonomy::Supervised,
            Some("the web"),
            &[grant(pattern, &[&file])]
        ) || without
            .steps
            .iter()
            .all(|step| step.effect == mesoclaw_agent::policy::Effect::Look)
    );
}

/// Text that looks like shell.
fn shell_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "ls", "rm", "cat", "git", "cargo", "test", "push", "-rf", "a.txt", "/etc/shadow", "~/x", "..", "cd",
            "env", "timeout", "5", "sh", "-c", "if", "then", "fi", "while", "do", "done", "time", "xargs", "*.rs",
            "sudo", "RUST_LOG=1", "PATH=x", "EOF", "find", "-exec", "sed", "s/a/b/", "[", "]", "src",
        ]).prop_map(str::to_owned),
        4 => prop::sample::select(vec![
            " ", "  ", "\n", "\t", ";", "&", "&&", "|", "||", "(", ")", "{ ", " }", "<", ">", ">>", ">|", "<<", "2>&1",
            "'", "\"", "\\", "\\\n", "$", "$(", "`", "#", "!", "~", "*", "?", "=",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shell_text_is_judged_the_same_way_and_by_level(line in shell_text()) {
        any_command(&line);
    }

    #[test]
    fn any_text_is_judged(line in ".{0,200}") {
        any_command(&line);
    }

    #[test]
    fn any_path_is_judged(path in "(/|~/|\\.\\./|)([a-zA-Z.~ :*]{0,6}/){0,4}[a-z.A-Z]{0,12}") {
        any_path(&path);
    }

    #[test]
    fn any_odd_path_is_judged(path in "\\PC{0,60}|.{0,30}") {
        any_path(&path);
    }

    #[test]
    fn patterns_cover_no_more_than_they_say(
        pattern in "(cargo|git|rm|ls|cat|cp)( (test|push|-rf|x|src|'\\*'|\\*)){0,3}( \\*)?",
        line in prop_oneof![
            shell_text(),
            "(cargo|git|rm|ls|cat|cp|sudo)( (test|push|-rf|x|src|\\*|/etc/x|~/.ssh/id_rsa)){0,3}( [;&|] (rm|ls) x)?".prop_map(|line| line),
        ],
    ) {
        any_pattern(&pattern, &line);
    }

    #[test]
    fn any_git_configuration_is_read(text in "(\\[[a-z\" .]{0,12}\\]?|[a-zA-Z]{1,9} ?=? ?[a-z!/]{0,9}|\\n|#|;){0,12}") {
        let runs = git_config_runs(&text);
        assert_eq!(runs, git_config_runs(&text));
    }
}

#[test]
fn grants_cover_their_program_their_place_and_their_time() {
    let push = shell("git push");
    let allowed = |grant: Grant| allows(&push, Autonomy::Supervised, None, &[grant]);
    let good = || grant("git push", &["/usr/bin/git"]);
    assert!(allowed(good()));
    assert!(!allowed(Grant {
        programs: vec!["/opt/git".to_owned()],
        ..good()
    }));
    assert!(!allowed(Grant {
        expires_at: Some(Timestamp::from_unix_ms(999)),
        ..good()
    }));
    assert!(!allowed(Grant {
        revoked_at: Some(Timestamp::from_unix_ms(1)),
        ..good()
    }));
    assert!(!allowed(Grant {
        tool: "process".to_owned(),
        ..good()
    }));
    assert!(!allowed(Grant {
        scope: GrantScope::Session,
        ..good()
    }));
    assert!(!allowed(Grant {
        scope: GrantScope::Project,
        ..good()
    }));
    assert!(allowed(Grant {
        scope: GrantScope::Project,
        project: Some("/home/ada/work".to_owned()),
        ..good()
    }));
    assert!(!allowed(Grant {
        scope: GrantScope::Project,
        project: Some("/home/ada/other".to_owned()),
        ..good()
    }));
    assert!(!allows(
        &push,
        Autonomy::Autonomous,
        Some("a web page"),
        &[good()]
    ));
}

#[test]
fn wildcards_of_grants_do_not_lead_outside() {
    for (pattern, line, expected) in [
        ("rm *", "rm a.txt", true),
        ("rm *", "rm /tmp/x", false),
        ("rm *", "rm a.txt && git push", false),
        ("rm *", "rm -rf .", false),
        ("rm *", "rm .git/config", false),
        ("rm /tmp/x", "rm /tmp/x", true),
        ("cat *", "cat /etc/hosts", false),
        ("cat /etc/hosts", "cat /etc/hosts", true),
        ("cat *", "cat .env", false),
        ("cat .env", "cat .env", false),
        ("> *", "ls > out", true),
        ("> *", "ls > /etc/x", false),
        ("sudo *", "sudo ls", false),
    ] {
        let program = format!("/usr/bin/{}", pattern.split(' ').next().unwrap());
        assert_eq!(
            allows(
                &shell(line),
                Autonomy::Supervised,
                None,
                &[grant(pattern, &[&program])]
            ),
            expected,
            "{pattern}: {line}"
        );
    }
}

#[test]
fn patterns_offered_cover_the_call_they_come_from() {
    for line in [
        "cargo test -q",
        "rm -rf target",
        "git push origin main",
        "echo hi > poem.txt",
        "cp a.txt b.txt && make",
        "cat /etc/hosts",
        "grep -n '*' /etc/hosts",
    ] {
        let inquiry = shell(line);
        let asked = decided(&inquiry, Autonomy::Supervised, None, &[]);
        let programs: Vec<&str> = asked
            .programs
            .iter()
            .map(|path| path.to_str().unwrap())
            .collect();
        let grants: Vec<Grant> = asked
            .patterns
            .iter()
            .map(|pattern| grant(pattern, &programs))
            .collect();
        assert!(
            allows(&inquiry, Autonomy::Supervised, None, &grants),
            "{line}: {:?}",
            asked.patterns
        );
    }
}
