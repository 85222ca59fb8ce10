//! Tests of the audit: what is written, what is refused, and what is found.

use std::path::Path;
use std::time::Instant;

use mesoclaw_api::ops::audit::Verified;
use tempfile::TempDir;

use super::*;
use crate::migrate::MIGRATIONS;
use crate::open::open;
use crate::repo::session;
use crate::repo::tests::{at, database, database_with_session};

fn new(n: i64) -> NewEntry {
    NewEntry {
        at: at(n),
        kind: AuditKind::Decision,
        surface: Surface::Cli,
        session_id: Some("s".into()),
        turn_id: Some("t".into()),
        call_id: Some(format!("c{n}").as_str().into()),
        tool: Some("shell".into()),
        text: format!("text of entry {n}"),
        digest: Some("00ff".into()),
        outcome: "allow".into(),
        rule: Some("shell.read".into()),
        duration_ms: None,
    }
}

fn small(n: i64) -> NewEntry {
    NewEntry {
        kind: AuditKind::Result,
        surface: Surface::Internal,
        session_id: None,
        turn_id: None,
        call_id: None,
        tool: None,
        digest: None,
        rule: None,
        duration_ms: Some(7),
        ..new(n)
    }
}

fn with_entries(n: i64) -> Connection {
    let conn = database();
    for n in 1..=n {
        append(&conn, new(n)).unwrap();
    }
    conn
}

fn ids(entries: &[AuditEntry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.id).collect()
}

#[test]
fn entries_are_numbered_and_linked() {
    let conn = database();
    let empty = Verified {
        is_intact: true,
        entries: 0,
        head: ZERO_HASH.into(),
        fault: None,
    };
    assert_eq!(verify(&conn, None).unwrap(), empty);
    assert_eq!(verify(&conn, Some(ZERO_HASH)).unwrap(), empty);
    let first = append(&conn, new(1)).unwrap();
    let second = append(&conn, small(2)).unwrap();
    assert_eq!((first.id, first.prev_hash.as_str()), (1, ZERO_HASH));
    assert_eq!((second.id, &second.prev_hash), (2, &first.hash));
    assert_eq!(get(&conn, 1).unwrap(), Some(first.clone()));
    assert_eq!(get(&conn, 2).unwrap(), Some(second.clone()));
    assert_eq!(get(&conn, 3).unwrap(), None);
    let expected = Verified {
        is_intact: true,
        entries: 2,
        head: second.hash.clone(),
        fault: None,
    };
    for noted in [
        None,
        Some(first.hash.as_str()),
        Some(&second.hash),
        Some(&format!(" {}\n", second.hash.to_uppercase())),
    ] {
        assert_eq!(verify(&conn, noted).unwrap(), expected);
    }
}

/// The definition is fixed: these hashes were computed by another program.
#[test]
fn hashes_are_as_released() {
    let conn = database();
    let odd = NewEntry {
        text: "a\"b\\c\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}/ü🦀".into(),
        ..small(2)
    };
    let hashes = [
        append(&conn, new(1)).unwrap().hash,
        append(&conn, odd).unwrap().hash,
    ];
    assert_eq!(hashes, RELEASED);
}

const RELEASED: [&str; 2] = [
    "d5f1cc3a1f8781ff1d19012ae0d64cee31dd9ee8e145781076f38f8a67189972",
    "134b86d9ee3ef79e383b4a8726735027787ff82aa259f4da511330c9f2e3aa7d",
];

#[test]
fn a_failed_transaction_leaves_no_gap() {
    let mut conn = database();
    append(&conn, new(1)).unwrap();
    let tx = conn.transaction().unwrap();
    append(&tx, new(2)).unwrap();
    append(&tx, new(3)).unwrap();
    tx.rollback().unwrap();
    let entry = append(&conn, new(4)).unwrap();
    assert_eq!(entry.id, 2);
    assert!(verify(&conn, None).unwrap().is_intact);
}

#[test]
fn long_texts_are_cut() {
    let conn = database();
    for (text, expected) in [
        ("ü".repeat(4_000), "ü".repeat(4_000)),
        ("ü".repeat(4_001), "ü".repeat(4_000)),
        (String::new(), String::new()),
    ] {
        let entry = append(&conn, NewEntry { text, ..new(1) }).unwrap();
        assert_eq!(entry.text, expected);
    }
    let longest = NewEntry {
        duration_ms: Some(u64::MAX),
        ..new(1)
    };
    let entry = append(&conn, longest).unwrap();
    assert_eq!(get(&conn, entry.id).unwrap(), Some(entry));
    assert!(verify(&conn, None).unwrap().is_intact);
}

#[test]
fn entries_outlive_their_session() {
    let conn = database_with_session();
    let entry = append(&conn, new(1)).unwrap();
    assert!(session::delete(&conn, &"s".into()).unwrap());
    assert_eq!(list(&conn, &ListParams::default()).unwrap(), [entry]);
}

#[test]
fn lists_have_what_was_asked_for() {
    let conn = database();
    for n in 1..=3 {
        append(&conn, new(n)).unwrap();
    }
    append(&conn, small(4)).unwrap();
    let web = NewEntry {
        session_id: Some("other".into()),
        tool: Some("web_fetch".into()),
        ..new(5)
    };
    append(&conn, web).unwrap();
    for (params, expected) in [
        ("{}", &[1, 2, 3, 4, 5][..]),
        (r#"{"limit": 2}"#, &[4, 5]),
        (r#"{"limit": 0}"#, &[5]),
        (r#"{"limit": 4294967295}"#, &[1, 2, 3, 4, 5]),
        (r#"{"after": 1, "limit": 2}"#, &[2, 3]),
        (r#"{"before": 4, "limit": 2}"#, &[2, 3]),
        (r#"{"after": 1, "before": 5}"#, &[2, 3, 4]),
        (r#"{"session_id": "s"}"#, &[1, 2, 3]),
        (r#"{"tool": "web_fetch"}"#, &[5]),
        (r#"{"kind": "result"}"#, &[4]),
        (r#"{"kind": "undone"}"#, &[]),
        (
            r#"{"session_id": "s", "tool": "shell", "kind": "decision", "before": 3}"#,
            &[1, 2],
        ),
    ] {
        let found = list(&conn, &serde_json::from_str(params).unwrap()).unwrap();
        assert_eq!(ids(&found), expected, "{params}");
    }
}

#[test]
fn the_table_refuses_everything_but_the_next_entry() {
    let conn = with_entries(2);
    let copy = "INSERT OR REPLACE INTO audit
        SELECT ID, at, kind, surface, session_id, turn_id, call_id, tool, 'forged', digest,
            outcome, rule, duration_ms, prev_hash, hash FROM audit WHERE id = 2";
    for sql in [
        "UPDATE audit SET text = 'forged' WHERE id = 1",
        "UPDATE OR REPLACE audit SET id = 1 WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit",
        &copy.replace("ID", "2"),
        &copy.replace("ID", "3"),
        &copy.replace("ID", "9"),
        "UPDATE audit_head SET entries = 1",
        "UPDATE audit_head SET entries = 3",
        "UPDATE audit_head SET hash = 'x'",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, 'x')",
    ] {
        conn.execute_batch(sql).expect_err(sql);
    }
    assert!(verify(&conn, None).unwrap().is_intact);
    assert_eq!(append(&conn, new(3)).unwrap().id, 3);
}

const NO_TRIGGERS: &str = "
    DROP TRIGGER audit_grows_at_its_end; DROP TRIGGER audit_is_not_changed;
    DROP TRIGGER audit_is_not_cut; DROP TRIGGER audit_head_is_one;
    DROP TRIGGER audit_head_stays; DROP TRIGGER audit_head_follows;";

/// A database file with five entries, as a program leaves it.
fn file_with_entries() -> (TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("meso.db");
    let conn = open(&path, MIGRATIONS).unwrap().writer;
    for n in 1..=5 {
        append(&conn, new(n)).unwrap();
    }
    (home, path)
}

fn fault_in(path: &Path, noted: Option<&str>) -> Option<String> {
    let conn = open(path, MIGRATIONS).unwrap().writer;
    let verified = verify(&conn, noted).unwrap();
    assert_eq!(verified.is_intact, verified.fault.is_none());
    verified.fault
}

#[test]
fn every_change_of_the_file_is_found() {
    let cases = [
        ("UPDATE audit SET text = 'text of entry X' WHERE id = 3", "entry 3 was changed"),
        ("UPDATE audit SET outcome = 'deny' WHERE id = 5", "entry 5 was changed"),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE id = 1", "entry 1 was changed"),
        ("UPDATE audit SET kind = 'nonsense' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET surface = 'tui' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET session_id = NULL WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET turn_id = call_id, call_id = turn_id WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET tool = '' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET digest = NULL WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET rule = 'x' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET duration_ms = -1 WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET hash = upper(hash) WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit SET text = CAST(x'ff' AS TEXT) WHERE id = 2", "entry 2 cannot be read"),
        ("UPDATE audit SET prev_hash = hash WHERE id = 4", "entry 4 does not follow the one before it"),
        ("DELETE FROM audit WHERE id = 5", "entry 5 is missing"),
        ("DELETE FROM audit WHERE id > 3", "entries 4 to 5 are missing"),
        ("DELETE FROM audit", "entries 1 to 5 are missing"),
        ("DELETE FROM audit WHERE id = 3", "entry 3 is missing"),
        ("DELETE FROM audit WHERE id < 3", "entries 1 to 2 are missing"),
        (
            "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3",
            "entry 3 does not follow the one before it",
        ),
        (
            "UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;
             UPDATE audit SET id = 3 WHERE id = 99",
            "entry 2 does not follow the one before it",
        ),
        ("UPDATE audit SET id = 0 WHERE id = 5", "entry 0 has a number that no entry has"),
        (
            "DELETE FROM audit WHERE id = 5; UPDATE audit_head SET entries = 4",
            "entry 4 is another one than the head of the chain says",
        ),
        ("UPDATE audit_head SET entries = 4", "entry 5 was added by something else"),
        (
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE id = 4)",
            "entry 5 is another one than the head of the chain says",
        ),
        ("DELETE FROM audit_head", "the head of the chain is missing"),
        ("DROP TABLE audit_head", "the head of the chain is missing"),
        (
            "INSERT INTO audit SELECT 6, at, kind, surface, session_id, turn_id, call_id, tool, text,
                 digest, outcome, rule, duration_ms, hash, hash FROM audit WHERE id = 5",
            "entry 6 was changed",
        ),
    ];
    for (sql, expected) in cases {
        let (_home, path) = file_with_entries();
        assert_eq!(fault_in(&path, None), None);
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch(NO_TRIGGERS).unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        assert_eq!(fault_in(&path, None).as_deref(), Some(expected), "{sql}");
    }
}

#[test]
fn one_changed_byte_of_the_file_is_found() {
    let (_home, path) = file_with_entries();
    let mut bytes = std::fs::read(&path).unwrap();
    let text = b"text of entry 4";
    let place = bytes
        .windows(text.len())
        .position(|window| window == text)
        .unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(
        fault_in(&path, None).as_deref(),
        Some("entry 4 was changed")
    );
}

/// An entry with a hash that is right, whose writer did not know of the head.
#[test]
fn an_added_entry_is_found_even_if_its_hash_is_right() {
    let (_home, path) = file_with_entries();
    let raw = Connection::open(&path).unwrap();
    let head_before: (i64, String) = head(&raw).unwrap().unwrap();
    append(&raw, new(6)).unwrap();
    raw.execute_batch(NO_TRIGGERS).unwrap();
    raw.execute(
        "UPDATE audit_head SET entries = ?1, hash = ?2",
        (head_before.0, head_before.1),
    )
    .unwrap();
    drop(raw);
    assert_eq!(
        fault_in(&path, None).as_deref(),
        Some("entry 6 was added by something else")
    );
}

/// Whoever computes all hashes anew is found by a head that was noted elsewhere, and by nothing
/// else.
#[test]
fn a_chain_written_anew_is_found_by_a_noted_head() {
    let (_home, path) = file_with_entries();
    let conn = open(&path, MIGRATIONS).unwrap().writer;
    let noted: Vec<_> = (1..=5)
        .map(|id| get(&conn, id).unwrap().unwrap().hash)
        .collect();
    drop(conn);
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(NO_TRIGGERS).unwrap();
    raw.execute_batch("DELETE FROM audit WHERE id > 2").unwrap();
    raw.execute("UPDATE audit_head SET entries = 2, hash = ?1", [&noted[1]])
        .unwrap();
    append(&raw, new(9)).unwrap();
    drop(raw);
    let missing = "no entry has the head that was noted: entries were cut off or written anew";
    assert_eq!(fault_in(&path, None), None);
    assert_eq!(fault_in(&path, Some(&noted[0])), None);
    assert_eq!(fault_in(&path, Some(&noted[1])), None);
    for cut in &noted[2..] {
        assert_eq!(fault_in(&path, Some(cut)).as_deref(), Some(missing));
    }
    assert_eq!(fault_in(&path, Some("")).as_deref(), Some(missing));
}

#[test]
fn nothing_is_added_to_a_chain_without_a_head() {
    let conn = with_entries(2);
    conn.execute_batch(NO_TRIGGERS).unwrap();
    conn.execute_batch("DELETE FROM audit_head").unwrap();
    let error = append(&conn, new(3)).unwrap_err();
    assert!(matches!(error, StoreError::NoAuditHead));
}

/// Adding reads one row by its key and no more, however long the chain is.
#[test]
fn adding_to_a_long_chain_is_as_fast_as_to_a_short_one() {
    let mut conn = database();
    let tx = conn.transaction().unwrap();
    let add = |n: i64| {
        let start = Instant::now();
        for n in 0..n {
            append(&tx, new(n)).unwrap();
        }
        start.elapsed()
    };
    // The best of several, because the machine has other work.
    let best = || (0..20).map(|_| add(20)).min().unwrap();
    let first = best();
    add(5_000);
    let last = best();
    assert!(last < first * 5, "{first:?}, then {last:?}");
    assert_eq!(verify(&tx, None).unwrap().entries, 5_800);
}
