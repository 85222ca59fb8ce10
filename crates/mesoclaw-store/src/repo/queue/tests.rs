//! Tests of messages that wait.

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
    assert!(remove(&conn, &s, &"q2".into()).unwrap());
    push(&conn, &s, &waiting("q4", "four"), None).unwrap();
    assert_eq!(
        list_with_client_ids(&conn, &s).unwrap(),
        [
            (waiting("q1", "one"), Some("client-1".to_owned())),
            (waiting("q3", "three"), None),
            (waiting("q4", "four"), None),
        ]
    );
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
