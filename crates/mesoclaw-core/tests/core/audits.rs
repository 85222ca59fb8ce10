//! The audit: what is in it after calls of every kind, and that changes of it are found.

use mesoclaw_api::ErrorCode;
use mesoclaw_api::ops::approval::ApprovalScope;
use mesoclaw_api::ops::audit::{
    AuditGet, AuditKind, AuditList, AuditVerify, GetParams, ListParams, VerifyParams,
};
use serde_json::json;

use crate::support::Work;

#[tokio::test]
async fn every_call_leaves_its_decision_and_its_result_in_order() {
    let mut work = Work::start().await;
    work.file("notes.md", "n\n");
    work.ask(
        None,
        &[
            ("file_read", json!({"path": "notes.md"})),
            ("file_read", json!({"path": "absent.md"})),
            ("shell", json!({"command": "sudo true"})),
            ("nothing_like_it", json!({})),
            ("file_read", json!({"file": "a"})),
            ("file_write", json!({"path": "a.md", "content": "x\n"})),
        ],
    )
    .await;
    let asked = loop {
        if let crate::support::Met::Asked(asked) = work.met().await {
            break *asked;
        }
    };
    work.approve(&asked, ApprovalScope::Once).await;
    work.end().await;
    let words = work.audit_words().await;
    let entries = work.audit().await;
    let of_call = |id: &str| -> Vec<String> {
        entries
            .iter()
            .zip(&words)
            .filter(|(entry, _)| {
                entry
                    .call_id
                    .as_ref()
                    .is_some_and(|call| call.as_str() == id)
            })
            .map(|(_, words)| words.clone())
            .collect()
    };
    for (call, expected) in [
        (
            "c0",
            &["decision allow file_read", "result ok file_read"][..],
        ),
        (
            "c1",
            &["decision allow file_read", "result failed file_read"],
        ),
        ("c2", &["decision deny shell"]),
        // What no tool answers to is not judged: it never gets as far.
        ("c3", &[]),
        ("c4", &["decision deny file_read"]),
        (
            "c5",
            &[
                "decision ask file_write",
                "approval approved file_write",
                "result ok file_write",
            ],
        ),
    ] {
        assert_eq!(of_call(call), expected, "{call}");
    }
}

#[tokio::test]
async fn the_entries_of_a_call_say_what_was_approved_and_how_long_it_took() {
    let mut work = Work::start().await;
    let args = json!({"path": "a.md", "content": "x\n"});
    let (session_id, met) = work.begin(None, "file_write", args).await;
    let asked = met.asked();
    work.approve(&asked, ApprovalScope::Once).await;
    work.end().await;
    let entries = work.audit().await;
    let digests: Vec<_> = entries.iter().map(|entry| entry.digest.clone()).collect();
    let digest = Some(asked.digest.clone());
    assert_eq!(digests, [digest.clone(), digest, None]);
    let took: Vec<_> = entries
        .iter()
        .map(|entry| entry.duration_ms.is_some())
        .collect();
    assert_eq!(took, [false, false, true]);
    for entry in &entries {
        assert_eq!(entry.session_id.as_ref(), Some(&session_id));
        assert_eq!(entry.turn_id, asked.turn_id);
    }
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[tokio::test]
async fn entries_are_found_by_kind_tool_and_number() {
    let mut work = Work::start().await;
    for (tool, args) in [
        ("file_list", json!({"path": "."})),
        ("system_info", json!({"action": "time"})),
        ("file_list", json!({"path": "."})),
    ] {
        work.attempt(None, tool, args).await;
    }
    let find = |params: ListParams| {
        let bench = &work.bench;
        async move {
            let found = bench.call::<AuditList>(params).await.unwrap();
            found.iter().map(|entry| entry.id).collect::<Vec<_>>()
        }
    };
    let kind = ListParams {
        kind: Some(AuditKind::Result),
        ..ListParams::default()
    };
    assert_eq!(find(kind).await, [2, 4, 6]);
    let tool = ListParams {
        tool: Some("file_list".to_owned()),
        ..ListParams::default()
    };
    assert_eq!(find(tool).await, [1, 2, 5, 6]);
    let after = ListParams {
        after: Some(2),
        limit: Some(2),
        ..ListParams::default()
    };
    assert_eq!(find(after).await, [3, 4]);
    let before = ListParams {
        before: Some(4),
        limit: Some(2),
        ..ListParams::default()
    };
    assert_eq!(find(before).await, [2, 3]);
    let one = work.bench.call::<AuditGet>(GetParams { id: 3 }).await;
    assert_eq!(one.unwrap().tool.as_deref(), Some("system_info"));
    let none = work.bench.call::<AuditGet>(GetParams { id: 99 }).await;
    assert_eq!(none.unwrap_err().code, ErrorCode::NotFound);
    for wrong in [
        ListParams {
            limit: Some(0),
            ..ListParams::default()
        },
        ListParams {
            before: Some(1),
            after: Some(1),
            ..ListParams::default()
        },
    ] {
        let refused = work.bench.call::<AuditList>(wrong).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Validation);
    }
}

#[tokio::test]
async fn the_chain_goes_on_over_restarts_and_a_noted_head_stays_in_it() {
    let mut work = Work::start().await;
    work.attempt(None, "file_list", json!({"path": "."})).await;
    let verify = |head: Option<String>| VerifyParams { head };
    let first = work.bench.call::<AuditVerify>(verify(None)).await.unwrap();
    assert!(first.is_intact);
    let mut work = work.crash_and_restart().await;
    work.attempt(None, "file_list", json!({"path": "."})).await;
    let params = verify(Some(first.head.clone()));
    let second = work.bench.call::<AuditVerify>(params).await.unwrap();
    assert_eq!((second.is_intact, second.entries), (true, 4));
    assert_ne!(second.head, first.head);
    let foreign = verify(Some("f".repeat(64)));
    let found = work.bench.call::<AuditVerify>(foreign).await.unwrap();
    assert!(!found.is_intact && found.fault.is_some(), "{found:?}");
}
