//! Requests for approval: open until somebody decides or the call is over.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{ApprovalId, CallId, SessionId, Timestamp, TurnId};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first, from_json, from_word, text, text_or_none, to_json, to_word};

/// What came of an attempt to decide.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolve {
    /// Decided by this attempt.
    Done(Approval),
    /// Somebody else was first; this is what stands.
    AlreadyResolved(Approval),
    /// There is no such request.
    NotFound,
}

const COLUMNS: &str = "id, session_id, turn_id, call_id, tool, args, risk, reason, requested_at,
    decision, resolved_at";

/// Adds a request.
pub fn open(conn: &Connection, approval: &Approval) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO approvals
             (id, session_id, turn_id, call_id, tool, args, risk, reason, requested_at,
              decision, resolved_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        approval.id.as_str(),
        approval.session_id.as_str(),
        approval.turn_id.as_str(),
        approval.call_id.as_str(),
        approval.tool,
        to_json("the arguments of a tool call", &approval.args)?,
        to_word("a risk", &approval.risk)?,
        approval.reason,
        approval.requested_at.as_str(),
        approval
            .decision
            .map(|decision| to_word("a decision", &decision))
            .transpose()?,
        approval.resolved_at.as_ref().map(Timestamp::as_str),
    ])?;
    Ok(())
}

/// One request.
pub fn get(conn: &Connection, id: &ApprovalId) -> StoreResult<Option<Approval>> {
    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id.as_str()])?, approval)
}

/// What the person said when deciding, for the turn that takes the call up after a restart.
pub fn answer_reason(conn: &Connection, id: &ApprovalId) -> StoreResult<Option<String>> {
    let reason = first(
        conn.prepare_cached("SELECT answer_reason FROM approvals WHERE id = ?1")?
            .query([id.as_str()])?,
        |row| Ok(row.get(0)?),
    )?;
    Ok(reason.flatten())
}

/// Requests that wait for an answer, oldest first: all, or those of one session.
pub fn list_open(conn: &Connection, session: Option<&SessionId>) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM approvals
         WHERE decision IS NULL AND (?1 IS NULL OR session_id = ?1) ORDER BY seq"
    );
    all(
        conn.prepare_cached(&sql)?
            .query([session.map(SessionId::as_str)])?,
        approval,
    )
}

/// Decides about a request. The first decision stays.
pub fn resolve(
    conn: &Connection,
    id: &ApprovalId,
    decision: ApprovalDecision,
    reason: Option<&str>,
    now: &Timestamp,
) -> StoreResult<Resolve> {
    let sql = format!(
        "UPDATE approvals SET decision = ?2, answer_reason = ?3, resolved_at = ?4
         WHERE id = ?1 AND decision IS NULL RETURNING {COLUMNS}"
    );
    let decided = first(
        conn.prepare_cached(&sql)?.query(params![
            id.as_str(),
            to_word("a decision", &decision)?,
            reason,
            now.as_str()
        ])?,
        approval,
    )?;
    Ok(match decided {
        Some(approval) => Resolve::Done(approval),
        None => match get(conn, id)? {
            Some(approval) => Resolve::AlreadyResolved(approval),
            None => Resolve::NotFound,
        },
    })
}

/// Takes the open requests about a call back, because the call is over. They count as not
/// answered in time; the answer says which they were.
pub fn withdraw_for_call(
    conn: &Connection,
    turn: &TurnId,
    call: &CallId,
) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "UPDATE approvals SET decision = ?3, resolved_at = ?4
         WHERE turn_id = ?1 AND call_id = ?2 AND decision IS NULL RETURNING {COLUMNS}"
    );
    all(
        conn.prepare_cached(&sql)?.query(params![
            turn.as_str(),
            call.as_str(),
            to_word("a decision", &ApprovalDecision::TimedOut)?,
            Timestamp::now().as_str(),
        ])?,
        approval,
    )
}

fn approval(row: &Row<'_>) -> StoreResult<Approval> {
    let args: String = row.get("args")?;
    let decision: Option<String> = row.get("decision")?;
    Ok(Approval {
        id: text(row, "id")?,
        session_id: text(row, "session_id")?,
        turn_id: text(row, "turn_id")?,
        call_id: text(row, "call_id")?,
        tool: row.get("tool")?,
        args: from_json("the arguments of a tool call", &args)?,
        risk: from_word("a risk", row.get("risk")?)?,
        reason: row.get("reason")?,
        requested_at: text(row, "requested_at")?,
        decision: decision
            .map(|word| from_word("a decision", word))
            .transpose()?,
        resolved_at: text_or_none(row, "resolved_at")?,
    })
}

#[cfg(test)]
mod tests {
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
        let reason = answer_reason(&conn, &"a".into()).unwrap();
        assert_eq!(reason.as_deref(), Some("not that"));
        assert_eq!(answer_reason(&conn, &"no".into()).unwrap(), None);
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
}
