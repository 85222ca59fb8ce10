//! Tests of sessions.

use mesoclaw_api::{ItemBody, Surface};

use super::*;
use crate::repo::tests::{
    a_session, a_turn, an_item, assert_index_in_step, assistant, at, call, database,
    database_with_session, finish, put, result, used, user, waiting,
};
use crate::repo::{item, queue, turn};

#[test]
fn a_stored_session_reads_the_same() {
    let conn = database();
    let plain = a_session("a", "plain", 1);
    let of_channel = Session {
        channel_key: Some("telegram:7".into()),
        model: Some("local:m".into()),
        ..a_session("b", "chat", 2)
    };
    insert(&conn, &plain).unwrap();
    insert(&conn, &of_channel).unwrap();
    assert_eq!(get(&conn, &"a".into()).unwrap(), Some(plain));
    assert_eq!(get(&conn, &"b".into()).unwrap(), Some(of_channel.clone()));
    assert_eq!(get(&conn, &"c".into()).unwrap(), None);
    assert_eq!(count(&conn).unwrap(), 2);
    let same_channel = Session {
        id: "c".into(),
        ..of_channel
    };
    insert(&conn, &same_channel).unwrap_err();
    insert(&conn, &a_session("a", "again", 1)).unwrap_err();
}

#[test]
fn a_list_has_the_latest_first_and_tells_what_goes_on() {
    let conn = database();
    for (id, updated) in [("old", 1), ("tie-1", 2), ("tie-2", 2), ("new", 3)] {
        insert(&conn, &a_session(id, id, updated)).unwrap();
    }
    item::upsert(&conn, &an_item("i", "old", None, user("hi"))).unwrap();
    queue::push(
        &conn,
        &"old".into(),
        &waiting("q", "next"),
        None,
        Surface::Cli,
    )
    .unwrap();
    turn::insert(&conn, &a_turn("t1", "old", "m", 1)).unwrap();
    finish(&conn, "t1", &TurnOutcome::Cancelled, &used(1));
    turn::insert(&conn, &a_turn("t2", "new", "m", 1)).unwrap();
    finish(&conn, "t2", &TurnOutcome::Completed, &used(1));
    turn::insert(&conn, &a_turn("t3", "new", "m", 2)).unwrap();

    let idle = |id: &str, updated| SessionRow {
        session: a_session(id, id, updated),
        message_count: 0,
        queued: 0,
        last_outcome: None,
        is_running: false,
    };
    let new = SessionRow {
        is_running: true,
        ..idle("new", 3)
    };
    let old = SessionRow {
        message_count: 1,
        queued: 1,
        last_outcome: Some(TurnOutcome::Cancelled),
        ..idle("old", 1)
    };
    let expected = vec![new.clone(), idle("tie-2", 2), idle("tie-1", 2), old.clone()];
    assert_eq!(list(&conn, 100, 0).unwrap(), expected);
    assert_eq!(list(&conn, 2, 1).unwrap(), expected[1..3]);
    assert_eq!(list(&conn, 2, 4).unwrap(), []);
    assert_eq!(row(&conn, &"old".into()).unwrap(), Some(old));
    assert_eq!(row(&conn, &"new".into()).unwrap(), Some(new));
    assert_eq!(row(&conn, &"none".into()).unwrap(), None);
}

#[test]
fn sessions_are_found_by_title_and_beginning_of_the_id() {
    let conn = database();
    for (id, title, updated) in [
        ("abc1", "demo", 5),
        ("abc2", "demo", 9),
        ("abd%", "demo", 7),
        ("äbc", "other", 8),
    ] {
        insert(&conn, &a_session(id, title, updated)).unwrap();
    }
    let title = |title| {
        by_title(&conn, title)
            .unwrap()
            .map(|session| session.id.to_string())
    };
    assert_eq!(title("demo").as_deref(), Some("abc2"));
    assert_eq!(title("Demo"), None);
    for (prefix, expected) in [
        ("abc1", &["abc1"][..]),
        ("abc", &["abc1", "abc2"]),
        ("ab", &["abc1", "abc2"]),
        ("abd", &["abd%"]),
        ("ab%", &[]),
        ("ä", &["äbc"]),
        ("", &[]),
        ("zz", &[]),
    ] {
        let found = by_id_prefix(&conn, prefix).unwrap();
        let ids: Vec<_> = found.iter().map(|session| session.id.as_str()).collect();
        assert_eq!(ids, expected, "{prefix:?}");
    }
}

#[test]
fn renaming_and_touching_make_a_session_the_latest() {
    let conn = database();
    let latest = || list(&conn, 1, 0).unwrap().pop().map(|row| row.session);
    assert_eq!(latest(), None);
    insert(&conn, &a_session("a", "one", 1)).unwrap();
    insert(&conn, &a_session("b", "two", 2)).unwrap();
    assert_eq!(latest(), Some(a_session("b", "two", 2)));
    touch(&conn, &"a".into(), &at(3)).unwrap();
    assert_eq!(latest(), Some(a_session("a", "one", 3)));
    let renamed = rename(&conn, &"b".into(), "2", &at(4)).unwrap();
    assert_eq!(renamed, Some(a_session("b", "2", 4)));
    assert_eq!(latest(), renamed);
    assert_eq!(rename(&conn, &"c".into(), "3", &at(5)).unwrap(), None);
}

#[test]
fn a_session_has_a_model_until_it_has_none() {
    let conn = database_with_session();
    let s = "s".into();
    for (n, model) in [(1, Some("hint:fast")), (2, Some("local:m")), (3, None)] {
        let expected = Some(Session {
            model: model.map(Into::into),
            ..a_session("s", "first", n)
        });
        assert_eq!(set_model(&conn, &s, model, &at(n)).unwrap(), expected);
        assert_eq!(get(&conn, &s).unwrap(), expected);
        assert_eq!(by_title(&conn, "first").unwrap(), expected);
        let listed = list(&conn, 1, 0).unwrap().pop().map(|row| row.session);
        assert_eq!(listed, expected);
        let found = by_id_prefix(&conn, "s").unwrap().pop();
        assert_eq!(found, expected);
    }
    let none = set_model(&conn, &"none".into(), Some("x"), &at(9)).unwrap();
    assert_eq!(none, None);
}

fn a_workspace(root: &str) -> Workspace {
    Workspace {
        root: root.into(),
        git_root: Some("/git".into()),
        too_broad: Some("it is a home".into()),
    }
}

#[test]
fn a_session_keeps_its_first_workspace() {
    let conn = database_with_session();
    let s = "s".into();
    let plain = Workspace {
        git_root: None,
        too_broad: None,
        ..a_workspace("/b")
    };
    let expected = Some(Session {
        workspace: Some(a_workspace("/a")),
        ..a_session("s", "first", 0)
    });
    for workspace in [a_workspace("/a"), plain.clone()] {
        let session = set_workspace_if_none(&conn, &s, &workspace).unwrap();
        assert_eq!(session, expected);
    }
    let none = set_workspace_if_none(&conn, &"none".into(), &plain).unwrap();
    assert_eq!(none, None);
    assert_eq!(get(&conn, &s).unwrap(), expected);
    let from_the_start = Session {
        workspace: Some(plain),
        ..a_session("new", "second", 1)
    };
    insert(&conn, &from_the_start).unwrap();
    let listed: Vec<_> = list(&conn, 9, 0)
        .unwrap()
        .into_iter()
        .map(|row| row.session)
        .collect();
    assert_eq!(listed, [from_the_start.clone(), expected.clone().unwrap()]);
    assert_eq!(by_title(&conn, "second").unwrap(), Some(from_the_start));
    let renamed = rename(&conn, &s, "other", &at(5)).unwrap().unwrap();
    assert_eq!(renamed.workspace, Some(a_workspace("/a")));
}

#[test]
fn a_fork_works_where_its_origin_does() {
    let conn = database_with_session();
    let s = "s".into();
    fork(&conn, &s, &a_session("f0", "f", 1), None).unwrap();
    set_workspace_if_none(&conn, &s, &a_workspace("/a")).unwrap();
    fork(&conn, &s, &a_session("f1", "f", 1), None).unwrap();
    let elsewhere = Session {
        workspace: Some(a_workspace("/b")),
        ..a_session("f2", "f", 1)
    };
    fork(&conn, &s, &elsewhere, None).unwrap();
    for (id, expected) in [("f0", None), ("f1", Some("/a")), ("f2", Some("/b"))] {
        let session = get(&conn, &id.into()).unwrap().unwrap();
        assert_eq!(session.workspace, expected.map(a_workspace));
    }
}

#[test]
fn deleting_takes_everything_of_the_session_along() {
    let conn = database_with_session();
    insert(&conn, &a_session("other", "other", 1)).unwrap();
    item::upsert(&conn, &an_item("o", "other", None, user("stays"))).unwrap();
    turn::insert(&conn, &a_turn("t", "s", "m", 1)).unwrap();
    put(&conn, "u", user("goes"));
    put(&conn, "c", call("1"));
    queue::push(
        &conn,
        &"s".into(),
        &waiting("q", "next"),
        None,
        Surface::Cli,
    )
    .unwrap();
    assert!(delete(&conn, &"s".into()).unwrap());
    assert!(!delete(&conn, &"s".into()).unwrap());
    for table in ["turns", "tool_calls", "queue"] {
        let n: i64 = conn
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(n, 0, "{table}");
    }
    assert_eq!(item::search(&conn, "goes", None, 9).unwrap(), []);
    assert_eq!(item::search(&conn, "stays", None, 9).unwrap().len(), 1);
    assert_index_in_step(&conn);
}

#[test]
fn usage_is_the_sum_of_all_turns() {
    let conn = database_with_session();
    assert_eq!(usage(&conn, &"s".into()).unwrap(), Usage::default());
    for n in 1..=3 {
        let id = format!("t{n}");
        turn::insert(&conn, &a_turn(&id, "s", "m", 1)).unwrap();
        finish(&conn, &id, &TurnOutcome::Completed, &used(n));
    }
    let expected = Usage {
        model_calls: 3,
        ..used(6)
    };
    assert_eq!(usage(&conn, &"s".into()).unwrap(), expected);
}

fn bodies(conn: &Connection, session: &str) -> Vec<(i64, ItemBody)> {
    item::page(conn, &session.into(), None, None, 100)
        .unwrap()
        .items
        .into_iter()
        .map(|item| {
            assert_eq!(item.turn_id, None);
            (item.position, item.body)
        })
        .collect()
}

#[test]
fn a_fork_has_copies_up_to_the_item_named() {
    let conn = database_with_session();
    let all = [user("one"), call("c"), result("c"), assistant("two", true)];
    for (n, body) in all.iter().enumerate() {
        put(&conn, &format!("i{n}"), body.clone());
    }
    let original = bodies(&conn, "s");
    for (copy, until, expected) in [
        ("whole", None, 4),
        ("last", Some("i3"), 4),
        ("part", Some("i1"), 2),
    ] {
        let new = a_session(copy, copy, 9);
        let until = until.map(ItemId::from);
        let n_copied = fork(&conn, &"s".into(), &new, until.as_ref()).unwrap();
        assert_eq!(n_copied, Some(expected as u64));
        assert_eq!(bodies(&conn, copy), original[..expected]);
        assert_index_in_step(&conn);
    }
    assert_eq!(bodies(&conn, "s"), original);
    assert_eq!(
        item::search(&conn, "two", Some(&"whole".into()), 9)
            .unwrap()
            .len(),
        1
    );
    // The copy goes its own way.
    item::upsert(&conn, &an_item("more", "part", None, user("three"))).unwrap();
    assert_eq!(bodies(&conn, "part").len(), 3);
    assert!(delete(&conn, &"s".into()).unwrap());
    assert_eq!(bodies(&conn, "whole"), original);
    assert_index_in_step(&conn);
}

#[test]
fn a_fork_of_what_is_not_there_makes_nothing() {
    let conn = database_with_session();
    insert(&conn, &a_session("other", "other", 1)).unwrap();
    item::upsert(&conn, &an_item("elsewhere", "other", None, user("x"))).unwrap();
    for (from, until) in [
        ("s", Some("elsewhere")),
        ("s", Some("none")),
        ("s", Some("")),
        ("none", None),
    ] {
        let new = a_session("new", "new", 9);
        let until = until.map(ItemId::from);
        assert_eq!(
            fork(&conn, &from.into(), &new, until.as_ref()).unwrap(),
            None
        );
        assert_eq!(get(&conn, &"new".into()).unwrap(), None);
    }
}
