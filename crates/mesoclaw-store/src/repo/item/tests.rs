//! Tests of items: order, pages, histories, tool calls.

use super::*;
use crate::repo::session;
use crate::repo::tests::{
    a_session, an_item, assert_index_in_step, assistant, at, call, database_with_session,
    limit_reached, put, result, used, user,
};

type ToolCallRow = (String, String, Option<String>, Option<bool>, Option<u64>);

fn tool_calls(conn: &Connection) -> Vec<ToolCallRow> {
    conn.prepare("SELECT item_id, args, output, success, duration_ms FROM tool_calls ORDER BY seq")
        .unwrap()
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn positions(page: &ItemPage) -> (Vec<i64>, bool) {
    let positions = page.items.iter().map(|item| item.position).collect();
    (positions, page.has_more)
}

fn ids(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.id.as_str()).collect()
}

#[test]
fn every_kind_of_item_reads_as_it_was_stored() {
    let conn = database_with_session();
    let bodies = [
        user("hello \u{0} \"w\u{f6}rld\"\n"),
        assistant("", false),
        assistant("hi", true),
        ItemBody::Reasoning { text: "hm".into() },
        call("c"),
        result("c"),
        ItemBody::Approval {
            approval_id: "a".into(),
            call_id: "c".into(),
            decision: mesoclaw_api::item::ApprovalDecision::TimedOut,
            reason: Some("too late".into()),
        },
        ItemBody::Notice { text: "n".into() },
        ItemBody::Outcome {
            outcome: limit_reached(),
            usage: used(3),
        },
        ItemBody::System { text: "be".into() },
    ];
    for (n, body) in bodies.into_iter().enumerate() {
        let item = an_item(&format!("i{n}"), "s", Some("t"), body);
        let position = upsert(&conn, &item).unwrap();
        assert_eq!(position, n as i64 + 1);
        let stored = Item { position, ..item };
        let kind: String = conn
            .query_row(
                "SELECT kind FROM items WHERE position = ?1",
                [position],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(serde_json::to_value(&stored.body).unwrap()["kind"], kind);
        assert_eq!(get(&conn, &stored.id).unwrap(), Some(stored));
    }
    assert_eq!(get(&conn, &"none".into()).unwrap(), None);
    assert_eq!(of_turn(&conn, &"t".into()).unwrap().len(), 10);
    assert_eq!(of_turn(&conn, &"u".into()).unwrap(), []);
    assert_index_in_step(&conn);
}

#[test]
fn storing_again_keeps_place_and_time_and_takes_the_new_body() {
    let conn = database_with_session();
    put(&conn, "a", assistant("gro", false));
    put(&conn, "b", user("next"));
    let again = Item {
        created_at: at(99),
        ..an_item("a", "s", None, assistant("grown", true))
    };
    assert_eq!(upsert(&conn, &again).unwrap(), 1);
    let expected = Item {
        position: 1,
        created_at: at(1),
        ..again
    };
    assert_eq!(get(&conn, &"a".into()).unwrap(), Some(expected));
    assert_eq!(put(&conn, "c", user("last")), 3);
    assert_index_in_step(&conn);
}

#[test]
fn an_id_of_another_session_is_refused() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    put(&conn, "a", user("mine"));
    let error = upsert(&conn, &an_item("a", "other", None, user("yours"))).unwrap_err();
    assert!(matches!(error, StoreError::ItemElsewhere { .. }));
    let stored = get(&conn, &"a".into()).unwrap().unwrap();
    assert_eq!(stored.body, user("mine"));
    upsert(&conn, &an_item("b", "no session", None, user("x"))).unwrap_err();
}

#[test]
fn messages_are_what_is_complete_and_counts_follow() {
    let conn = database_with_session();
    let count = || {
        session::row(&conn, &"s".into())
            .unwrap()
            .unwrap()
            .message_count
    };
    for (id, body, expected) in [
        ("u", user("one"), 1),
        ("a", assistant("", false), 1),
        ("a", assistant("two", false), 1),
        ("a", assistant("two three", true), 2),
        ("a", assistant("two three", true), 2),
        ("c", call("1"), 2),
        ("c2", ItemBody::Notice { text: "n".into() }, 2),
        ("u", user("changed"), 2),
        ("a", assistant("cut", false), 1),
    ] {
        put(&conn, id, body);
        assert_eq!(count(), expected);
        assert_index_in_step(&conn);
    }
}

#[test]
fn a_result_goes_to_the_newest_call_of_its_id() {
    let conn = database_with_session();
    put(&conn, "t1.0", call("1"));
    put(&conn, "t1.1", result("1"));
    put(&conn, "t2.0", call("1"));
    let first = (
        "t1.0".to_owned(),
        r#"{"path":"1"}"#.to_owned(),
        Some("saw 1".to_owned()),
        Some(true),
        Some(7),
    );
    let open = ("t2.0".to_owned(), first.1.clone(), None, None, None);
    assert_eq!(tool_calls(&conn), [first.clone(), open]);
    put(&conn, "t2.0", call("1"));
    let refused = ItemBody::ToolResult {
        call_id: "1".into(),
        tool: "look".into(),
        output: "no".into(),
        success: false,
        duration_ms: None,
        diff: None,
        provenance: None,
    };
    put(&conn, "t2.1", refused);
    put(&conn, "t2.2", result("unknown"));
    let second = (
        "t2.0".to_owned(),
        first.1.clone(),
        Some("no".to_owned()),
        Some(false),
        None,
    );
    assert_eq!(tool_calls(&conn), [first, second]);
}

#[test]
fn pages_say_whether_there_is_more() {
    let conn = database_with_session();
    let s = "s".into();
    let none = page(&conn, &s, None, None, 5).unwrap();
    assert_eq!(positions(&none), (vec![], false));
    for n in 1..=5 {
        put(&conn, &format!("i{n}"), user("x"));
    }
    for (before, after, limit, expected, has_more) in [
        (None, None, 9, vec![1, 2, 3, 4, 5], false),
        (None, None, 5, vec![1, 2, 3, 4, 5], false),
        (None, None, 4, vec![2, 3, 4, 5], true),
        (Some(4), None, 3, vec![1, 2, 3], false),
        (Some(4), None, 2, vec![2, 3], true),
        (Some(1), None, 2, vec![], false),
        (Some(99), None, 1, vec![5], true),
        (None, Some(2), 3, vec![3, 4, 5], false),
        (None, Some(2), 2, vec![3, 4], true),
        (None, Some(5), 2, vec![], false),
        (None, Some(0), 1, vec![1], true),
        (Some(5), Some(1), 2, vec![2, 3], true),
        (Some(5), Some(1), 3, vec![2, 3, 4], false),
        (Some(2), Some(4), 3, vec![], false),
        (Some(i64::MIN), None, 3, vec![], false),
        (None, Some(i64::MAX), 3, vec![], false),
        (None, None, 0, vec![], true),
        (None, None, u32::MAX, vec![1, 2, 3, 4, 5], false),
    ] {
        let got = page(&conn, &s, before, after, limit).unwrap();
        assert_eq!(
            positions(&got),
            (expected, has_more),
            "{before:?} {after:?} {limit}"
        );
    }
}

#[test]
fn the_tail_of_a_long_session_is_right() {
    let mut conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    let transaction = conn.transaction().unwrap();
    for n in 1..=10_000 {
        put(&transaction, &format!("i{n}"), user("x"));
        if n % 10 == 0 {
            let item = an_item(&format!("o{n}"), "other", None, user("y"));
            upsert(&transaction, &item).unwrap();
        }
    }
    transaction.commit().unwrap();
    let s = "s".into();
    let tail = page(&conn, &s, None, None, 200).unwrap();
    assert_eq!(positions(&tail), ((9_801..=10_000).collect(), true));
    let earlier = page(&conn, &s, Some(9_801), None, 200).unwrap();
    assert_eq!(positions(&earlier), ((9_601..=9_800).collect(), true));
    assert!(earlier.items.iter().all(|item| item.session_id == s));
    let newest = history(&conn, &s, 3, None).unwrap();
    assert_eq!(ids(&newest), ["i9998", "i9999", "i10000"]);
}

#[test]
fn a_history_begins_with_a_user_item_when_it_is_cut() {
    let conn = database_with_session();
    let s = "s".into();
    assert_eq!(history(&conn, &s, 5, None).unwrap(), []);
    for (turn, id, body) in [
        (None, "sys", ItemBody::System { text: "be".into() }),
        (Some("t1"), "u1", user("1")),
        (Some("t1"), "c1", call("1")),
        (Some("t1"), "r1", result("1")),
        (Some("t1"), "a1", assistant("1", true)),
        (Some("t2"), "u2", user("2")),
        (Some("t2"), "a2", assistant("2", true)),
        (Some("t2"), "c2", call("2")),
        (Some("t2"), "r2", result("2")),
        (Some("t2"), "b2", assistant("2b", true)),
        (Some("t2"), "d2", assistant("cut", false)),
        (Some("t3"), "u3", user("3")),
    ] {
        upsert(&conn, &an_item(id, "s", turn, body)).unwrap();
    }
    let first = ["sys", "u1", "c1", "r1", "a1"];
    let second = ["u2", "a2", "c2", "r2", "b2", "d2"];
    let third = ["u3"];
    let two_and_three = [&second[..], &third].concat();
    let all = [&first[..], &two_and_three].concat();
    let without_third = [&first[..], &second].concat();
    let without_second = [&first[..], &third].concat();
    for (max, excluded, expected) in [
        (0, None, vec![]),
        (1, None, third.to_vec()),
        (2, None, third.to_vec()),
        (3, None, third.to_vec()),
        (4, None, two_and_three.clone()),
        (5, None, two_and_three),
        (6, None, all.clone()),
        (7, None, all.clone()),
        (u32::MAX, None, all),
        // No user item among the newest: the one before begins.
        (1, Some("t3"), second.to_vec()),
        (2, Some("t3"), second.to_vec()),
        (3, Some("t3"), second.to_vec()),
        (9, Some("t3"), without_third),
        (1, Some("t2"), third.to_vec()),
        (9, Some("t2"), without_second),
    ] {
        let excluded = excluded.map(TurnId::from);
        let got = history(&conn, &s, max, excluded.as_ref()).unwrap();
        assert_eq!(ids(&got), expected, "{max} {excluded:?}");
    }
}

#[test]
fn a_history_without_any_user_item_is_given_from_its_oldest_message() {
    let conn = database_with_session();
    for n in 1..=3 {
        put(&conn, &format!("c{n}"), call("1"));
        put(&conn, &format!("r{n}"), result("1"));
        put(&conn, &format!("a{n}"), assistant("x", true));
    }
    let got = history(&conn, &"s".into(), 2, None).unwrap();
    assert_eq!(ids(&got), ["a2", "c3", "r3", "a3"]);
}
