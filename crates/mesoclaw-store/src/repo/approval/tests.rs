//! Tests of requests for approval.

use mesoclaw_api::ops::approval::{Risk, Step};

use super::*;
use crate::repo::session;
use crate::repo::tests::{a_session, at, database_with_session};

fn request(id: &str, session: &str, call: &str) -> Approval {
    Approval {
        id: id.into(),
        session_id: Some(session.into()),
        turn_id: Some("t".into()),
        call_id: call.into(),
        tool: "shell".into(),
        args: serde_json::json!({"command": format!("rm {id}")}),
        risk: Risk::High,
        reason: "it deletes".into(),
        rule: "shell.delete".into(),
        steps: vec![Step {
            what: format!("rm {id}"),
            risk: Risk::High,
            rule: "shell.delete".into(),
            reason: "it deletes a file".into(),
            program: Some("/usr/bin/rm".into()),
        }],
        cwd: "/work".into(),
        network: false,
        sandbox: "landlock".into(),
        diff: Some("-x\n".into()),
        patterns: vec!["rm *".into()],
        digest: "00ff".into(),
        requested_at: at(1),
        expires_at: Some(at(100)),
        decision: None,
        resolved_at: None,
        resolved_by: None,
        scope: None,
        answer_reason: None,
    }
}

/// A request of a tool that was run by itself.
fn alone(id: &str, call: &str) -> Approval {
    Approval {
        session_id: None,
        turn_id: None,
        diff: None,
        steps: vec![],
        patterns: vec![],
        network: true,
        ..request(id, "s", call)
    }
}

fn decision(decision: ApprovalDecision, scope: Option<ApprovalScope>) -> Decision {
    Decision {
        decision,
        by: Some(Surface::Cli),
        scope,
        reason: Some("because".into()),
    }
}

fn yes() -> Decision {
    decision(ApprovalDecision::Approved, Some(ApprovalScope::Session))
}

fn decided(approval: Approval, decision: &Decision, n: i64) -> Approval {
    Approval {
        decision: Some(decision.decision),
        resolved_at: Some(at(n)),
        resolved_by: decision.by,
        scope: decision.scope,
        answer_reason: decision.reason.clone(),
        ..approval
    }
}

#[test]
fn a_stored_request_reads_the_same() {
    let conn = database_with_session();
    for approval in [
        request("full", "s", "1"),
        alone("alone", "2"),
        decided(request("done", "s", "3"), &yes(), 5),
    ] {
        open(&conn, &approval).unwrap();
        assert_eq!(get(&conn, &approval.id).unwrap(), Some(approval));
    }
    assert_eq!(get(&conn, &"none".into()).unwrap(), None);
}

#[test]
fn second_answer_gets_what_stands() {
    let cases = [
        decision(ApprovalDecision::Denied, None),
        decision(ApprovalDecision::Approved, Some(ApprovalScope::Once)),
        decision(ApprovalDecision::Approved, Some(ApprovalScope::Always)),
        Decision::timed_out(),
    ];
    for first in &cases {
        let conn = database_with_session();
        open(&conn, &request("a", "s", "c")).unwrap();
        let id = "a".into();
        let stands = decided(request("a", "s", "c"), first, 2);
        let answer = resolve(&conn, &id, first, &at(2)).unwrap();
        assert_eq!(answer, Resolve::Done(stands.clone()));
        for second in &cases {
            let answer = resolve(&conn, &id, second, &at(3)).unwrap();
            assert_eq!(answer, Resolve::AlreadyResolved(stands.clone()));
        }
        assert_eq!(get(&conn, &id).unwrap(), Some(stands));
        let nobody = resolve(&conn, &"no".into(), first, &at(4)).unwrap();
        assert_eq!(nobody, Resolve::NotFound);
    }
}

#[test]
fn requests_are_listed_oldest_first() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    let mut all = [
        request("b", "s", "1"),
        request("a", "other", "2"),
        request("c", "s", "3"),
        alone("d", "4"),
    ];
    for approval in &all {
        open(&conn, approval).unwrap();
    }
    let of_s = |all: &[Approval]| [all[0].clone(), all[2].clone()];
    let s = "s".into();
    assert_eq!(list_open(&conn, None).unwrap(), all);
    assert_eq!(list_latest(&conn, None).unwrap(), all);
    assert_eq!(list_open(&conn, Some(&s)).unwrap(), of_s(&all));
    resolve(&conn, &"b".into(), &yes(), &at(2)).unwrap();
    assert_eq!(list_open(&conn, None).unwrap(), all[1..]);
    all[0] = decided(all[0].clone(), &yes(), 2);
    assert_eq!(list_latest(&conn, Some(&s)).unwrap(), of_s(&all));
}

#[test]
fn a_list_with_answered_ones_has_the_newest_200() {
    let conn = database_with_session();
    for n in 0..205 {
        open(&conn, &request(&format!("a{n:03}"), "s", "c")).unwrap();
    }
    let listed = list_latest(&conn, None).unwrap();
    let ids: Vec<_> = listed.iter().map(|approval| approval.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[199]), (200, "a005", "a204"));
    assert_eq!(list_open(&conn, None).unwrap().len(), 205);
}

#[test]
fn requests_are_found_by_the_beginning_of_their_id() {
    let conn = database_with_session();
    for id in ["abcd", "abcde", "abcxyz", "ab%d", "äöüßa"] {
        open(&conn, &request(id, "s", "c")).unwrap();
    }
    let found = |id: &str| Lookup::Found(request(id, "s", "c"));
    for (name, expected) in [
        ("abcd", found("abcd")),
        ("abcde", found("abcde")),
        ("abcx", found("abcxyz")),
        ("äöüß", found("äöüßa")),
        ("ab%d", found("ab%d")),
        ("abc", Lookup::NotFound),
        ("ab%", Lookup::NotFound),
        ("abc%", Lookup::NotFound),
        ("", Lookup::NotFound),
        ("zzzz", Lookup::NotFound),
    ] {
        assert_eq!(find(&conn, name).unwrap(), expected, "{name:?}");
    }
    open(&conn, &request("abcxaa", "s", "c")).unwrap();
    assert_eq!(find(&conn, "abcx").unwrap(), Lookup::Ambiguous);
}

#[test]
fn a_call_that_is_over_takes_its_request_back() {
    let conn = database_with_session();
    let turn = "t".into();
    let all = [
        request("a", "s", "1"),
        request("b", "s", "2"),
        alone("c", "1"),
        alone("d", "2"),
    ];
    for approval in &all {
        open(&conn, approval).unwrap();
    }
    let gone = |n: usize| decided(all[n].clone(), &Decision::timed_out(), 9);
    let withdraw = |turn, call: &str| withdraw_for_call(&conn, turn, &call.into(), &at(9)).unwrap();
    assert_eq!(withdraw(Some(&turn), "1"), [gone(0)]);
    assert_eq!(withdraw(Some(&turn), "1"), []);
    assert_eq!(withdraw(Some(&turn), "9"), []);
    assert_eq!(withdraw(None, "1"), [gone(2)]);
    let open_ones = list_open(&conn, None).unwrap();
    assert_eq!(open_ones, [all[1].clone(), all[3].clone()]);
    assert_eq!(withdraw_without_turn(&conn, &at(9)).unwrap(), [gone(3)]);
    assert_eq!(withdraw_without_turn(&conn, &at(9)).unwrap(), []);
    assert_eq!(list_open(&conn, None).unwrap(), all[1..2]);
}

#[test]
fn the_time_of_a_broken_turn_stands_still() {
    let conn = database_with_session();
    let other_turn = Approval {
        turn_id: Some("other".into()),
        ..request("c", "s", "3")
    };
    for approval in [
        &request("a", "s", "1"),
        &request("b", "s", "2"),
        &other_turn,
    ] {
        open(&conn, approval).unwrap();
    }
    resolve(&conn, &"b".into(), &yes(), &at(2)).unwrap();
    let still = Approval {
        expires_at: None,
        ..request("a", "s", "1")
    };
    let t = "t".into();
    assert_eq!(
        clear_expiry(&conn, &t).unwrap(),
        std::slice::from_ref(&still)
    );
    assert_eq!(clear_expiry(&conn, &t).unwrap(), []);
    assert_eq!(list_open(&conn, None).unwrap(), [still.clone(), other_turn]);
    let again = Approval {
        expires_at: Some(at(500)),
        ..still
    };
    let set = |id: &str| set_expiry(&conn, &id.into(), &at(500)).unwrap();
    assert_eq!(set("a"), Some(again.clone()));
    assert_eq!(get(&conn, &"a".into()).unwrap(), Some(again));
    // Answered ones are as they were.
    assert_eq!((set("b"), set("none")), (None, None));
    assert_eq!(
        get(&conn, &"b".into()).unwrap(),
        Some(decided(request("b", "s", "2"), &yes(), 2))
    );
}

#[test]
fn requests_of_a_session_go_with_it() {
    let conn = database_with_session();
    open(&conn, &request("a", "s", "1")).unwrap();
    open(&conn, &alone("b", "2")).unwrap();
    assert!(session::delete(&conn, &"s".into()).unwrap());
    assert_eq!(list_latest(&conn, None).unwrap(), [alone("b", "2")]);
}

#[test]
fn open_requests_are_found_without_reading_all() {
    let conn = database_with_session();
    for (sql, index) in [
        (
            "SELECT * FROM approvals WHERE turn_id IS 't' AND call_id = 'c' AND decision IS NULL",
            "approvals_open",
        ),
        (
            "SELECT * FROM approvals WHERE decision IS NULL AND (?1 IS NULL OR session_id = ?1)
             ORDER BY +seq",
            "approvals_open",
        ),
        (
            "SELECT * FROM grants WHERE revoked_at IS NULL AND scope = 'always' ORDER BY +seq",
            "grants_that_count",
        ),
        (
            "SELECT * FROM approvals WHERE id >= 'abcd' AND id < 'abcd' || char(1114111)",
            "sqlite_autoindex_approvals_1",
        ),
    ] {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec!["s"; statement.parameter_count()];
        let plan: String = statement
            .query_row(rusqlite::params_from_iter(values), |row| row.get(3))
            .unwrap();
        assert!(plan.contains(index), "{plan}");
    }
}
