//! The directory a session works in.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::SessionId;
use mesoclaw_api::ops::session::{ForkParams, SessionFork, SessionGet, SessionParams, Workspace};
use serde_json::json;

use crate::support::Work;

async fn workspace(work: &Work, session_id: &SessionId) -> Option<Workspace> {
    let params = SessionParams {
        session_id: session_id.clone(),
    };
    let detail = work.bench.call::<SessionGet>(params).await.unwrap();
    detail.summary.session.workspace
}

#[tokio::test]
async fn the_first_directory_stays_and_a_fork_keeps_it() {
    let mut work = Work::start().await;
    std::fs::create_dir(work.root.join(".git")).unwrap();
    let (session, word) = work.attempt(None, "file_list", json!({"path": "."})).await;
    assert_eq!(word, "ran");
    let root = work.root.to_str().unwrap().to_owned();
    let first = workspace(&work, &session).await.unwrap();
    assert_eq!((&first.root, first.git_root.as_ref()), (&root, Some(&root)));
    let elsewhere = work.bench.home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    work.say_in(Some(&session), &elsewhere).await.unwrap();
    work.end().await;
    assert_eq!(workspace(&work, &session).await, Some(first.clone()));
    let params = ForkParams {
        session_id: session,
        until: None,
        title: None,
    };
    let fork = work.bench.call::<SessionFork>(params).await.unwrap();
    assert_eq!(fork.workspace, Some(first));
}

#[tokio::test]
async fn a_session_without_a_directory_gets_the_first_that_is_given() {
    let mut work = Work::start().await;
    let sent = work.bench.send(None, "hello").await.unwrap();
    work.end().await;
    assert_eq!(workspace(&work, &sent.session_id).await, None);
    work.say(Some(&sent.session_id)).await;
    work.end().await;
    let found = workspace(&work, &sent.session_id).await.unwrap();
    assert_eq!(found.root, work.root.to_str().unwrap());
}

#[tokio::test]
async fn where_everything_is_inside_everything_asks_but_harmless_facts() {
    let mut work = Work::configured("security_autonomy_level = \"autonomous\"\n").await;
    let home = work.bench.home.path().canonicalize().unwrap();
    work.root = home;
    for (tool, args, expected) in [
        ("system_info", json!({"action": "time"}), "ran"),
        ("file_read", json!({"path": "notes.md"}), "asked"),
        ("file_list", json!({"path": "."}), "asked"),
        ("file_write", json!({"path": "a", "content": "x"}), "asked"),
        ("shell", json!({"command": "touch a"}), "asked"),
    ] {
        let (_, word) = work.attempt(None, tool, args).await;
        assert_eq!(word, expected, "{tool}");
    }
}

#[tokio::test]
async fn a_directory_that_is_none_is_refused_before_anything_is_stored() {
    let work = Work::start().await;
    for dir in ["relative", "/no/such/directory/here"] {
        let refused = work.say_in(None, std::path::Path::new(dir)).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Validation, "{dir}");
    }
    let list = work
        .bench
        .call::<mesoclaw_api::ops::session::SessionList>(
            mesoclaw_api::ops::session::ListParams::default(),
        )
        .await
        .unwrap();
    assert_eq!(list, []);
}
