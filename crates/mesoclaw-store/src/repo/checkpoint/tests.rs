//! Tests of checkpoints.

use super::budget::{KeptTurn, kept_turns};
use super::*;
use crate::repo::session;
use crate::repo::tests::{a_session, at, database_with_session};

fn kept(sha256: &str, bytes: u64) -> Before {
    Before::File {
        bytes,
        mode: Some(0o644),
        sha256: Some(sha256.into()),
    }
}

fn too_large() -> Before {
    Before::File {
        bytes: 1 << 40,
        mode: None,
        sha256: None,
    }
}

fn file_of(sha256: &str) -> After {
    After::File(sha256.into())
}

/// A change of a file in session `s`.
fn change(conn: &Connection, turn: &str, path: &str, before: &Before, after: Option<&After>) {
    let (session, turn) = ("s".into(), turn.into());
    record_before(conn, &session, &turn, path, before, &at(1)).unwrap();
    if let Some(after) = after {
        assert!(record_after(conn, &session, &turn, path, after).unwrap());
    }
}

fn turn_ids(rows: &[CheckpointRow]) -> Vec<&str> {
    rows.iter().map(|row| row.turn_id.as_str()).collect()
}

#[test]
fn what_was_there_first_in_a_turn_counts() {
    let conn = database_with_session();
    let (s, t) = ("s".into(), "t".into());
    let before = |path: &str, before: &Before, n| {
        record_before(&conn, &s, &t, path, before, &at(n)).unwrap()
    };
    assert!(!is_recorded(&conn, &s, &t, "/a").unwrap());
    assert!(before("/a", &kept("aa", 3), 1));
    assert!(is_recorded(&conn, &s, &t, "/a").unwrap());
    assert!(!is_recorded(&conn, &s, &"other".into(), "/a").unwrap());
    assert!(!before("/a", &Before::Absent, 2));
    assert!(before("/b", &Before::Absent, 3));
    assert!(before("/c", &too_large(), 4));
    let after = |path: &str, after: &After| record_after(&conn, &s, &t, path, after).unwrap();
    assert!(after("/a", &file_of("bb")));
    assert!(after("/a", &file_of("cc")));
    assert!(after("/b", &After::Gone));
    assert!(!after("/none", &After::Gone));
    add_command(&conn, &s, &t, "make \"all\" 'x'", &at(5)).unwrap();
    add_command(&conn, &s, &t, &"ü".repeat(501), &at(6)).unwrap();
    let row = |path: &str, before, after| FileRow {
        path: path.into(),
        before,
        after,
    };
    let expected = CheckpointRow {
        session_id: s.clone(),
        turn_id: t.clone(),
        at: at(1),
        files: vec![
            row("/a", kept("aa", 3), Some(file_of("cc"))),
            row("/b", Before::Absent, Some(After::Gone)),
            row("/c", too_large(), None),
        ],
        commands: vec!["make \"all\" 'x'".into(), "ü".repeat(500)],
        undone_at: None,
    };
    assert_eq!(get(&conn, &s, &t).unwrap(), Some(expected.clone()));
    assert_eq!(list(&conn, &s).unwrap(), [expected]);
    assert_eq!(get(&conn, &s, &"none".into()).unwrap(), None);
}

#[test]
fn a_change_is_named_for_what_it_did() {
    for (before, after, expected) in [
        (Before::Absent, Some(file_of("b")), Some(Change::Created)),
        (Before::Absent, None, Some(Change::Created)),
        (Before::Absent, Some(After::Gone), None),
        (kept("a", 1), Some(file_of("b")), Some(Change::Changed)),
        (kept("a", 1), Some(file_of("a")), None),
        (kept("a", 1), None, Some(Change::Changed)),
        (kept("a", 1), Some(After::Gone), Some(Change::Deleted)),
        (too_large(), Some(file_of("a")), Some(Change::Changed)),
        (too_large(), Some(After::Gone), Some(Change::Deleted)),
    ] {
        let conn = database_with_session();
        change(&conn, "t", "/a", &before, after.as_ref());
        let s = "s".into();
        let row = get(&conn, &s, &"t".into()).unwrap().unwrap();
        assert_eq!(row.files[0].change(), expected, "{row:?}");
        let (bytes_before, is_kept) = match before {
            Before::Absent => (None, true),
            Before::File { bytes, sha256, .. } => (Some(bytes), sha256.is_some()),
        };
        let files: Vec<_> = expected
            .map(|change| FileChange {
                path: "/a".into(),
                change,
                bytes_before,
                is_kept,
            })
            .into_iter()
            .collect();
        let api = Checkpoint {
            session_id: s.clone(),
            turn_id: "t".into(),
            at: at(1),
            files,
            commands: vec![],
            undone_at: None,
        };
        assert_eq!(row.to_api(), api);
        // What is as it was is nothing to put back.
        assert_eq!(list(&conn, &s).unwrap().len(), api.files.len());
        assert_eq!(
            last_undoable(&conn, &s).unwrap().is_some(),
            expected.is_some()
        );
    }
}

#[test]
fn turns_are_undone_from_the_last_to_the_first() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    let s = "s".into();
    for turn in ["t1", "t2"] {
        change(&conn, turn, "/a", &kept("a", 1), Some(&file_of("b")));
    }
    add_command(&conn, &s, &"t3".into(), "make", &at(2)).unwrap();
    let elsewhere = ("other".into(), "t4".into());
    record_before(
        &conn,
        &elsewhere.0,
        &elsewhere.1,
        "/a",
        &Before::Absent,
        &at(3),
    )
    .unwrap();
    assert_eq!(turn_ids(&list(&conn, &s).unwrap()), ["t2", "t1"]);
    let last = || last_undoable(&conn, &s).unwrap().map(|row| row.turn_id);
    let undo = |turn: &str| mark_undone(&conn, &s, &turn.into(), &at(9)).unwrap();
    assert_eq!(last(), Some("t2".into()));
    assert!(undo("t2"));
    assert!(!undo("t2"));
    assert!(!undo("none"));
    assert!(!undo("t4"));
    assert_eq!(last(), Some("t1".into()));
    assert!(undo("t1"));
    assert_eq!(last(), None);
    let undone: Vec<_> = list(&conn, &s)
        .unwrap()
        .into_iter()
        .map(|row| row.undone_at)
        .collect();
    assert_eq!(undone, [Some(at(9)), Some(at(9))]);
    // A turn that goes on after it was undone can be undone again.
    let t1 = "t1".into();
    assert!(!record_before(&conn, &s, &t1, "/a", &Before::Absent, &at(10)).unwrap());
    assert!(record_after(&conn, &s, &t1, "/a", &file_of("c")).unwrap());
    assert_eq!(last(), Some(t1));
}

#[test]
fn contents_are_needed_as_long_as_a_turn_names_them() {
    let conn = database_with_session();
    session::insert(&conn, &a_session("other", "other", 1)).unwrap();
    change(&conn, "t1", "/a", &kept("a", 10), None);
    change(&conn, "t1", "/b", &kept("b", 5), None);
    change(&conn, "t1", "/large", &too_large(), None);
    change(&conn, "t2", "/a", &kept("a", 10), None);
    change(&conn, "t2", "/copy", &kept("a", 10), None);
    let other = ("other".into(), "t3".into());
    record_before(&conn, &other.0, &other.1, "/c", &kept("c", 7), &at(2)).unwrap();
    let turn = |session: &str, turn: &str, bytes| KeptTurn {
        session_id: session.into(),
        turn_id: turn.into(),
        bytes,
    };
    let needed = || Vec::from_iter(referenced(&conn).unwrap());
    assert_eq!(needed(), ["a", "b", "c"]);
    let all = [
        turn("s", "t1", 5),
        turn("s", "t2", 10),
        turn("other", "t3", 7),
    ];
    assert_eq!(kept_turns(&conn).unwrap(), all);
    let none = [] as [&str; 0];
    assert_eq!(drop_beyond(&conn, 42).unwrap(), none);
    assert_eq!(drop_beyond(&conn, 22).unwrap(), none);
    assert_eq!(kept_turns(&conn).unwrap(), all);
    assert_eq!(drop_beyond(&conn, 21).unwrap(), ["b"]);
    assert_eq!(kept_turns(&conn).unwrap(), all[1..]);
    assert_eq!(needed(), ["a", "c"]);
    assert_eq!(drop_beyond(&conn, 0).unwrap(), ["a"]);
    assert_eq!(kept_turns(&conn).unwrap(), all[2..]);
    assert_eq!(list(&conn, &"s".into()).unwrap(), []);
    // The newest stays even if it alone is too much.
    assert_eq!(drop_beyond(&conn, 0).unwrap(), none);
    assert_eq!(needed(), ["c"]);
    assert!(session::delete(&conn, &"other".into()).unwrap());
    assert_eq!(needed(), none);
}
