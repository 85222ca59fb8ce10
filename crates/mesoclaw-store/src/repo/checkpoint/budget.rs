//! How much the kept contents take, and which may go.

use std::collections::BTreeSet;

use mesoclaw_api::{SessionId, TurnId};
use rusqlite::Connection;

use crate::error::StoreResult;
use crate::repo::row::{all, text};

/// A turn with the contents it keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct KeptTurn {
    pub session_id: SessionId,
    pub turn_id: TurnId,
    /// Bytes of the contents that no newer turn keeps too.
    pub bytes: u64,
}

/// The hashes of all contents that are still needed.
pub fn referenced(conn: &Connection) -> StoreResult<BTreeSet<String>> {
    let hashes = all(
        conn.prepare_cached(
            "SELECT DISTINCT before_sha256 FROM checkpoint_files WHERE before_sha256 IS NOT NULL",
        )?
        .query([])?,
        |row| Ok(row.get(0)?),
    )?;
    Ok(hashes.into_iter().collect())
}

/// All turns that touched files or ran commands, in all sessions, the oldest first. A content that
/// several keep counts for the newest of them.
pub(super) fn kept_turns(conn: &Connection) -> StoreResult<Vec<KeptTurn>> {
    all(
        conn.prepare_cached(
            "WITH contents AS (
                 SELECT f.before_sha256, max(f.before_bytes) AS bytes, max(t.seq) AS newest
                 FROM checkpoint_files f
                 JOIN checkpoint_turns t USING (session_id, turn_id)
                 WHERE f.before_sha256 IS NOT NULL
                 GROUP BY f.before_sha256)
             SELECT t.session_id, t.turn_id, coalesce(sum(c.bytes), 0) AS bytes
             FROM checkpoint_turns t LEFT JOIN contents c ON c.newest = t.seq
             GROUP BY t.seq ORDER BY t.seq",
        )?
        .query([])?,
        |row| {
            Ok(KeptTurn {
                session_id: text(row, "session_id")?,
                turn_id: text(row, "turn_id")?,
                bytes: row.get("bytes")?,
            })
        },
    )
}

/// Forgets the oldest turns until the contents of the others fit in `max_bytes`, and says the
/// hashes of the contents that nothing names any more. The newest turn stays in any case.
///
/// A content that is kept anew while this runs must be noted, or kept again, afterwards: the caller
/// lets one thing at a time happen.
pub fn drop_beyond(conn: &Connection, max_bytes: u64) -> StoreResult<Vec<String>> {
    // Contents that several turns keep are counted more than once here, so this is an upper bound.
    let at_most: u64 = conn
        .prepare_cached(
            "SELECT coalesce(sum(before_bytes), 0) FROM checkpoint_files
             WHERE before_sha256 IS NOT NULL",
        )?
        .query_row([], |row| row.get(0))?;
    if at_most <= max_bytes {
        return Ok(Vec::new());
    }
    let mut turns = kept_turns(conn)?;
    let mut bytes = 0_u64;
    let n_kept = turns
        .iter()
        .rev()
        .enumerate()
        .take_while(|(n, turn)| {
            bytes = bytes.saturating_add(turn.bytes);
            *n == 0 || bytes <= max_bytes
        })
        .count();
    turns.truncate(turns.len().saturating_sub(n_kept));
    let before = referenced(conn)?;
    for turn in &turns {
        conn.prepare_cached("DELETE FROM checkpoint_turns WHERE session_id = ?1 AND turn_id = ?2")?
            .execute([turn.session_id.as_str(), turn.turn_id.as_str()])?;
    }
    let after = referenced(conn)?;
    Ok(before.difference(&after).cloned().collect())
}
