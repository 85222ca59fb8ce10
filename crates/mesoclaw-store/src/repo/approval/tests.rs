//! Tests of requests for approval.

use mesoclaw_api::ops::approval::Risk;

use super::*;
use crate::repo::session;
use crate::repo::tests::{a_session, at, database_with_session};

fn request(id: &str, session: &str, call: &str) -> Approval {
    Approval {
        id: id.into(),
        session_id: session.into(),
        turn_id: "t".into(),
        call_id: call.into(),
        tool: "shell".into(),
        args: serde_json::json!({"argv": ["rm", id]}),
        risk: Risk::High,
        reason: "it deletes".into(),
        requested_at: at(1),
        decision: None,
        resolved_at: None,
    }
}

#[test]
fn second_answer_gets_what_stands() {
    let conn = database_with_session();
    open(&conn, &request("a", "s", "c")).unwrap();
    let answer = |decision, reason, n| resolve(&conn, &"a".into(), decision, reason, &at(n));
    let denied = Approval {
        decision: Some(ApprovalDecision::Denied),
        resolved_at: Some(at(2)),
        ..request("a", "s", "c")
    };
    assert_eq!(
        answer(ApprovalDecision::Denied, Some("not that"), 2).unwrap(),
        Resolve::Done(denied.clone())
    );
    assert_eq!(
        answer(ApprovalDecision::Approved, Some("yes"), 3).unwrap(),
        Resolve::AlreadyResolved(denied.clone())
    );
    assert_eq!(get(&conn, &"a".into()).unwrap(), Some(denied));
    let nobody = resolve(
        &conn,
        &"no".into(),
        ApprovalDecision::Approved,
        None,
        &at(4),
    );
    assert_eq!(nobody.unwrap(), Resolve::NotFound);
}

#[test]
fn open_requests_are_listed_oldest_first() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    let (a, b, c) = (
        request("b", "s", "1"),
        request("a", "other", "2"),
        request("c", "s", "3"),
    );
    for approval in [&a, &b, &c] {
        open(&conn, approval).unwrap();
    }
    assert_eq!(
        list_open(&conn, None).unwrap(),
        [a.clone(), b.clone(), c.clone()]
    );
    assert_eq!(list_open(&conn, Some(&"s".into())).unwrap(), [a, c.clone()]);
    resolve(&conn, &"b".into(), ApprovalDecision::Approved, None, &at(2)).unwrap();
    assert_eq!(list_open(&conn, None).unwrap(), [b, c]);
}

#[test]
fn a_call_that_is_over_takes_its_request_back() {
    let conn = database_with_session();
    open(&conn, &request("a", "s", "1")).unwrap();
    open(&conn, &request("b", "s", "2")).unwrap();
    let withdraw = |call: &str| withdraw_for_call(&conn, &"t".into(), &call.into()).unwrap();
    let withdrawn = withdraw("1");
    let expected = Approval {
        decision: Some(ApprovalDecision::TimedOut),
        resolved_at: withdrawn[0].resolved_at.clone(),
        ..request("a", "s", "1")
    };
    assert_eq!(withdrawn, [expected]);
    assert_eq!(withdraw("1"), []);
    assert_eq!(withdraw("9"), []);
    assert_eq!(list_open(&conn, None).unwrap(), [request("b", "s", "2")]);
}
