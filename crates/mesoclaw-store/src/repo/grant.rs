//! Grants: approvals that count for more than one call.

use mesoclaw_api::ops::grant::Grant;
use mesoclaw_api::{GrantId, SessionId, Timestamp};
use rusqlite::{Connection, Row, named_params, params};

use crate::error::StoreResult;
use crate::repo::lookup::{Lookup, lookup};
use crate::repo::row::{all, first, from_json, from_word, text, text_or_none, to_json, to_word};

const COLUMNS: &str = "id, scope, tool, pattern, session_id, project, programs, approval_id,
    created_at, expires_at, revoked_at, uses";

/// What came of an attempt to take a grant back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revoke {
    /// Taken back by this attempt.
    Done(Grant),
    /// It was taken back before; this is what stands.
    AlreadyRevoked(Grant),
    /// Several begin like that.
    Ambiguous,
    /// There is no such grant.
    NotFound,
}

/// Adds a grant. One of scope session needs its session, one of scope project its project.
pub fn insert(conn: &Connection, grant: &Grant) -> StoreResult<()> {
    let sql = format!(
        "INSERT INTO grants ({COLUMNS})
         VALUES (:id, :scope, :tool, :pattern, :session, :project, :programs, :approval, :created,
             :expires, :revoked, :uses)"
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":id": grant.id.as_str(),
        ":scope": to_word("the scope of a grant", &grant.scope)?,
        ":tool": grant.tool,
        ":pattern": grant.pattern,
        ":session": grant.session_id.as_ref().map(SessionId::as_str),
        ":project": grant.project,
        ":programs": to_json("the programs of a grant", &grant.programs)?,
        ":approval": grant.approval_id.as_str(),
        ":created": grant.created_at.as_str(),
        ":expires": grant.expires_at.as_ref().map(Timestamp::as_str),
        ":revoked": grant.revoked_at.as_ref().map(Timestamp::as_str),
        ":uses": grant.uses,
    })?;
    Ok(())
}

/// The grants that count for a call at the moment `now`, oldest first: those of its session and
/// of its project, which is the root of its workspace, and those that count everywhere.
///
/// A grant of scope session counts only while the session has the workspace it had when it was
/// granted, because the pattern is read relative to that.
pub fn active(
    conn: &Connection,
    session: Option<&SessionId>,
    project: Option<&str>,
    now: &Timestamp,
) -> StoreResult<Vec<Grant>> {
    // The sign keeps the order from choosing the way: the index has no grants that were taken back.
    let sql = format!(
        "SELECT {COLUMNS} FROM grants
         WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)
           AND ((scope = 'session' AND session_id = ?1 AND project IS ?2)
                OR (scope = 'project' AND project = ?2)
                OR scope = 'always')
         ORDER BY +seq"
    );
    all(
        conn.prepare_cached(&sql)?.query(params![
            session.map(SessionId::as_str),
            project,
            now.as_str()
        ])?,
        grant,
    )
}

/// Grants, the newest first: those that count at the moment `now`, or all.
pub fn list(conn: &Connection, with_ended: bool, now: &Timestamp) -> StoreResult<Vec<Grant>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM grants
         WHERE ?1 OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2))
         ORDER BY seq DESC"
    );
    all(
        conn.prepare_cached(&sql)?
            .query(params![with_ended, now.as_str()])?,
        grant,
    )
}

/// The grant of this id, or the only one whose id begins with these at least 4 characters.
pub fn find(conn: &Connection, name: &str) -> StoreResult<Lookup<Grant>> {
    lookup(conn, &format!("SELECT {COLUMNS} FROM grants"), name, grant)
}

/// Takes a grant back, named as for [`find`]. The first time stays.
pub fn revoke(conn: &Connection, name: &str, now: &Timestamp) -> StoreResult<Revoke> {
    let found = match find(conn, name)? {
        Lookup::Found(found) => found,
        Lookup::Ambiguous => return Ok(Revoke::Ambiguous),
        Lookup::NotFound => return Ok(Revoke::NotFound),
    };
    let sql = format!(
        "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL
         RETURNING {COLUMNS}"
    );
    let revoked = first(
        conn.prepare_cached(&sql)?
            .query([found.id.as_str(), now.as_str()])?,
        grant,
    )?;
    Ok(match revoked {
        Some(grant) => Revoke::Done(grant),
        None => Revoke::AlreadyRevoked(found),
    })
}

/// Counts one call that runs because of a grant. False when the grant does not count at the
/// moment `now`: called in the transaction that starts the call, this is the last word.
pub fn count_use(conn: &Connection, id: &GrantId, now: &Timestamp) -> StoreResult<bool> {
    let n_changed = conn
        .prepare_cached(
            "UPDATE grants SET uses = uses + 1
             WHERE id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)",
        )?
        .execute([id.as_str(), now.as_str()])?;
    Ok(n_changed > 0)
}

fn grant(row: &Row<'_>) -> StoreResult<Grant> {
    let programs: String = row.get("programs")?;
    Ok(Grant {
        id: text(row, "id")?,
        scope: from_word("the scope of a grant", row.get("scope")?)?,
        tool: row.get("tool")?,
        pattern: row.get("pattern")?,
        session_id: text_or_none(row, "session_id")?,
        project: row.get("project")?,
        programs: from_json("the programs of a grant", &programs)?,
        approval_id: text(row, "approval_id")?,
        created_at: text(row, "created_at")?,
        expires_at: text_or_none(row, "expires_at")?,
        revoked_at: text_or_none(row, "revoked_at")?,
        uses: row.get("uses")?,
    })
}

#[cfg(test)]
mod tests;
