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

/// Takes the first message out, with its `client_message_id`.
pub fn pop_first(
    conn: &Connection,
    session: &SessionId,
) -> StoreResult<Option<(QueuedMessage, Option<String>)>> {
    let sql = format!(
        "DELETE FROM queue WHERE id =
             (SELECT id FROM queue WHERE session_id = ?1 ORDER BY rank LIMIT 1)
         RETURNING {COLUMNS}, client_message_id"
    );
    first(
        conn.prepare_cached(&sql)?.query([session.as_str()])?,
        |row| Ok((message(row)?, row.get("client_message_id")?)),
    )
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
mod tests {
    use super::*;
    use crate::repo::session;
    use crate::repo::tests::{a_session, at, database_with_session, waiting};

    #[test]
    fn messages_leave_in_the_order_they_came() {
        let conn = database_with_session();
        let s = "s".into();
        let with_model = QueuedMessage {
            model: Some("local:m".into()),
            ..waiting("q2", "two")
        };
        push(&conn, &s, &waiting("q1", "one"), Some("client-1")).unwrap();
        push(&conn, &s, &with_model, None).unwrap();
        push(&conn, &s, &waiting("q3", "three"), None).unwrap();
        assert_eq!(
            list(&conn, &s).unwrap(),
            [
                waiting("q1", "one"),
                with_model.clone(),
                waiting("q3", "three")
            ]
        );
        assert_eq!(
            pop_first(&conn, &s).unwrap(),
            Some((waiting("q1", "one"), Some("client-1".to_owned())))
        );
        push(&conn, &s, &waiting("q4", "four"), None).unwrap();
        assert_eq!(pop_first(&conn, &s).unwrap(), Some((with_model, None)));
        assert!(remove(&conn, &s, &"q3".into()).unwrap());
        assert_eq!(
            pop_first(&conn, &s).unwrap(),
            Some((waiting("q4", "four"), None))
        );
        assert_eq!(pop_first(&conn, &s).unwrap(), None);
    }

    #[test]
    fn a_message_is_changed_only_where_it_waits() {
        let conn = database_with_session();
        let (s, other) = ("s".into(), "other".into());
        session::insert(&conn, &a_session("other", "other", 1)).unwrap();
        push(&conn, &s, &waiting("q", "one"), None).unwrap();
        let q = "q".into();
        assert_eq!(update(&conn, &other, &q, "stolen").unwrap(), None);
        assert!(!remove(&conn, &other, &q).unwrap());
        assert_eq!(
            update(&conn, &s, &q, "changed").unwrap(),
            Some(waiting("q", "changed"))
        );
        assert_eq!(list(&conn, &s).unwrap(), [waiting("q", "changed")]);
        assert!(remove(&conn, &s, &q).unwrap());
        assert_eq!(update(&conn, &s, &q, "late").unwrap(), None);
        assert!(!remove(&conn, &s, &q).unwrap());
    }

    #[test]
    fn sessions_that_wait_longest_come_first() {
        let conn = database_with_session();
        session::insert(&conn, &a_session("other", "other", 1)).unwrap();
        assert_eq!(sessions_with_queue(&conn).unwrap(), []);
        for (id, session, n) in [("1", "s", 5), ("2", "other", 4), ("3", "s", 6)] {
            let message = QueuedMessage {
                created_at: at(n),
                ..waiting(id, "x")
            };
            push(&conn, &session.into(), &message, None).unwrap();
        }
        assert_eq!(
            sessions_with_queue(&conn).unwrap(),
            ["other".into(), "s".into()]
        );
    }
}
