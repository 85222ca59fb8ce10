//! Tests of search: what is found, and that no input is syntax.

use super::*;
use crate::repo::tests::{
    a_session, an_item, assert_index_in_step, assistant, at, database_with_session, put, user,
};
use crate::repo::{item, session};

fn found(conn: &Connection, query: &str) -> Vec<String> {
    search(conn, query, None, 100)
        .unwrap()
        .into_iter()
        .map(|hit| hit.item_id.to_string())
        .collect()
}

#[test]
fn all_words_must_occur_and_the_last_may_be_a_beginning() {
    let conn = database_with_session();
    put(&conn, "1", user("The Café opens at nine"));
    put(&conn, "2", assistant("a cafe that closes", true));
    put(&conn, "3", user("don't use AND or NEAR(x)"));
    put(&conn, "4", user("state-of-the-art"));
    for (query, expected) in [
        ("cafe", &["2", "1"][..]),
        ("CAFÉ", &["2", "1"]),
        ("caf", &["2", "1"]),
        ("caf opens", &[]),
        ("opens cafe", &["1"]),
        ("nine open", &["1"]),
        ("opens xyz", &[]),
        ("and", &["3"]),
        ("near", &["3"]),
        ("of-the", &["4"]),
        ("state art", &["4"]),
        ("art-state", &[]),
        ("text", &[]),
    ] {
        assert_eq!(found(&conn, query), expected, "{query:?}");
    }
}

#[test]
fn nothing_in_a_query_is_syntax() {
    let conn = database_with_session();
    put(
        &conn,
        "1",
        user("alpha beta: gamma 100% x*y \"quoted\" O'Hara"),
    );
    for (query, expected) in [
        ("", false),
        ("   \t\n", false),
        ("\"", false),
        ("\"\"\"", false),
        ("*", false),
        ("^", false),
        ("- + ( ) { } : ; , . ! ?", false),
        ("'; DROP TABLE items; --", false),
        ("\0", false),
        ("alpha\0beta", true),
        ("alpha AND", false),
        ("OR alpha", false),
        ("NOT", false),
        ("NEAR(alpha beta, 2)", false),
        ("text:alpha", false),
        ("{text}:alpha", false),
        ("alpha*", true),
        ("*alpha", true),
        ("^alpha", true),
        ("\"alpha", true),
        ("alpha\"", true),
        ("al\"pha", false),
        ("(alpha", true),
        ("alpha)", true),
        ("alpha - beta", true),
        ("beta:", true),
        ("100%", true),
        ("x*y", true),
        ("\"quoted\"", true),
        ("O'Hara", true),
        ("%", false),
        ("\u{1F600}", false),
        ("alpha \u{1F600}", true),
        ("\u{301}", false),
        ("\u{fffd}\u{feff}", false),
    ] {
        let is_found = !found(&conn, query).is_empty();
        assert_eq!(is_found, expected, "{query:?}");
    }
    found(&conn, &"word ".repeat(100_000));
    found(&conn, &"w".repeat(1_000_000));
    found(&conn, &"\"(".repeat(100_000));
}

#[test]
fn a_hit_tells_where_and_what() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "second", 1)).unwrap();
    put(&conn, "1", user("needle [in] the hay"));
    let body = assistant("one needle more", true);
    item::upsert(&conn, &an_item("2", "other", None, body)).unwrap();
    let mine = SearchHit {
        session_id: "s".into(),
        title: "first".into(),
        item_id: "1".into(),
        position: 1,
        created_at: at(1),
        role: "user".into(),
        snippet: "[needle] [in] the hay".into(),
    };
    let other = SearchHit {
        session_id: "other".into(),
        title: "second".into(),
        item_id: "2".into(),
        role: "assistant".into(),
        snippet: "one [needle] more".into(),
        ..mine.clone()
    };
    let both = search(&conn, "needle", None, 9).unwrap();
    assert_eq!(both, [other.clone(), mine.clone()]);
    assert_eq!(search(&conn, "needle", None, 1).unwrap(), [other]);
    let only = search(&conn, "needle", Some(&"s".into()), 9).unwrap();
    assert_eq!(only, [mine]);
    assert_eq!(search(&conn, "needle", Some(&"no".into()), 9).unwrap(), []);
}

#[test]
fn a_long_text_gives_a_short_snippet() {
    let conn = database_with_session();
    let text = format!("{} needle {}", "hay ".repeat(5_000), "straw ".repeat(5_000));
    put(&conn, "1", user(&text));
    let hits = search(&conn, "needle", None, 1).unwrap();
    let snippet = &hits[0].snippet;
    assert!(snippet.contains("[needle]") && snippet.chars().count() < 200);
}

#[test]
fn only_what_is_said_now_is_found() {
    let conn = database_with_session();
    put(&conn, "u", user("old words"));
    put(&conn, "a", assistant("growing", false));
    assert_eq!(found(&conn, "growing"), [""; 0]);
    put(&conn, "a", assistant("growing done", true));
    assert_eq!(found(&conn, "growing"), ["a"]);
    put(&conn, "u", user("new words"));
    assert_eq!(found(&conn, "old"), [""; 0]);
    assert_eq!(found(&conn, "new"), ["u"]);
    conn.execute("DELETE FROM items WHERE id = 'u'", [])
        .unwrap();
    assert_eq!(found(&conn, "words"), [""; 0]);
    assert_index_in_step(&conn);
}
