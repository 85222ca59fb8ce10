//! Tests of grants.

use mesoclaw_api::ops::grant::GrantScope;

use super::*;
use crate::repo::session;
use crate::repo::tests::{a_session, at, database_with_session};

fn of(scope: GrantScope, id: &str, session: Option<&str>, project: Option<&str>) -> Grant {
    Grant {
        id: id.into(),
        scope,
        tool: "shell".into(),
        pattern: "cargo test *".into(),
        session_id: session.map(Into::into),
        project: project.map(Into::into),
        programs: vec!["/usr/bin/cargo".into()],
        approval_id: "a".into(),
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
        uses: 0,
    }
}

fn always(id: &str) -> Grant {
    of(GrantScope::Always, id, None, None)
}

#[test]
fn a_grant_counts_where_it_was_given() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    let grants = [
        of(GrantScope::Session, "in-s", Some("s"), Some("/p")),
        of(GrantScope::Session, "in-s-nowhere", Some("s"), None),
        of(GrantScope::Session, "in-other", Some("other"), Some("/p")),
        of(GrantScope::Project, "of-p", None, Some("/p")),
        of(GrantScope::Project, "of-q", Some("s"), Some("/q")),
        always("all"),
    ];
    for grant in &grants {
        insert(&conn, grant).unwrap();
    }
    for (session, project, expected) in [
        (Some("s"), Some("/p"), &["in-s", "of-p", "all"][..]),
        (Some("s"), Some("/q"), &["of-q", "all"]),
        (Some("s"), Some("/p/q"), &["all"]),
        (Some("s"), None, &["in-s-nowhere", "all"]),
        (Some("other"), Some("/p"), &["in-other", "of-p", "all"]),
        (Some("third"), Some("/p"), &["of-p", "all"]),
        (None, Some("/p"), &["of-p", "all"]),
        (None, None, &["all"]),
    ] {
        let session = session.map(SessionId::from);
        let found = active(&conn, session.as_ref(), project, &at(5)).unwrap();
        let ids: Vec<_> = found.iter().map(|grant| grant.id.as_str()).collect();
        assert_eq!(ids, expected, "{session:?} {project:?}");
        assert!(found.iter().all(|grant| grants.contains(grant)));
    }
}

#[test]
fn a_grant_without_its_place_is_refused() {
    let conn = database_with_session();
    for grant in [
        of(GrantScope::Session, "a", None, Some("/p")),
        of(GrantScope::Session, "a", Some("none"), Some("/p")),
        of(GrantScope::Project, "a", Some("s"), None),
    ] {
        insert(&conn, &grant).unwrap_err();
    }
    assert_eq!(list(&conn, true, &at(1)).unwrap(), []);
}

#[test]
fn a_grant_ends_at_its_time() {
    let conn = database_with_session();
    let ends = Grant {
        expires_at: Some(at(10)),
        ..always("ends")
    };
    insert(&conn, &ends).unwrap();
    insert(&conn, &always("stays")).unwrap();
    for (now, counts) in [(9, true), (10, false), (11, false)] {
        let expected = if counts {
            vec![ends.clone(), always("stays")]
        } else {
            vec![always("stays")]
        };
        assert_eq!(active(&conn, None, None, &at(now)).unwrap(), expected);
        let newest_first: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(list(&conn, false, &at(now)).unwrap(), newest_first);
        assert_eq!(
            list(&conn, true, &at(now)).unwrap(),
            [always("stays"), ends.clone()]
        );
    }
    assert!(!count_use(&conn, &"ends".into(), &at(10)).unwrap());
}

#[test]
fn a_grant_is_taken_back_once() {
    let conn = database_with_session();
    insert(&conn, &always("abcd-1")).unwrap();
    insert(&conn, &always("abcd-2")).unwrap();
    let gone = Grant {
        revoked_at: Some(at(7)),
        ..always("abcd-1")
    };
    for (name, n, expected) in [
        ("abcd", 6, Revoke::Ambiguous),
        ("nothing", 6, Revoke::NotFound),
        ("abcd-1", 7, Revoke::Done(gone.clone())),
        ("abcd-1", 8, Revoke::AlreadyRevoked(gone.clone())),
    ] {
        assert_eq!(revoke(&conn, name, &at(n)).unwrap(), expected, "{name}");
    }
    assert_eq!(
        active(&conn, None, None, &at(9)).unwrap(),
        [always("abcd-2")]
    );
    assert_eq!(find(&conn, "abcd-1").unwrap(), Lookup::Found(gone.clone()));
    assert!(!count_use(&conn, &"abcd-1".into(), &at(9)).unwrap());
    let ended = [always("abcd-2"), gone];
    assert_eq!(list(&conn, true, &at(9)).unwrap(), ended);
    assert_eq!(list(&conn, false, &at(9)).unwrap(), ended[..1]);
}

#[test]
fn uses_are_counted() {
    let conn = database_with_session();
    insert(&conn, &always("a")).unwrap();
    for _ in 0..3 {
        assert!(count_use(&conn, &"a".into(), &at(2)).unwrap());
    }
    assert!(!count_use(&conn, &"none".into(), &at(2)).unwrap());
    let used = Grant {
        uses: 3,
        ..always("a")
    };
    assert_eq!(find(&conn, "a").unwrap(), Lookup::Found(used));
}

#[test]
fn grants_of_a_session_go_with_it() {
    let conn = database_with_session();
    insert(&conn, &of(GrantScope::Session, "a", Some("s"), None)).unwrap();
    insert(&conn, &always("b")).unwrap();
    assert!(session::delete(&conn, &"s".into()).unwrap());
    assert_eq!(list(&conn, true, &at(1)).unwrap(), [always("b")]);
}
