//! Messages that wait for the running turn of their session to end.

use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::{QueueId, SessionId};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first, text};

const COLUMNS: &str = "id, text, model, created_at";

/// Adds a message at the end.
pub fn push(
    conn: &Connection,
    session: &SessionId,
    message: &QueuedMessage,
    client_message_id: Option<&str>,
) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO queue (id, session_id, text, model, client_message_id, created_at, rank)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6,
             (SELECT coalesce(max(rank), 0) + 1 FROM queue WHERE session_id = ?2))",
    )?
    .execute(params![
        message.id.as_str(),
        session.as_str(),
        message.text,
        message.model,
        client_message_id,
        message.created_at.as_str(),
    ])?;
    Ok(())
}

/// The messages that wait in a session, in order.
pub fn list(conn: &Connection, session: &SessionId) -> StoreResult<Vec<QueuedMessage>> {
    let sql = format!("SELECT {COLUMNS} FROM queue WHERE session_id = ?1 ORDER BY rank");
    all(
        conn.prepare_cached(&sql)?.query([session.as_str()])?,
        message,
    )
}

/// Changes the text of a message. `None` when it does not wait in this session (any more).
pub fn update(
    conn: &Connection,
    session: &SessionId,
    id: &QueueId,
    text: &str,
) -> StoreResult<Option<QueuedMessage>> {
    let sql =
        format!("UPDATE queue SET text = ?3 WHERE id = ?2 AND session_id = ?1 RETURNING {COLUMNS}");
    first(
        conn.prepare_cached(&sql)?
            .query([session.as_str(), id.as_str(), text])?,
        message,
    )
}

/// Takes a message back. False when it does not wait in this session (any more).
pub fn remove(conn: &Connection, session: &SessionId, id: &QueueId) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM queue WHERE id = ?2 AND session_id = ?1")?
        .execute([session.as_str(), id.as_str()])?;
    Ok(n_deleted > 0)
}

/// The messages that wait in a session, in order, each with its `client_message_id`.
pub fn list_with_client_ids(
    conn: &Connection,
    session: &SessionId,
) -> StoreResult<Vec<(QueuedMessage, Option<String>)>> {
    let sql = format!(
        "SELECT {COLUMNS}, client_message_id FROM queue WHERE session_id = ?1 ORDER BY rank"
    );
    all(
        conn.prepare_cached(&sql)?.query([session.as_str()])?,
        |row| Ok((message(row)?, row.get("client_message_id")?)),
    )
}

/// Sessions in which something waits, the one that waits longest first.
pub fn sessions_with_queue(conn: &Connection) -> StoreResult<Vec<SessionId>> {
    all(
        conn.prepare_cached(
            "SELECT session_id FROM queue GROUP BY session_id ORDER BY min(created_at), session_id",
        )?
        .query([])?,
        |row| text(row, "session_id"),
    )
}

fn message(row: &Row<'_>) -> StoreResult<QueuedMessage> {
    Ok(QueuedMessage {
        id: text(row, "id")?,
        text: row.get("text")?,
        model: row.get("model")?,
        created_at: text(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests;
