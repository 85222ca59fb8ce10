//! Conversations.

use mesoclaw_api::ops::session::{Session, Workspace};
use mesoclaw_api::{ItemId, SessionId, Timestamp, TurnOutcome, Usage};
use rusqlite::{Connection, Row, named_params, params};

use crate::error::StoreResult;
use crate::repo::image;
use crate::repo::row::{all, first, from_json, text, text_or_none};
use crate::repo::usage::usage_of_row;

/// A session with what a list says about it.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionRow {
    /// The session.
    pub session: Session,
    /// User items and complete assistant items in it.
    pub message_count: u64,
    /// Messages that wait in it.
    pub queued: u32,
    /// How its last turn ended; `None` when there was none or it still runs.
    pub last_outcome: Option<TurnOutcome>,
    /// Whether a turn is stored as running.
    pub is_running: bool,
}

const COLUMNS: &str = "id, title, created_at, updated_at, source, channel_key, model,
    workspace_root, workspace_git_root, workspace_too_broad";

const ROW_COLUMNS: &str = "
    s.id, s.title, s.created_at, s.updated_at, s.source, s.channel_key, s.model,
    s.workspace_root, s.workspace_git_root, s.workspace_too_broad, s.message_count,
    (SELECT count(*) FROM queue q WHERE q.session_id = s.id) AS queued,
    (SELECT t.outcome FROM turns t WHERE t.session_id = s.id ORDER BY t.seq DESC LIMIT 1)
        AS last_outcome,
    EXISTS (SELECT 1 FROM turns t WHERE t.session_id = s.id AND t.state = 'running') AS is_running";

/// Adds a session.
pub fn insert(conn: &Connection, session: &Session) -> StoreResult<()> {
    let workspace = session.workspace.as_ref();
    conn.prepare_cached(
        "INSERT INTO sessions (id, title, created_at, updated_at, source, channel_key, model,
             workspace_root, workspace_git_root, workspace_too_broad)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        session.id.as_str(),
        session.title,
        session.created_at.as_str(),
        session.updated_at.as_str(),
        session.source,
        session.channel_key,
        session.model,
        workspace.map(|workspace| &workspace.root),
        workspace.and_then(|workspace| workspace.git_root.as_ref()),
        workspace.and_then(|workspace| workspace.too_broad.as_ref()),
    ])?;
    Ok(())
}

/// One session.
pub fn get(conn: &Connection, id: &SessionId) -> StoreResult<Option<Session>> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id.as_str()])?, session)
}

/// Sessions, the latest first.
pub fn list(conn: &Connection, limit: u32, offset: u32) -> StoreResult<Vec<SessionRow>> {
    let sql = format!(
        "SELECT {ROW_COLUMNS} FROM sessions s
         ORDER BY s.updated_at DESC, s.seq DESC LIMIT ?1 OFFSET ?2"
    );
    all(
        conn.prepare_cached(&sql)?.query([limit, offset])?,
        session_row,
    )
}

/// One session with what a list says about it.
pub fn row(conn: &Connection, id: &SessionId) -> StoreResult<Option<SessionRow>> {
    let sql = format!("SELECT {ROW_COLUMNS} FROM sessions s WHERE s.id = ?1");
    first(
        conn.prepare_cached(&sql)?.query([id.as_str()])?,
        session_row,
    )
}

/// Gives a session another title. `None` when there is no such session.
pub fn rename(
    conn: &Connection,
    id: &SessionId,
    title: &str,
    now: &Timestamp,
) -> StoreResult<Option<Session>> {
    let sql = format!(
        "UPDATE sessions SET title = ?2, updated_at = ?3 WHERE id = ?1 RETURNING {COLUMNS}"
    );
    first(
        conn.prepare_cached(&sql)?
            .query(params![id.as_str(), title, now.as_str()])?,
        session,
    )
}

/// Chooses the model of a session; `None` is the default again. `None` when there is no such
/// session.
pub fn set_model(
    conn: &Connection,
    id: &SessionId,
    model: Option<&str>,
    now: &Timestamp,
) -> StoreResult<Option<Session>> {
    let sql = format!(
        "UPDATE sessions SET model = ?2, updated_at = ?3 WHERE id = ?1 RETURNING {COLUMNS}"
    );
    first(
        conn.prepare_cached(&sql)?
            .query(params![id.as_str(), model, now.as_str()])?,
        session,
    )
}

/// Gives a session the directory it works in, unless it has one: the first stays. Answers the
/// session as it then is; `None` when there is no such session.
pub fn set_workspace_if_none(
    conn: &Connection,
    id: &SessionId,
    workspace: &Workspace,
) -> StoreResult<Option<Session>> {
    conn.prepare_cached(
        "UPDATE sessions
         SET workspace_root = ?2, workspace_git_root = ?3, workspace_too_broad = ?4
         WHERE id = ?1 AND workspace_root IS NULL",
    )?
    .execute(params![
        id.as_str(),
        workspace.root,
        workspace.git_root,
        workspace.too_broad,
    ])?;
    get(conn, id)
}

/// Removes a session and everything in it, its images too unless another session has them. False
/// when there is no such session. What it used stays counted.
pub fn delete(conn: &Connection, id: &SessionId) -> StoreResult<bool> {
    let images = image::of_session(conn, id)?;
    let n_deleted = conn
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id.as_str()])?;
    if n_deleted > 0 {
        image::delete_unused(conn, &images, &Timestamp::now())?;
    }
    Ok(n_deleted > 0)
}

/// Notes that something happened in a session.
pub fn touch(conn: &Connection, id: &SessionId, now: &Timestamp) -> StoreResult<()> {
    conn.prepare_cached("UPDATE sessions SET updated_at = ?2 WHERE id = ?1")?
        .execute([id.as_str(), now.as_str()])?;
    Ok(())
}

/// How many sessions there are.
pub fn count(conn: &Connection) -> StoreResult<u64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM sessions")?
        .query_row([], |row| row.get(0))?)
}

/// The session with exactly this title; of several, the one in which something happened last.
pub fn by_title(conn: &Connection, title: &str) -> StoreResult<Option<Session>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions WHERE title = ?1 ORDER BY updated_at DESC, seq DESC LIMIT 1"
    );
    first(conn.prepare_cached(&sql)?.query([title])?, session)
}

/// Sessions whose id begins so, at most two: enough to tell one from several. An empty beginning
/// is none.
pub fn by_id_prefix(conn: &Connection, prefix: &str) -> StoreResult<Vec<Session>> {
    if prefix.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions
         WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2"
    );
    all(conn.prepare_cached(&sql)?.query([prefix])?, session)
}

/// What all turns of a session used.
pub fn usage(conn: &Connection, id: &SessionId) -> StoreResult<Usage> {
    conn.prepare_cached(
        "SELECT coalesce(sum(input_tokens), 0) AS input_tokens,
                coalesce(sum(cached_tokens), 0) AS cached_tokens,
                coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,
                coalesce(sum(output_tokens), 0) AS output_tokens,
                coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
                coalesce(sum(model_calls), 0) AS model_calls
         FROM turns WHERE session_id = ?1",
    )?
    .query_row([id.as_str()], |row| Ok(usage_of_row(row)))?
}

/// Makes the session `new` with copies of the items of `from`, up to and with `until`, and says
/// how many. The copies keep their positions and times, have ids of their own (`<session>.<n>`)
/// and belong to no turn. A new session without a workspace gets that of `from`. `None`, and nothing
/// is made, when `from` does not exist or `until` is not one of its items.
pub fn fork(
    conn: &Connection,
    from: &SessionId,
    new: &Session,
    until: Option<&ItemId>,
) -> StoreResult<Option<u64>> {
    let last: Option<i64> = conn
        .prepare_cached(
            "SELECT CASE WHEN ?2 IS NULL THEN 9223372036854775807 ELSE (
                 SELECT position FROM items WHERE session_id = s.id AND id = ?2) END
             FROM sessions s WHERE s.id = ?1",
        )?
        .query(params![from.as_str(), until.map(ItemId::as_str)])
        .and_then(|mut rows| match rows.next()? {
            Some(row) => row.get(0),
            None => Ok(None),
        })?;
    let Some(last) = last else {
        return Ok(None);
    };
    insert(conn, new)?;
    conn.prepare_cached(
        "UPDATE sessions
         SET (workspace_root, workspace_git_root, workspace_too_broad) = (
             SELECT workspace_root, workspace_git_root, workspace_too_broad
             FROM sessions WHERE id = ?2)
         WHERE id = ?1 AND workspace_root IS NULL",
    )?
    .execute([new.id.as_str(), from.as_str()])?;
    let n_copied = conn
        .prepare_cached(
            "INSERT INTO items
                 (id, session_id, position, kind, created_at, body, is_message)
             SELECT :new || '.' || position, :new, position, kind, created_at, body, is_message
             FROM items WHERE session_id = :from AND position <= :last ORDER BY position",
        )?
        .execute(named_params! {
            ":new": new.id.as_str(),
            ":from": from.as_str(),
            ":last": last,
        })?;
    Ok(Some(n_copied as u64))
}

fn session(row: &Row<'_>) -> StoreResult<Session> {
    let root: Option<String> = row.get("workspace_root")?;
    let workspace = match root {
        Some(root) => Some(Workspace {
            root,
            git_root: row.get("workspace_git_root")?,
            too_broad: row.get("workspace_too_broad")?,
        }),
        None => None,
    };
    Ok(Session {
        id: text(row, "id")?,
        title: row.get("title")?,
        created_at: text(row, "created_at")?,
        updated_at: text(row, "updated_at")?,
        source: row.get("source")?,
        channel_key: text_or_none(row, "channel_key")?,
        model: row.get("model")?,
        workspace,
    })
}

fn session_row(row: &Row<'_>) -> StoreResult<SessionRow> {
    let last_outcome: Option<String> = row.get("last_outcome")?;
    Ok(SessionRow {
        session: session(row)?,
        message_count: row.get("message_count")?,
        queued: row.get("queued")?,
        last_outcome: last_outcome
            .map(|outcome| from_json("the outcome of a turn", &outcome))
            .transpose()?,
        is_running: row.get("is_running")?,
    })
}

#[cfg(test)]
mod tests;
