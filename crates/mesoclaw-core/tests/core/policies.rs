//! The policy from outside: what it says is what happens.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::config::{ConfigUpdate, UpdateParams};
use mesoclaw_api::ops::policy::{PolicyShow, PolicyTest, TestParams, VerdictWord};
use mesoclaw_api::ops::tool::ToolExecute;
use serde_json::{Value, json};

use crate::support::{Work, patch};

fn asking(work: &Work, tool: &str, args: &Value) -> TestParams {
    TestParams {
        tool: Some(tool.to_owned()),
        args: Some(args.clone()),
        workspace: Some(work.root.to_str().unwrap().to_owned()),
        ..TestParams::default()
    }
}

/// Calls of every kind. What they do is harmless when it happens.
fn calls() -> Vec<(&'static str, Value)> {
    let write = |path: &str| json!({"path": path, "content": "x\n"});
    let line = |line: &str| json!({"command": line});
    vec![
        ("file_read", json!({"path": "notes.md"})),
        ("file_read", json!({"path": "../outside.md"})),
        ("file_read", json!({"path": ".env"})),
        ("file_list", json!({"path": "."})),
        ("system_info", json!({"action": "time"})),
        ("file_write", write("new.md")),
        ("file_write", write("../outside-new.md")),
        ("file_write", write(".git/hooks/post-commit")),
        ("shell", line("ls")),
        ("shell", line("touch made")),
        ("shell", line("rm made")),
        ("shell", line("sudo true")),
        ("shell", line("ls | sh")),
        ("shell", line("no-such-program-here")),
    ]
}

#[tokio::test]
async fn what_the_test_says_is_what_happens_at_every_level() {
    let strict = "raaraaaaraadaa";
    let supervised = "raarraaaraadaa";
    let autonomous = "rrarrraarradaa";
    let expected = [
        ("strict", strict),
        ("readonly", strict),
        ("supervised", supervised),
        ("autonomous", autonomous),
        ("full", autonomous),
        ("semi-autonomous", autonomous),
    ]
    .map(|(word, said)| (word, said.to_owned()));
    let mut all = Vec::new();
    for (word, _) in &expected {
        let word = *word;
        let mut work = Work::configured(&format!("security_autonomy_level = \"{word}\"\n")).await;
        work.file("notes.md", "n\n");
        work.file(".env", "A=b\n");
        std::fs::write(work.root.join("../outside.md"), "o\n").unwrap();
        let mut said = String::new();
        for (tool, args) in calls() {
            let tested = work
                .bench
                .call::<PolicyTest>(asking(&work, tool, &args))
                .await;
            let tested = tested.unwrap();
            let (_, met) = work.begin(None, tool, args.clone()).await;
            let happened = met.word();
            let context = format!("{word}: {tool} {args}: {tested:?} but {met:?}");
            match tested.verdict {
                VerdictWord::Allow => assert_ne!(happened, "asked", "{context}"),
                VerdictWord::Ask => {
                    let asked = met.asked();
                    assert_eq!(
                        (&asked.rule, asked.risk, &asked.patterns, &asked.steps),
                        (&tested.rule, tested.risk, &tested.patterns, &tested.steps)
                    );
                    work.deny(&asked, None).await;
                }
                VerdictWord::Deny => {
                    assert_eq!(happened, "refused", "{context}");
                    assert!(met.output().contains(&tested.rule), "{context}");
                }
            }
            work.end().await;
            said.push(match tested.verdict {
                VerdictWord::Allow => 'r',
                VerdictWord::Ask => 'a',
                VerdictWord::Deny => 'd',
            });
        }
        all.push((word, said));
    }
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_level_that_is_changed_counts_for_the_next_call() {
    let mut work = Work::start().await;
    let write = json!({"path": "a.md", "content": "x\n"});
    let (session, word) = work.attempt(None, "file_write", write.clone()).await;
    assert_eq!(word, "asked");
    let params = UpdateParams {
        patch: patch(json!({"security_autonomy_level": "full"})),
    };
    work.bench.call::<ConfigUpdate>(params).await.unwrap();
    let (_, word) = work.attempt(Some(&session), "file_write", write).await;
    assert_eq!(word, "ran");
    let shown = work.bench.call::<PolicyShow>(NoParams {}).await.unwrap();
    assert_eq!(shown.autonomy, "autonomous");
}

#[tokio::test]
async fn the_policy_can_be_read_and_its_verdicts_name_its_rules() {
    let work = Work::start().await;
    let shown = work.bench.call::<PolicyShow>(NoParams {}).await.unwrap();
    assert_eq!(
        (shown.autonomy.as_str(), shown.notice),
        ("supervised", None)
    );
    for (tool, args) in calls() {
        let tested = work
            .bench
            .call::<PolicyTest>(asking(&work, tool, &args))
            .await;
        let tested = tested.unwrap();
        let ids = tested
            .steps
            .iter()
            .map(|step| &step.rule)
            .chain([&tested.rule]);
        for id in ids {
            assert!(shown.rules.iter().any(|rule| rule.id == *id), "{id}");
        }
    }
    let strict = TestParams {
        autonomy: Some("readonly".to_owned()),
        ..asking(&work, "system_info", &json!({"action": "time"}))
    };
    let tested = work.bench.call::<PolicyTest>(strict).await.unwrap();
    assert_eq!(tested.verdict, VerdictWord::Ask);
    for params in [
        TestParams::default(),
        TestParams {
            autonomy: Some("yolo".to_owned()),
            ..asking(&work, "system_info", &json!({"action": "time"}))
        },
        asking(&work, "file_read", &json!({"file": 1})),
    ] {
        let refused = work
            .bench
            .call::<PolicyTest>(params.clone())
            .await
            .unwrap_err();
        let is_said = matches!(
            refused.code,
            ErrorCode::Validation | ErrorCode::InvalidParams
        );
        assert!(is_said, "{params:?}: {refused:?}");
    }
}

#[tokio::test]
async fn nothing_is_run_or_kept_by_a_test() {
    let work = Work::start().await;
    for (tool, args) in calls() {
        work.bench
            .call::<PolicyTest>(asking(&work, tool, &args))
            .await
            .unwrap();
    }
    assert_eq!(work.audit().await, []);
    assert_eq!(work.content("made"), None);
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_grant_is_needed() {
    let mut work = Work::start().await;
    let write = |name: &str| json!({"path": name, "content": "x\n"});
    work.approved(
        None,
        "file_write",
        write("a.md"),
        mesoclaw_api::ops::approval::ApprovalScope::Project,
    )
    .await;
    for (name, is_run) in [("a.md", true), ("b.md", false)] {
        let ran = work
            .bench
            .call_from::<ToolExecute>(
                mesoclaw_api::Surface::Pipe,
                1,
                work.execution("file_write", write(name)),
            )
            .await;
        assert_eq!(ran.is_ok(), is_run, "{name}: {ran:?}");
    }
}
