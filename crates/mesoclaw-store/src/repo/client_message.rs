//! Ids clients gave their messages: sending one again does not say it twice.

use mesoclaw_api::{ItemId, QueueId, SessionId, Timestamp, TurnId};
use rusqlite::{Connection, params};

use crate::error::StoreResult;
use crate::repo::row::{first, text, text_or_none};

/// What became of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownMessage {
    /// The session.
    pub session_id: SessionId,
    /// The turn that answers it; `None` while it waits, and when it was taken back.
    pub turn_id: Option<TurnId>,
    /// The stored user item; `None` as above.
    pub item_id: Option<ItemId>,
    /// Its place in the queue; `None` when it began at once.
    pub queue_id: Option<QueueId>,
}

/// What is known of a message.
pub fn find(conn: &Connection, id: &str) -> StoreResult<Option<KnownMessage>> {
    first(
        conn.prepare_cached(
            "SELECT session_id, turn_id, item_id, queue_id FROM client_messages
             WHERE client_message_id = ?1",
        )?
        .query([id])?,
        |row| {
            Ok(KnownMessage {
                session_id: text(row, "session_id")?,
                turn_id: text_or_none(row, "turn_id")?,
                item_id: text_or_none(row, "item_id")?,
                queue_id: text_or_none(row, "queue_id")?,
            })
        },
    )
}

/// Notes a message. To be called in the transaction that found it unknown.
///
/// # Errors
/// When the id is there already.
pub fn remember(conn: &Connection, id: &str, message: &KnownMessage) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO client_messages
             (client_message_id, session_id, turn_id, item_id, queue_id, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        id,
        message.session_id.as_str(),
        message.turn_id.as_ref().map(TurnId::as_str),
        message.item_id.as_ref().map(ItemId::as_str),
        message.queue_id.as_ref().map(QueueId::as_str),
        Timestamp::now().as_str(),
    ])?;
    Ok(())
}

/// Notes that a message that waited is now part of a turn. Its place in the queue stays noted.
/// False when the message is not known.
pub fn started(
    conn: &Connection,
    id: &str,
    turn_id: &TurnId,
    item_id: &ItemId,
) -> StoreResult<bool> {
    let n_changed = conn
        .prepare_cached(
            "UPDATE client_messages SET turn_id = ?2, item_id = ?3 WHERE client_message_id = ?1",
        )?
        .execute([id, turn_id.as_str(), item_id.as_str()])?;
    Ok(n_changed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::session;
    use crate::repo::tests::database_with_session;

    #[test]
    fn a_message_is_remembered_once_and_follows_its_way() {
        let conn = database_with_session();
        assert_eq!(find(&conn, "m").unwrap(), None);
        let queued = KnownMessage {
            session_id: "s".into(),
            turn_id: None,
            item_id: None,
            queue_id: Some("q".into()),
        };
        remember(&conn, "m", &queued).unwrap();
        remember(&conn, "m", &queued).unwrap_err();
        assert_eq!(find(&conn, "m").unwrap(), Some(queued.clone()));
        assert!(started(&conn, "m", &"t".into(), &"t.0".into()).unwrap());
        assert!(!started(&conn, "other", &"t".into(), &"t.0".into()).unwrap());
        let begun = KnownMessage {
            turn_id: Some("t".into()),
            item_id: Some("t.0".into()),
            ..queued
        };
        assert_eq!(find(&conn, "m").unwrap(), Some(begun));
        session::delete(&conn, &"s".into()).unwrap();
        assert_eq!(find(&conn, "m").unwrap(), None);
    }
}
