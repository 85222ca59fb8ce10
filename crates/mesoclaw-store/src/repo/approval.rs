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
mod tests;
