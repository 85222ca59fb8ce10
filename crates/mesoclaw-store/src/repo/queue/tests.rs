//! Tests of messages that wait.

use mesoclaw_api::item::ImageRef;

use super::*;
use crate::repo::session;
use crate::repo::tests::{a_session, at, database_with_session, waiting};

#[test]
fn messages_leave_in_the_order_they_came() {
    let conn = database_with_session();
    let s = "s".into();
    let with_model = QueuedMessage {
        model: Some("local:m".into()),
        images: vec![ImageRef {
            sha256: "00ff".into(),
            media_type: "image/png".into(),
            name: None,
            size_bytes: 3,
        }],
        ..waiting("q2", "two")
    };
    push(
        &conn,
        &s,
        &waiting("q1", "one"),
        Some("client-1"),
        Surface::Http,
    )
    .unwrap();
    push(&conn, &s, &with_model, None, Surface::Cli).unwrap();
    push(&conn, &s, &waiting("q3", "three"), None, Surface::Cli).unwrap();
    assert_eq!(
        list(&conn, &s).unwrap(),
        [
            waiting("q1", "one"),
            with_model.clone(),
            waiting("q3", "three")
        ]
    );
    assert!(remove(&conn, &s, &"q2".into()).unwrap());
    push(&conn, &s, &waiting("q4", "four"), None, Surface::Cli).unwrap();
    let row = |message, client: Option<&str>, surface| QueuedRow {
        message,
        client_message_id: client.map(Into::into),
        surface,
    };
    assert_eq!(
        rows(&conn, &s).unwrap(),
        [
            row(waiting("q1", "one"), Some("client-1"), Surface::Http),
            row(waiting("q3", "three"), None, Surface::Cli),
            row(waiting("q4", "four"), None, Surface::Cli),
        ]
    );
}

#[test]
fn a_message_is_changed_only_where_it_waits() {
    let conn = database_with_session();
    let (s, other) = ("s".into(), "other".into());
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    push(&conn, &s, &waiting("q", "one"), None, Surface::Cli).unwrap();
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
        push(&conn, &session.into(), &message, None, Surface::Cli).unwrap();
    }
    assert_eq!(
        sessions_with_queue(&conn).unwrap(),
        ["other".into(), "s".into()]
    );
}
