//! Tools that are run by themselves.

use std::sync::Arc;

use mesoclaw_agent::tool::Tool;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Answer, ApprovalList, ApprovalResolve, ListParams};
use mesoclaw_api::ops::tool::{ExecuteParams, GetParams, ToolExecute, ToolGet, ToolList};
use mesoclaw_api::{ApiResult, CallerExt, ErrorCode, Event, RawCaller, Surface};
use mesoclaw_api::{CallCtx, ops::NoParams, ops::tool::ToolRun};
use serde_json::{Value, json};

use crate::support::{EchoTool, Work, answer_of, within};

fn poem() -> Value {
    json!({"path": "poem.txt", "content": "one\n"})
}

/// Runs a tool over another connection, without waiting for its end.
fn started(work: &Work, connection: u64, params: ExecuteParams) -> Running {
    let core = work.bench.core.clone();
    let cx = CallCtx {
        surface: Surface::Cli,
        connection,
    };
    Box::pin(async move { core.call_typed::<ToolExecute>(cx, params).await })
}

type Running = std::pin::Pin<Box<dyn Future<Output = ApiResult<ToolRun>> + Send>>;

/// Waits for the question of a run, and gives the run back.
async fn until_asked(
    work: &mut Work,
    running: &mut Running,
) -> mesoclaw_api::ops::approval::Approval {
    tokio::select! {
        asked = work.asked() => asked,
        ended = running => panic!("not asked: {ended:?}"),
    }
}

#[tokio::test]
async fn what_only_looks_runs_at_once() {
    let work = Work::start().await;
    work.file("notes.md", "buy milk\n");
    for name in ["file_read", "read_file"] {
        let run = work.execute(name, json!({"path": "notes.md"})).await;
        let run = run.unwrap();
        assert!(run.success && run.output.contains("buy milk"), "{run:?}");
        let metadata = run.metadata.unwrap();
        assert!(metadata["duration_ms"].is_u64(), "{metadata}");
        assert_eq!(metadata["taints"], json!(false));
    }
    let words = work.audit_words().await;
    let both = ["decision allow file_read", "result ok file_read"];
    assert_eq!(words, [both, both].concat());
}

#[tokio::test]
async fn an_approved_run_runs_and_a_denied_one_says_why() {
    let mut work = Work::start().await;
    let params = work.execution("file_write", poem());
    let mut running = started(&work, 1, params.clone());
    let asked = until_asked(&mut work, &mut running).await;
    assert_eq!((&asked.session_id, &asked.turn_id), (&None, &None));
    work.deny(&asked, Some("not this one")).await;
    let error = within(running).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied);
    assert!(error.message.contains("not this one"), "{}", error.message);
    assert_eq!(work.content("poem.txt"), None);
    let mut running = started(&work, 1, params);
    let asked = until_asked(&mut work, &mut running).await;
    let approve = answer_of(&asked, Answer::Approve);
    work.bench.call::<ApprovalResolve>(approve).await.unwrap();
    let run = within(running).await.unwrap();
    assert!(run.success);
    let metadata = run.metadata.unwrap();
    assert!(
        metadata["diff"].as_str().unwrap().contains("+one"),
        "{metadata}"
    );
    assert_eq!(work.content("poem.txt").as_deref(), Some("one\n"));
    assert_eq!(
        work.audit_words().await,
        [
            "decision ask file_write",
            "approval denied file_write",
            "decision ask file_write",
            "approval approved file_write",
            "result ok file_write"
        ]
    );
}

#[tokio::test]
async fn a_run_whose_file_changed_meanwhile_is_refused_and_that_is_written_down() {
    let mut work = Work::start().await;
    work.file("poem.txt", "zero\n");
    let mut running = started(&work, 1, work.execution("file_write", poem()));
    let asked = until_asked(&mut work, &mut running).await;
    work.file("poem.txt", "of a person\n");
    let approve = answer_of(&asked, Answer::Approve);
    work.bench.call::<ApprovalResolve>(approve).await.unwrap();
    let error = within(running).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied);
    assert!(
        error.message.contains("approval.changed"),
        "{}",
        error.message
    );
    assert_eq!(work.content("poem.txt").as_deref(), Some("of a person\n"));
    let words = work.audit_words().await;
    assert_eq!(words[2], "decision deny file_write");
}

#[tokio::test]
async fn what_is_forbidden_unknown_or_wrong_is_refused() {
    let work = Work::start().await;
    for (tool, args, code) in [
        (
            "shell",
            json!({"command": "sudo ls"}),
            ErrorCode::PolicyDenied,
        ),
        (
            "shell",
            json!({"command": "rm -rf /"}),
            ErrorCode::PolicyDenied,
        ),
        ("nothing_like_it", json!({}), ErrorCode::NotFound),
        ("file_read", json!({"file": "a"}), ErrorCode::InvalidParams),
        ("file_read", json!(["a"]), ErrorCode::InvalidParams),
    ] {
        let refused = work.execute(tool, args.clone()).await.unwrap_err();
        assert_eq!(refused.code, code, "{tool} {args}: {refused:?}");
    }
    let nobody = work
        .bench
        .call_from::<ToolExecute>(Surface::Pipe, 1, work.execution("file_write", poem()))
        .await;
    let error = nobody.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied);
    assert!(
        error.message.contains("surface.nobody"),
        "{}",
        error.message
    );
    let missing = ExecuteParams {
        session_id: Some("no-such-session".into()),
        ..work.execution("file_list", json!({"path": "."}))
    };
    let missing = work.bench.call::<ToolExecute>(missing).await;
    assert_eq!(missing.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_question_is_taken_back_when_its_connection_closes() {
    let mut work = Work::start().await;
    let mut running = started(&work, 9, work.execution("file_write", poem()));
    let asked = until_asked(&mut work, &mut running).await;
    work.bench.core.connection_closed(9);
    let error = within(running).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied);
    let by = work
        .bench
        .event(|event| match event {
            Event::ApprovalResolved {
                approval_id, by, ..
            } if *approval_id == asked.id => Some(*by),
            _ => None,
        })
        .await;
    assert_eq!(by, None);
    let late = work
        .bench
        .call::<ApprovalResolve>(answer_of(&asked, Answer::Approve))
        .await;
    assert_eq!(late.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(
        work.audit_words().await,
        ["decision ask file_write", "approval withdrawn file_write"]
    );
    // What was on its way when the connection closed does not begin either.
    let late = within(started(&work, 9, work.execution("file_write", poem()))).await;
    assert_eq!(late.unwrap_err().code, ErrorCode::PolicyDenied);
    assert_eq!(work.content("poem.txt"), None);
}

#[tokio::test]
async fn an_answer_in_the_moment_the_connection_closes_does_not_run_for_nobody() {
    for _ in 0..20 {
        let mut work = Work::start().await;
        let mut running = started(&work, 9, work.execution("file_write", poem()));
        let asked = until_asked(&mut work, &mut running).await;
        let approve = answer_of(&asked, Answer::Approve);
        let (_answered, ()) = tokio::join!(work.bench.call::<ApprovalResolve>(approve), async {
            work.bench.core.connection_closed(9);
        });
        let ended = within(running).await;
        let ran = ended.as_ref().is_ok_and(|run| run.success);
        assert_eq!(work.content("poem.txt").is_some(), ran, "{ended:?}");
    }
}

#[tokio::test]
async fn a_question_is_taken_back_at_restart() {
    let mut work = Work::start().await;
    let mut running = started(&work, 1, work.execution("file_write", poem()));
    let asked = until_asked(&mut work, &mut running).await;
    let work = work.crash_and_restart().await;
    let open = ListParams::default();
    assert_eq!(work.bench.call::<ApprovalList>(open).await.unwrap(), []);
    let all = ListParams {
        include_resolved: true,
        ..ListParams::default()
    };
    let all = work.bench.call::<ApprovalList>(all).await.unwrap();
    assert_eq!(
        (&all[0].id, all[0].decision),
        (&asked.id, Some(ApprovalDecision::TimedOut))
    );
    let words = work.audit_words().await;
    assert_eq!(
        words,
        ["decision ask file_write", "approval withdrawn file_write"]
    );
}

#[tokio::test]
async fn an_answer_about_a_run_in_a_session_does_not_take_its_turn_up() {
    let mut work = Work::start().await;
    let (session_id, met) = work.begin(None, "file_write", poem()).await;
    let of_turn = met.asked();
    let mut work = work.crash_and_restart().await;
    let params = ExecuteParams {
        session_id: Some(session_id.clone()),
        workspace: None,
        ..work.execution("file_write", json!({"path": "other.txt", "content": "x"}))
    };
    let mut running = started(&work, 1, params);
    let asked = until_asked(&mut work, &mut running).await;
    let approve = answer_of(&asked, Answer::Approve);
    work.bench.call::<ApprovalResolve>(approve).await.unwrap();
    assert!(within(running).await.unwrap().success);
    assert!(work.bench.calls.try_recv().is_err());
    let open = work
        .bench
        .call::<ApprovalList>(ListParams::default())
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, of_turn.id);
}

#[tokio::test]
async fn runs_are_counted_and_too_many_are_refused() {
    let mut work = Work::configured("security_rate_limit_max = 2\n").await;
    for _ in 0..2 {
        work.execute("file_list", json!({"path": "."}))
            .await
            .unwrap();
    }
    let refused = work
        .execute("file_list", json!({"path": "."}))
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::LimitReached);
    assert!(
        refused.message.contains("security_rate_limit_max"),
        "{}",
        refused.message
    );
    // A session has its own window.
    let calls = ["a", "b", "c"].map(|name| ("file_read", json!({"path": name})));
    for name in ["a", "b", "c"] {
        work.file(name, name);
    }
    work.ask(None, &calls).await;
    let mut met = Vec::new();
    for _ in 0..3 {
        met.push(work.met().await);
    }
    let n_ran = met.iter().filter(|met| met.word() == "ran").count();
    assert_eq!(n_ran, 2, "{met:?}");
    let seen = work.end().await.concat();
    assert!(seen.contains("security_rate_limit_max"), "{seen}");
}

#[tokio::test]
async fn a_disabled_tool_is_gone_for_everybody() {
    let mut work = Work::configured("disabled_tools = [\"shell\"]\n").await;
    for name in ["shell", "run_command"] {
        let refused = work.execute(name, json!({"command": "true"})).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::NotFound, "{name}");
        let params = GetParams {
            name: name.to_owned(),
        };
        let refused = work.bench.call::<ToolGet>(params).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::NotFound, "{name}");
    }
    let listed = work.bench.call::<ToolList>(NoParams {}).await.unwrap();
    assert!(!listed.iter().any(|tool| tool.name == "shell"));
    work.say(None).await;
    let model = work.bench.model_call().await;
    let offered = model.request.tools.iter().any(|tool| tool.name == "shell");
    assert!(!offered);
    crate::support::play(&model, &[("shell", json!({"command": "true"}))]).await;
    assert_eq!(work.met().await.word(), "refused");
    let seen = work.end().await;
    assert!(seen[0].contains("shell"), "{seen:?}");
}

#[tokio::test]
async fn tools_are_listed_with_their_schema_and_found_by_other_names() {
    let work = Work::start().await;
    let listed = work.bench.call::<ToolList>(NoParams {}).await.unwrap();
    let names: Vec<_> = listed.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "content_search",
            "edit",
            "file_list",
            "file_read",
            "file_search",
            "file_write",
            "patch",
            "process",
            "shell",
            "system_info",
            "web_fetch",
            "web_search"
        ]
    );
    assert!(
        listed
            .iter()
            .all(|tool| tool.parameters["type"] == "object")
    );
    for (alias, name) in [("websearch", "web_search"), ("sysinfo", "system_info")] {
        let params = GetParams {
            name: alias.to_owned(),
        };
        let found = work.bench.call::<ToolGet>(params).await.unwrap();
        assert_eq!(found.name, name);
    }
}

#[tokio::test]
async fn a_run_that_hangs_ends_with_its_connection() {
    let tool = EchoTool::new("echo");
    let mut work = Work::with("", vec![Arc::clone(&tool) as Arc<dyn Tool>]).await;
    let mut running = started(&work, 9, work.execution("echo", json!({"hang": true})));
    let progress = work.bench.event(|event| match event {
        Event::ToolProgress { text, .. } => Some(text.clone()),
        _ => None,
    });
    tokio::select! {
        text = progress => assert_eq!(text, "hanging"),
        ended = &mut running => panic!("{ended:?}"),
    }
    work.bench.core.connection_closed(9);
    let run = within(running).await.unwrap();
    assert!(!run.success);
    assert_eq!(
        work.audit_words().await,
        ["decision allow echo", "result failed echo"]
    );
}
