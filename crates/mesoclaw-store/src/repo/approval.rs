//! Requests for approval: open until somebody decides or the call is over.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Approval, ApprovalScope};
use mesoclaw_api::{ApprovalId, CallId, SessionId, Surface, Timestamp, TurnId};
use rusqlite::{Connection, Row, named_params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreResult;
use crate::repo::lookup::{Lookup, lookup};
use crate::repo::row::{all, first, from_json, from_word, text, text_or_none, to_json, to_word};

/// How many requests a list with answered ones has at most.
const LONGEST_LIST: u32 = 200;

/// What somebody, or the clock, decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The decision.
    pub decision: ApprovalDecision,
    /// Who decided; `None` when nobody did.
    pub by: Option<Surface>,
    /// For how much it counts; `None` for anything but an approval.
    pub scope: Option<ApprovalScope>,
    /// What was said with it.
    pub reason: Option<String>,
}

impl Decision {
    /// Time ran out, or the call is over.
    pub fn timed_out() -> Self {
        Self {
            decision: ApprovalDecision::TimedOut,
            by: None,
            scope: None,
            reason: None,
        }
    }
}

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

const COLUMNS: &str = "id, session_id, turn_id, call_id, tool, args, risk, reason, rule, steps,
    cwd, network, sandbox, diff, patterns, digest, requested_at, expires_at, decision,
    answer_reason, resolved_at, resolved_by, scope";

/// Adds a request.
pub fn open(conn: &Connection, approval: &Approval) -> StoreResult<()> {
    let sql = format!(
        "INSERT INTO approvals ({COLUMNS})
         VALUES (:id, :session, :turn, :call, :tool, :args, :risk, :reason, :rule, :steps,
             :cwd, :network, :sandbox, :diff, :patterns, :digest, :requested, :expires, :decision,
             :answer_reason, :resolved, :by, :scope)"
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":id": approval.id.as_str(),
        ":session": approval.session_id.as_ref().map(SessionId::as_str),
        ":turn": approval.turn_id.as_ref().map(TurnId::as_str),
        ":call": approval.call_id.as_str(),
        ":tool": approval.tool,
        ":args": to_json("the arguments of a tool call", &approval.args)?,
        ":risk": to_word("a risk", &approval.risk)?,
        ":reason": approval.reason,
        ":rule": approval.rule,
        ":steps": to_json("the steps of a tool call", &approval.steps)?,
        ":cwd": approval.cwd,
        ":network": approval.network,
        ":sandbox": approval.sandbox,
        ":diff": approval.diff,
        ":patterns": to_json("the patterns of a tool call", &approval.patterns)?,
        ":digest": approval.digest,
        ":requested": approval.requested_at.as_str(),
        ":expires": approval.expires_at.as_ref().map(Timestamp::as_str),
        ":decision": word("a decision", approval.decision.as_ref())?,
        ":answer_reason": approval.answer_reason,
        ":resolved": approval.resolved_at.as_ref().map(Timestamp::as_str),
        ":by": word("a surface", approval.resolved_by.as_ref())?,
        ":scope": word("a scope", approval.scope.as_ref())?,
    })?;
    Ok(())
}

/// One request.
pub fn get(conn: &Connection, id: &ApprovalId) -> StoreResult<Option<Approval>> {
    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id.as_str()])?, approval)
}

/// The request of this id, or the only one whose id begins with these at least 4 characters.
pub fn find(conn: &Connection, name: &str) -> StoreResult<Lookup<Approval>> {
    let select = format!("SELECT {COLUMNS} FROM approvals");
    lookup(conn, &select, name, approval)
}

/// What was approved last for a call of a session; `None` when nothing was.
pub fn approved(
    conn: &Connection,
    session: &SessionId,
    call: &CallId,
) -> StoreResult<Option<Approval>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM approvals
         WHERE session_id = ?1 AND call_id = ?2 AND decision = ?3 ORDER BY seq DESC LIMIT 1"
    );
    first(
        conn.prepare_cached(&sql)?.query(params![
            session.as_str(),
            call.as_str(),
            to_word("a decision", &ApprovalDecision::Approved)?,
        ])?,
        approval,
    )
}

/// Requests that wait for an answer, oldest first: all, or those of one session.
pub fn list_open(conn: &Connection, session: Option<&SessionId>) -> StoreResult<Vec<Approval>> {
    // The sign keeps the order from choosing the way: the index has the open ones alone.
    let sql = format!(
        "SELECT {COLUMNS} FROM approvals
         WHERE decision IS NULL AND (?1 IS NULL OR session_id = ?1) ORDER BY +seq"
    );
    all(
        conn.prepare_cached(&sql)?
            .query([session.map(SessionId::as_str)])?,
        approval,
    )
}

/// The newest 200 requests, answered or not, oldest first: of all, or of one session.
pub fn list_latest(conn: &Connection, session: Option<&SessionId>) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM approvals
         WHERE ?1 IS NULL OR session_id = ?1 ORDER BY seq DESC LIMIT ?2"
    );
    let mut approvals = all(
        conn.prepare_cached(&sql)?
            .query(params![session.map(SessionId::as_str), LONGEST_LIST])?,
        approval,
    )?;
    approvals.reverse();
    Ok(approvals)
}

/// Decides about a request. The first decision stays.
///
/// Whether the one who answers saw what would run is for the caller to check, in the same
/// transaction; a request whose digest is empty is bound to nothing and must not be approved.
pub fn resolve(
    conn: &Connection,
    id: &ApprovalId,
    decision: &Decision,
    now: &Timestamp,
) -> StoreResult<Resolve> {
    let sql = format!(
        "UPDATE approvals
         SET decision = ?2, answer_reason = ?3, resolved_at = ?4, resolved_by = ?5, scope = ?6
         WHERE id = ?1 AND decision IS NULL RETURNING {COLUMNS}"
    );
    let decided = first(
        conn.prepare_cached(&sql)?.query(params![
            id.as_str(),
            to_word("a decision", &decision.decision)?,
            decision.reason,
            now.as_str(),
            word("a surface", decision.by.as_ref())?,
            word("a scope", decision.scope.as_ref())?,
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
/// answered in time; the answer says which they were. `turn` is `None` for a tool that was run by
/// itself.
pub fn withdraw_for_call(
    conn: &Connection,
    turn: Option<&TurnId>,
    call: &CallId,
    now: &Timestamp,
) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "UPDATE approvals SET decision = ?3, resolved_at = ?4
         WHERE turn_id IS ?1 AND call_id = ?2 AND decision IS NULL RETURNING {COLUMNS}"
    );
    all(
        conn.prepare_cached(&sql)?.query(params![
            turn.map(TurnId::as_str),
            call.as_str(),
            to_word("a decision", &ApprovalDecision::TimedOut)?,
            now.as_str(),
        ])?,
        approval,
    )
}

/// Takes the open requests of tools that were run by themselves back: nobody waits for them after
/// a restart. The answer says which they were.
pub fn withdraw_without_turn(conn: &Connection, now: &Timestamp) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "UPDATE approvals SET decision = ?1, resolved_at = ?2
         WHERE turn_id IS NULL AND decision IS NULL RETURNING {COLUMNS}"
    );
    all(
        conn.prepare_cached(&sql)?.query(params![
            to_word("a decision", &ApprovalDecision::TimedOut)?,
            now.as_str(),
        ])?,
        approval,
    )
}

/// Lets the time of the open requests of a turn stand still, because the turn is broken off. The
/// answer has the requests that changed.
pub fn clear_expiry(conn: &Connection, turn: &TurnId) -> StoreResult<Vec<Approval>> {
    let sql = format!(
        "UPDATE approvals SET expires_at = NULL
         WHERE turn_id = ?1 AND decision IS NULL AND expires_at IS NOT NULL RETURNING {COLUMNS}"
    );
    all(conn.prepare_cached(&sql)?.query([turn.as_str()])?, approval)
}

/// Gives an open request another end of its time. `None` when no such request is open.
pub fn set_expiry(
    conn: &Connection,
    id: &ApprovalId,
    expires_at: &Timestamp,
) -> StoreResult<Option<Approval>> {
    let sql = format!(
        "UPDATE approvals SET expires_at = ?2
         WHERE id = ?1 AND decision IS NULL RETURNING {COLUMNS}"
    );
    first(
        conn.prepare_cached(&sql)?
            .query([id.as_str(), expires_at.as_str()])?,
        approval,
    )
}

fn approval(row: &Row<'_>) -> StoreResult<Approval> {
    let args: String = row.get("args")?;
    let steps: String = row.get("steps")?;
    let patterns: String = row.get("patterns")?;
    Ok(Approval {
        id: text(row, "id")?,
        session_id: text_or_none(row, "session_id")?,
        turn_id: text_or_none(row, "turn_id")?,
        call_id: text(row, "call_id")?,
        tool: row.get("tool")?,
        args: from_json("the arguments of a tool call", &args)?,
        risk: from_word("a risk", row.get("risk")?)?,
        reason: row.get("reason")?,
        rule: row.get("rule")?,
        steps: from_json("the steps of a tool call", &steps)?,
        cwd: row.get("cwd")?,
        network: row.get("network")?,
        sandbox: row.get("sandbox")?,
        diff: row.get("diff")?,
        patterns: from_json("the patterns of a tool call", &patterns)?,
        digest: row.get("digest")?,
        requested_at: text(row, "requested_at")?,
        expires_at: text_or_none(row, "expires_at")?,
        decision: word_of(row, "a decision", "decision")?,
        resolved_at: text_or_none(row, "resolved_at")?,
        resolved_by: word_of(row, "a surface", "resolved_by")?,
        scope: word_of(row, "a scope", "scope")?,
        answer_reason: row.get("answer_reason")?,
    })
}

fn word<T: Serialize>(what: &'static str, value: Option<&T>) -> StoreResult<Option<String>> {
    value.map(|value| to_word(what, value)).transpose()
}

fn word_of<T: DeserializeOwned>(
    row: &Row<'_>,
    what: &'static str,
    column: &str,
) -> StoreResult<Option<T>> {
    let word: Option<String> = row.get(column)?;
    word.map(|word| from_word(what, word)).transpose()
}

#[cfg(test)]
mod tests;
