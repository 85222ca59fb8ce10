//! The audit: a table that only grows, in which every entry carries the hash of the one before.
//!
//! Triggers of the schema keep programs from changing it by mistake; against somebody who edits
//! the file the hashes stand, and what they show [`verify()`] finds. Somebody who writes all hashes
//! anew is found only by a head that was noted elsewhere.

mod hash;
mod verify;

use mesoclaw_api::ops::audit::{AuditEntry, AuditKind, ListParams};
use mesoclaw_api::{CallId, SessionId, Surface, Timestamp, TurnId};
use rusqlite::{Connection, Row, ToSql, named_params, params_from_iter};

use crate::error::{StoreError, StoreResult};
use crate::repo::row::{all, bounded, first, from_word, text, text_or_none, to_word};

pub use hash::ZERO_HASH;
pub use verify::verify;

/// Entries of a list when nobody says how many.
const USUAL_LIMIT: u32 = 100;

/// The longest list.
const LARGEST_LIMIT: u32 = 1_000;

/// The longest text of an entry, in characters.
const LONGEST_TEXT: usize = 4_000;

const COLUMNS: &str = "id, at, kind, surface, session_id, turn_id, call_id, tool, text, digest,
    outcome, rule, duration_ms, prev_hash, hash";

/// What an entry says before it has its place in the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: AuditKind,
    /// Who acted.
    pub surface: Surface,
    /// The session.
    pub session_id: Option<SessionId>,
    /// The turn.
    pub turn_id: Option<TurnId>,
    /// The call.
    pub call_id: Option<CallId>,
    /// Name of the tool.
    pub tool: Option<String>,
    /// What would run or ran, secrets left out; cut at 4,000 characters here.
    pub text: String,
    /// SHA-256 of the call.
    pub digest: Option<String>,
    /// How it was decided or how it ended.
    pub outcome: String,
    /// The rule that decided, or the grant.
    pub rule: Option<String>,
    /// Run time in milliseconds.
    pub duration_ms: Option<u64>,
}

/// Adds an entry at the end of the chain, in the transaction of the caller.
pub fn append(conn: &Connection, new: NewEntry) -> StoreResult<AuditEntry> {
    let (n_entries, prev_hash) = head(conn)?.ok_or(StoreError::NoAuditHead)?;
    let mut entry = AuditEntry {
        id: n_entries.saturating_add(1),
        at: new.at,
        kind: new.kind,
        surface: new.surface,
        session_id: new.session_id,
        turn_id: new.turn_id,
        call_id: new.call_id,
        tool: new.tool,
        text: cut(new.text),
        digest: new.digest,
        outcome: new.outcome,
        rule: new.rule,
        duration_ms: new.duration_ms.map(bounded),
        prev_hash,
        hash: String::new(),
    };
    let (kind, surface) = words(&entry)?;
    entry.hash = hash::of_entry(&entry, &kind, &surface)?;
    insert(conn, &entry, &kind, &surface)?;
    conn.prepare_cached("UPDATE audit_head SET entries = ?1, hash = ?2")?
        .execute((entry.id, &entry.hash))?;
    Ok(entry)
}

/// One entry.
pub fn get(conn: &Connection, id: i64) -> StoreResult<Option<AuditEntry>> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id])?, entry)
}

/// Some entries in the order of their numbers: the oldest after number `after`, else the newest
/// before number `before`, else the newest. With both, the oldest in between. A limit out of range
/// counts as the nearest end of it.
pub fn list(conn: &Connection, params: &ListParams) -> StoreResult<Vec<AuditEntry>> {
    let kind = match &params.kind {
        Some(kind) => Some(to_word("a kind of audit entries", kind)?),
        None => None,
    };
    let limit = params.limit.unwrap_or(USUAL_LIMIT).clamp(1, LARGEST_LIMIT);
    // Only what is asked for is in the statement, so that the right index is chosen.
    let mut conditions = vec!["TRUE"];
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let session = params.session_id.as_ref().map(SessionId::as_str);
    for (condition, value) in [
        ("session_id = ?", session.as_ref().map(|v| v as &dyn ToSql)),
        ("tool = ?", params.tool.as_ref().map(|v| v as &dyn ToSql)),
        ("kind = ?", kind.as_ref().map(|v| v as &dyn ToSql)),
        ("id > ?", params.after.as_ref().map(|v| v as &dyn ToSql)),
        ("id < ?", params.before.as_ref().map(|v| v as &dyn ToSql)),
    ] {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(value);
        }
    }
    values.push(&limit);
    let order = if params.after.is_some() {
        "ASC"
    } else {
        "DESC"
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE {} ORDER BY id {order} LIMIT ?",
        conditions.join(" AND ")
    );
    let mut entries = all(
        conn.prepare_cached(&sql)?.query(params_from_iter(values))?,
        entry,
    )?;
    if params.after.is_none() {
        entries.reverse();
    }
    Ok(entries)
}

/// How many entries there are and the hash of the last; `None` when somebody removed the row.
fn head(conn: &Connection) -> StoreResult<Option<(i64, String)>> {
    first(
        conn.prepare_cached("SELECT entries, hash FROM audit_head")?
            .query([])?,
        |row| Ok((row.get("entries")?, row.get("hash")?)),
    )
}

fn words(entry: &AuditEntry) -> StoreResult<(String, String)> {
    Ok((
        to_word("a kind of audit entries", &entry.kind)?,
        to_word("a surface", &entry.surface)?,
    ))
}

fn insert(conn: &Connection, entry: &AuditEntry, kind: &str, surface: &str) -> StoreResult<()> {
    let sql = format!(
        "INSERT INTO audit ({COLUMNS})
         VALUES (:id, :at, :kind, :surface, :session, :turn, :call, :tool, :text, :digest,
             :outcome, :rule, :duration, :prev, :hash)"
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":id": entry.id,
        ":at": entry.at.as_str(),
        ":kind": kind,
        ":surface": surface,
        ":session": entry.session_id.as_ref().map(SessionId::as_str),
        ":turn": entry.turn_id.as_ref().map(TurnId::as_str),
        ":call": entry.call_id.as_ref().map(CallId::as_str),
        ":tool": entry.tool,
        ":text": entry.text,
        ":digest": entry.digest,
        ":outcome": entry.outcome,
        ":rule": entry.rule,
        ":duration": entry.duration_ms,
        ":prev": entry.prev_hash,
        ":hash": entry.hash,
    })?;
    Ok(())
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
    }
    text
}

fn entry(row: &Row<'_>) -> StoreResult<AuditEntry> {
    Ok(AuditEntry {
        id: row.get("id")?,
        at: text(row, "at")?,
        kind: from_word("a kind of audit entries", row.get("kind")?)?,
        surface: from_word("a surface", row.get("surface")?)?,
        session_id: text_or_none(row, "session_id")?,
        turn_id: text_or_none(row, "turn_id")?,
        call_id: text_or_none(row, "call_id")?,
        tool: row.get("tool")?,
        text: row.get("text")?,
        digest: row.get("digest")?,
        outcome: row.get("outcome")?,
        rule: row.get("rule")?,
        duration_ms: row.get("duration_ms")?,
        prev_hash: row.get("prev_hash")?,
        hash: row.get("hash")?,
    })
}

#[cfg(test)]
mod tests;
