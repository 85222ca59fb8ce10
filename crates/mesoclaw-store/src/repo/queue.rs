//! Messages that wait for the running turn of their session to end.

use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::{QueueId, SessionId, Surface};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first, from_json, from_word, text, to_json, to_word};

/// A message that waits, with what is stored about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedRow {
    /// The message.
    pub message: QueuedMessage,
    /// The id its client gave it.
    pub client_message_id: Option<String>,
    /// Who sent it.
    pub surface: Surface,
}

const COLUMNS: &str = "id, text, model, images, created_at";

/// Adds a message at the end.
pub fn push(
    conn: &Connection,
    session: &SessionId,
    message: &QueuedMessage,
    client_message_id: Option<&str>,
    surface: Surface,
) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO queue (id, session_id, text, model, client_message_id, created_at, images, surface, rank)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
             (SELECT coalesce(max(rank), 0) + 1 FROM queue WHERE session_id = ?2))",
    )?
    .execute(params![
        message.id.as_str(),
        session.as_str(),
        message.text,
        message.model,
        client_message_id,
        message.created_at.as_str(),
        to_json("the images of a message", &message.images)?,
        to_word("a surface", &surface)?,
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

/// The messages that wait in a session, in order, with what is stored about them.
pub fn rows(conn: &Connection, session: &SessionId) -> StoreResult<Vec<QueuedRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, client_message_id, surface FROM queue
         WHERE session_id = ?1 ORDER BY rank"
    );
    all(
        conn.prepare_cached(&sql)?.query([session.as_str()])?,
        |row| {
            Ok(QueuedRow {
                message: message(row)?,
                client_message_id: row.get("client_message_id")?,
                surface: from_word("a surface", row.get("surface")?)?,
            })
        },
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
    let images: String = row.get("images")?;
    Ok(QueuedMessage {
        id: text(row, "id")?,
        text: row.get("text")?,
        model: row.get("model")?,
        images: from_json("the images of a message", &images)?,
        created_at: text(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests;
