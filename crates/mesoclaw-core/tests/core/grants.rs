//! Grants: what an approval for more than one call covers, and when it stops.

use mesoclaw_api::ops::approval::{
    Answer, ApprovalGet, ApprovalResolve, ApprovalScope, GetParams, ResolveParams,
};
use mesoclaw_api::ops::grant::{
    Grant, GrantList, GrantRevoke, GrantScope, GrantTest, ListParams, RevokeParams, TestParams,
};
use mesoclaw_api::ops::tool::ToolExecute;
use mesoclaw_api::{CallCtx, CallerExt, ErrorCode, Event, SessionId, Surface};
use serde_json::{Value, json};

use crate::support::{Work, answer_of};

fn poem(name: &str) -> Value {
    json!({"path": name, "content": format!("{name}\n")})
}

fn command(line: &str) -> Value {
    json!({"command": line})
}

async fn grants(work: &Work) -> Vec<Grant> {
    work.bench
        .call::<GrantList>(ListParams::default())
        .await
        .unwrap()
}

/// Approves the next call with these patterns.
async fn grant(
    work: &mut Work,
    call: (&str, Value),
    scope: ApprovalScope,
    patterns: Option<&[&str]>,
) -> SessionId {
    let (session, met) = work.begin(None, call.0, call.1).await;
    let params = ResolveParams {
        scope,
        patterns: patterns.map(|some| some.iter().map(|&text| text.to_owned()).collect()),
        ..answer_of(&met.asked(), Answer::Approve)
    };
    work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    session
}

#[tokio::test]
async fn a_grant_covers_its_scope_and_nothing_else() {
    for (scope, same, other_session, other_workspace) in [
        (ApprovalScope::Once, "asked", "asked", "asked"),
        (ApprovalScope::Session, "ran", "asked", "asked"),
        (ApprovalScope::Project, "ran", "ran", "asked"),
        (ApprovalScope::Always, "ran", "ran", "ran"),
    ] {
        let mut work = Work::start().await;
        work.file("a.sh", "true\n");
        let session = grant(
            &mut work,
            ("shell", command("touch a")),
            scope,
            Some(&["touch *"]),
        )
        .await;
        let (_, word) = work
            .attempt(Some(&session), "shell", command("touch b"))
            .await;
        assert_eq!(word, same, "{scope:?}");
        let (_, word) = work.attempt(None, "shell", command("touch c")).await;
        assert_eq!(word, other_session, "{scope:?}");
        work.root = work
            .bench
            .home
            .path()
            .canonicalize()
            .unwrap()
            .join("elsewhere");
        std::fs::create_dir(&work.root).unwrap();
        let (_, word) = work.attempt(None, "shell", command("touch d")).await;
        assert_eq!(word, other_workspace, "{scope:?}");
    }
}

#[tokio::test]
async fn what_is_granted_is_told_counted_and_written_down() {
    let mut work = Work::start().await;
    let (session, met) = work.begin(None, "file_write", poem("notes/a.md")).await;
    let asked = met.asked();
    let params = ResolveParams {
        scope: ApprovalScope::Session,
        patterns: Some(vec!["notes/**".to_owned()]),
        ..answer_of(&asked, Answer::Approve)
    };
    let resolved = work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(resolved.approval.scope, Some(ApprovalScope::Session));
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("notes/b.md"))
        .await;
    assert_eq!(word, "ran");
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("other.md"))
        .await;
    assert_eq!(word, "asked");
    let held = grants(&work).await;
    let told: Vec<_> = held
        .iter()
        .map(|grant| (grant.scope, grant.pattern.as_str(), grant.uses))
        .collect();
    assert_eq!(told, [(GrantScope::Session, "notes/**", 1)]);
    assert_eq!(resolved.grants, [held[0].id.clone()]);
    assert_eq!(held[0].session_id.as_ref(), Some(&session));
    assert_eq!(held[0].approval_id, asked.id);
    let words = work.audit_words().await;
    assert_eq!(
        words,
        [
            "decision ask file_write",
            "approval approved file_write",
            "granted session file_write",
            "result ok file_write",
            "decision allow file_write",
            "result ok file_write",
            "decision ask file_write",
            "approval denied file_write"
        ]
    );
    let rule = work.audit().await[4].rule.clone().unwrap();
    assert_eq!(rule, format!("grant (grant {})", held[0].id));
}

#[tokio::test]
async fn a_grant_that_ended_or_was_taken_back_covers_nothing() {
    let mut work = Work::start().await;
    let (session, met) = work.begin(None, "file_write", poem("a.md")).await;
    let params = ResolveParams {
        scope: ApprovalScope::Session,
        patterns: Some(vec!["*.md".to_owned()]),
        expires_in_secs: Some(1),
        ..answer_of(&met.asked(), Answer::Approve)
    };
    work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    crate::support::within(async {
        while !grants(&work).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (_, met) = work.begin(Some(&session), "file_write", poem("b.md")).await;
    let params = ResolveParams {
        scope: ApprovalScope::Session,
        patterns: Some(vec!["*.md".to_owned()]),
        ..answer_of(&met.asked(), Answer::Approve)
    };
    let resolved = work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("c.md"))
        .await;
    assert_eq!(word, "ran");
    let params = RevokeParams {
        grant_id: resolved.grants[0].clone(),
    };
    let revoked = work
        .bench
        .call::<GrantRevoke>(params.clone())
        .await
        .unwrap();
    assert!(revoked.revoked_at.is_some());
    let again = work.bench.call::<GrantRevoke>(params).await.unwrap();
    assert_eq!(again.revoked_at, revoked.revoked_at);
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("d.md"))
        .await;
    assert_eq!(word, "asked");
    let words = work.audit_words().await;
    let taken_back = words
        .iter()
        .filter(|word| *word == "revoked revoked file_write");
    assert_eq!(taken_back.count(), 1, "{words:?}");
}

#[tokio::test]
async fn the_edited_pattern_counts_and_not_the_proposed_one() {
    for (pattern, line, expected) in [
        ("touch a", "touch a", "ran"),
        ("touch a", "touch b", "asked"),
        ("touch *", "touch a b c", "ran"),
        // The pattern of another program covers that, and not the one it was asked for.
        ("mkdir *", "touch a", "asked"),
        ("mkdir *", "mkdir new", "ran"),
        ("touch *", "touch a; rm a", "asked"),
        ("touch *", "touch ../a", "asked"),
        ("touch *", "touch $(id)", "asked"),
    ] {
        let mut work = Work::start().await;
        let session = grant(
            &mut work,
            ("shell", command("touch first")),
            ApprovalScope::Session,
            Some(&[pattern]),
        )
        .await;
        let (_, word) = work.attempt(Some(&session), "shell", command(line)).await;
        assert_eq!(word, expected, "{pattern} for {line}");
    }
}

#[tokio::test]
async fn a_program_of_the_same_name_elsewhere_is_not_covered() {
    let mut work = Work::start().await;
    let session = grant(
        &mut work,
        ("shell", command("touch first")),
        ApprovalScope::Session,
        Some(&["touch *"]),
    )
    .await;
    work.file("touch", "#!/bin/sh\n");
    let (_, word) = work
        .attempt(Some(&session), "shell", command("./touch a"))
        .await;
    assert_eq!(word, "asked");
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_and_stays_open() {
    let mut work = Work::start().await;
    let (_, met) = work.begin(None, "shell", command("touch a")).await;
    let asked = met.asked();
    let with = |scope, patterns: Option<&str>, expires_in_secs| ResolveParams {
        scope,
        patterns: patterns.map(|pattern| vec![pattern.to_owned()]),
        expires_in_secs,
        ..answer_of(&asked, Answer::Approve)
    };
    for params in [
        with(ApprovalScope::Session, Some("*"), None),
        with(ApprovalScope::Session, Some(""), None),
        with(ApprovalScope::Session, Some("touch 'a"), None),
        with(ApprovalScope::Session, Some("no-such-program-here *"), None),
        with(ApprovalScope::Session, None, Some(0)),
        with(ApprovalScope::Always, None, Some(u64::MAX)),
    ] {
        let refused = work.bench.call::<ApprovalResolve>(params.clone()).await;
        assert_eq!(
            refused.unwrap_err().code,
            ErrorCode::Validation,
            "{params:?}"
        );
    }
    assert_eq!(grants(&work).await, []);
    work.approve(&asked, ApprovalScope::Once).await;
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    // What is too dangerous for a pattern has none.
    let (_, met) = work
        .begin(None, "file_write", poem(".git/hooks/pre-commit"))
        .await;
    let asked = met.asked();
    assert_eq!(asked.patterns, [""; 0]);
    let params = ResolveParams {
        scope: ApprovalScope::Always,
        ..answer_of(&asked, Answer::Approve)
    };
    let refused = work.bench.call::<ApprovalResolve>(params).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Validation);
    // A pattern of one's own does not help: it asks every time.
    let params = ResolveParams {
        scope: ApprovalScope::Always,
        patterns: Some(vec!["**".to_owned()]),
        ..answer_of(&asked, Answer::Approve)
    };
    work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    let (_, word) = work
        .attempt(None, "file_write", poem(".git/hooks/pre-push"))
        .await;
    assert_eq!(word, "asked");
}

#[tokio::test]
async fn a_tool_run_by_another_name_is_covered_by_the_grant_of_its_own() {
    let mut work = Work::start().await;
    let (core, params) = (
        work.bench.core.clone(),
        work.execution("write_file", poem("a.md")),
    );
    let cx = CallCtx {
        surface: Surface::Cli,
        connection: 1,
    };
    let running = async move { core.call_typed::<ToolExecute>(cx, params).await };
    let answered = async {
        let asked = work.asked().await;
        assert_eq!(asked.tool, "file_write");
        let params = ResolveParams {
            scope: ApprovalScope::Project,
            patterns: Some(vec!["*.md".to_owned()]),
            ..answer_of(&asked, Answer::Approve)
        };
        work.bench.call::<ApprovalResolve>(params).await.unwrap();
    };
    let (run, ()) = tokio::join!(running, answered);
    assert!(run.unwrap().success);
    for name in ["file_write", "write_file"] {
        assert!(
            work.execute(name, poem("b.md")).await.unwrap().success,
            "{name}"
        );
    }
    let (_, word) = work.attempt(None, "file_write", poem("c.md")).await;
    assert_eq!(word, "ran");
    assert_eq!(grants(&work).await[0].uses, 3);
}

#[tokio::test]
async fn a_grant_answers_the_questions_of_its_session_that_it_covers() {
    let mut work = Work::start().await;
    work.ask(
        None,
        &[
            ("file_write", poem("a.md")),
            ("file_write", poem("b.md")),
            ("file_write", poem("c.txt")),
        ],
    )
    .await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(work.asked().await);
    }
    asked.sort_by_key(|approval| approval.call_id.as_str().to_owned());
    let params = ResolveParams {
        scope: ApprovalScope::Session,
        patterns: Some(vec!["*.md".to_owned()]),
        ..answer_of(&asked[0], Answer::Approve)
    };
    work.bench
        .call_from::<ApprovalResolve>(Surface::Tui, 1, params)
        .await
        .unwrap();
    assert_eq!(work.met().await.word(), "ran");
    assert_eq!(work.met().await.word(), "ran");
    let read = |index: usize| GetParams {
        approval_id: asked[index].id.clone(),
    };
    let second = work.bench.call::<ApprovalGet>(read(1)).await.unwrap();
    assert_eq!(
        (second.scope, second.resolved_by),
        (Some(ApprovalScope::Session), Some(Surface::Tui))
    );
    let third = work.bench.call::<ApprovalGet>(read(2)).await.unwrap();
    assert_eq!(third.decision, None);
    assert_eq!(grants(&work).await[0].uses, 1);
    work.deny(&third, None).await;
    assert_eq!(work.met().await.word(), "refused");
    work.end().await;
    assert!(work.content("b.md").is_some());
}

#[tokio::test]
async fn a_grant_does_not_answer_questions_of_other_sessions() {
    let mut work = Work::start().await;
    let (other, met) = work.begin(None, "file_write", poem("other.md")).await;
    let open = met.asked();
    let session = grant(
        &mut work,
        ("file_write", poem("a.md")),
        ApprovalScope::Session,
        Some(&["*.md"]),
    )
    .await;
    assert_ne!(session, other);
    let params = GetParams {
        approval_id: open.id.clone(),
    };
    let still = work.bench.call::<ApprovalGet>(params).await.unwrap();
    assert_eq!(still.decision, None);
    work.deny(&open, None).await;
    work.end().await;
}

#[tokio::test]
async fn a_grant_taken_back_between_verdict_and_run_covers_nothing() {
    let mut work = Work::start().await;
    let (session, met) = work.begin(None, "file_write", poem("a.md")).await;
    let params = ResolveParams {
        scope: ApprovalScope::Session,
        patterns: Some(vec!["*.md".to_owned()]),
        ..answer_of(&met.asked(), Answer::Approve)
    };
    let resolved = work.bench.call::<ApprovalResolve>(params).await.unwrap();
    assert_eq!(work.met().await.word(), "ran");
    work.end().await;
    // The verdict and the taking back happen together: whichever is first, a grant that is gone
    // when the call begins lets nothing run.
    work.ask(Some(&session), &[("file_write", poem("b.md"))])
        .await;
    let params = RevokeParams {
        grant_id: resolved.grants[0].clone(),
    };
    work.bench.call::<GrantRevoke>(params).await.unwrap();
    let met = work.met().await;
    let word = met.word();
    match word {
        "asked" => work.deny(&met.asked(), None).await,
        "ran" => assert_eq!(
            work.bench
                .call::<GrantList>(ListParams {
                    include_ended: true
                })
                .await
                .unwrap()[0]
                .uses,
            1
        ),
        _ => assert!(met.output().contains("taken back")),
    }
    work.end().await;
    assert_eq!(work.content("b.md").is_some(), word == "ran");
}

#[tokio::test]
async fn a_pattern_can_be_tried_before_it_is_granted() {
    let mut work = Work::start().await;
    work.approved(None, "shell", command("touch a"), ApprovalScope::Once)
        .await;
    let workspace = Some(work.root.to_str().unwrap().to_owned());
    for (pattern, line, covers) in [
        ("touch *", "touch b", true),
        ("touch a", "touch b", false),
        ("touch *", "touch b && rm -r b", false),
        ("sudo *", "sudo ls", false),
    ] {
        let params = TestParams {
            pattern: pattern.to_owned(),
            command: Some(line.to_owned()),
            workspace: workspace.clone(),
            ..TestParams::default()
        };
        let tested = work.bench.call::<GrantTest>(params).await.unwrap();
        assert_eq!(tested.covers, Some(covers), "{pattern} for {line}");
        assert_eq!(tested.reason.is_none(), covers);
        let past = pattern.starts_with("touch");
        assert_eq!(tested.past == ["touch a"], past, "{:?}", tested.past);
    }
}

#[tokio::test]
async fn grants_survive_a_restart_and_are_told_as_events() {
    let mut work = Work::start().await;
    let session = grant(
        &mut work,
        ("file_write", poem("a.md")),
        ApprovalScope::Project,
        None,
    )
    .await;
    let mut work = work.crash_and_restart().await;
    let (_, word) = work
        .attempt(Some(&session), "file_write", poem("a.md"))
        .await;
    // The same content again: nothing to ask for, it is covered.
    assert_eq!(word, "ran");
    assert_eq!(grants(&work).await.len(), 1);
    let (_, met) = work.begin(None, "file_write", poem("b.md")).await;
    let asked = met.asked();
    work.deny(&asked, None).await;
    let by = work
        .bench
        .event(|event| match event {
            Event::ApprovalResolved {
                approval_id, by, ..
            } if *approval_id == asked.id => Some(*by),
            _ => None,
        })
        .await;
    assert_eq!(by, Some(Surface::Cli));
    work.end().await;
}
