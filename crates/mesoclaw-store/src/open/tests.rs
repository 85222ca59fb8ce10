//! Tests of opening: new, existing, old, newer and foreign files.

use std::fs;

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Approval, Risk};
use mesoclaw_api::ops::usage::{GroupBy, Spent, UsageGroup};
use mesoclaw_api::{ItemBody, Surface, Timestamp, Usage};
use tempfile::TempDir;

use super::*;
use crate::inspect::{Inspection, inspect};
use crate::migrate::{MIGRATIONS, SCHEMA_VERSION};
use crate::repo;

const NEXT: &str = "CREATE TABLE next (x TEXT) STRICT; INSERT INTO next VALUES ('migrated');";
const FAILING: &str = "CREATE TABLE half (x TEXT) STRICT; INSERT INTO nowhere VALUES (1);";

fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    // The report names the real path, and the directory of the test may be a link.
    let path = home.path().canonicalize().unwrap().join("data/meso.db");
    (home, path)
}

fn created() -> OpenReport {
    OpenReport {
        created: true,
        migrated_from: None,
        backup: None,
    }
}

fn unchanged() -> OpenReport {
    OpenReport {
        created: false,
        ..created()
    }
}

/// Opens and closes; the log is gone afterwards.
fn open_once(path: &Path, migrations: &[&str]) -> StoreResult<OpenReport> {
    open(path, migrations).map(|opened| opened.report)
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn with_next() -> Vec<&'static str> {
    [MIGRATIONS, &[NEXT]].concat()
}

fn count(conn: &Connection, table: &str) -> Result<u32, rusqlite::Error> {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
        row.get(0)
    })
}

#[test]
fn a_database_is_made_once_and_then_opened() {
    let (_home, path) = home();
    assert_eq!(open_once(&path, MIGRATIONS).unwrap(), created());
    assert_eq!(open_once(&path, MIGRATIONS).unwrap(), unchanged());
    assert_eq!(names(&path), ["meso.db"]);
    let expected = Inspection {
        application_id: file::APPLICATION_ID,
        schema_version: SCHEMA_VERSION,
        supported_version: SCHEMA_VERSION,
        problems: vec![],
        size_bytes: fs::metadata(&path).unwrap().len(),
        sessions: Some(0),
    };
    assert_eq!(inspect(&path).unwrap(), expected);
    // Looking left nothing behind.
    assert_eq!(names(&path), ["meso.db"]);
}

#[test]
fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
    let (_home, path) = home();
    let opened = open(&path, MIGRATIONS).unwrap();
    let number = |conn: &Connection, name: &str| -> i64 {
        conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .unwrap()
    };
    let writer = &opened.writer;
    for (name, expected) in [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("busy_timeout", 5_000),
        ("cache_size", -2_000),
        ("query_only", 0),
    ] {
        assert_eq!(number(writer, name), expected, "{name}");
    }
    let mode: String = writer
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let reader = conn::open_reader(&opened.path).unwrap();
    assert_eq!(number(&reader, "query_only"), 1);
    reader
        .execute("DELETE FROM sessions", [])
        .expect_err("a reader wrote");
    assert_eq!(inspect(&path).unwrap().sessions, Some(0));
}

#[test]
fn an_empty_file_and_leftovers_of_a_removed_database_do_no_harm() {
    let (_home, path) = home();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    fs::write(beside(&path, "-wal"), "old log").unwrap();
    fs::write(beside(&path, ".new"), "half a database").unwrap();
    assert!(matches!(inspect(&path), Err(StoreError::Missing { .. })));
    assert_eq!(open_once(&path, MIGRATIONS).unwrap(), created());
    assert_eq!(names(&path), ["meso.db", "meso.db-wal.orphan"]);
}

#[test]
fn an_older_database_is_copied_and_then_migrated() {
    let (_home, path) = home();
    let opened = open(&path, MIGRATIONS).unwrap();
    opened
        .writer
        .execute(
            "INSERT INTO sessions (id, title, created_at, updated_at, source)
             VALUES ('s', 't', 'x', 'x', 'cli')",
            [],
        )
        .unwrap();
    // The copy must hold what is still in the log: this file is open while it is migrated.
    let copy = beside(&path, &format!(".backup-v{SCHEMA_VERSION}"));
    let report = open_once(&path, &with_next()).unwrap();
    drop(opened);
    let expected = OpenReport {
        created: false,
        migrated_from: Some(SCHEMA_VERSION),
        backup: Some(copy.clone()),
    };
    assert_eq!(report, expected);
    let migrated = open(&path, &with_next()).unwrap();
    assert_eq!(migrated.report, unchanged());
    assert_eq!(count(&migrated.writer, "next"), Ok(1));
    assert_eq!(count(&migrated.writer, "sessions"), Ok(1));
    let old = open(&copy, MIGRATIONS).unwrap();
    assert_eq!(count(&old.writer, "sessions"), Ok(1));
    count(&old.writer, "next").unwrap_err();
}

#[test]
fn a_failing_migration_leaves_the_database_as_it_was() {
    let (_home, path) = home();
    open_once(&path, MIGRATIONS).unwrap();
    let broken = [MIGRATIONS, &[NEXT, FAILING]].concat();
    let error = open_once(&path, &broken).unwrap_err();
    let version = SCHEMA_VERSION + 2;
    assert!(matches!(error, StoreError::Migrate { version: v, .. } if v == version));
    // What went well before stays; the failing one left nothing.
    let opened = open(&path, &with_next()).unwrap();
    assert_eq!(opened.report, unchanged());
    count(&opened.writer, "half").unwrap_err();
}

#[test]
fn a_migration_that_breaks_references_is_undone() {
    let (_home, path) = home();
    open_once(&path, MIGRATIONS).unwrap();
    let broken = "INSERT INTO turns (id, session_id, surface, model, started_at)
                  VALUES ('t', 'nowhere', 'cli', 'm', 'x');";
    let error = open_once(&path, &[MIGRATIONS, &[broken]].concat()).unwrap_err();
    assert!(matches!(error, StoreError::Migrate { .. }));
    let opened = open(&path, MIGRATIONS).unwrap();
    assert_eq!(count(&opened.writer, "turns"), Ok(0));
}

/// The file must be refused and stay as it is, byte for byte and without new neighbours.
fn check_refused(path: &Path, expected: &str) {
    let before = (fs::read(path).unwrap(), names(path));
    let error = open_once(path, MIGRATIONS).unwrap_err();
    assert_eq!(
        error.to_string(),
        expected.replace("PATH", path.to_str().unwrap())
    );
    assert_eq!((fs::read(path).unwrap(), names(path)), before);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let (_home, path) = home();
    open_once(&path, &with_next()).unwrap();
    check_refused(
        &path,
        &format!(
            "PATH has schema version {}, this program knows up to {SCHEMA_VERSION}; use a newer \
             program",
            SCHEMA_VERSION + 1
        ),
    );
    let inspection = inspect(&path).unwrap();
    assert_eq!(
        (inspection.schema_version, inspection.sessions),
        (SCHEMA_VERSION + 1, None)
    );
}

fn foreign_database(path: &Path, sql: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(sql).unwrap();
}

#[test]
fn the_database_of_an_earlier_system_is_recognised_and_left_alone() {
    for version in [9, 15] {
        for journal in ["delete", "wal"] {
            let (_home, path) = home();
            foreign_database(
                &path,
                &format!(
                    "PRAGMA journal_mode = {journal};
                     CREATE TABLE ai_providers (id TEXT);
                     CREATE VIRTUAL TABLE memories_fts USING fts5 (key, content);
                     PRAGMA user_version = {version};"
                ),
            );
            check_refused(
                &path,
                &format!(
                    "PATH is the database of an earlier system (schema version {version}); it is \
                     left as it is: set db_path to another file or move it"
                ),
            );
            assert!(matches!(
                inspect(&path),
                Err(StoreError::EarlierSystem { .. })
            ));
        }
    }
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    for (sql, id) in [
        ("CREATE TABLE ai_providers (id TEXT);", "0x00000000"),
        ("CREATE TABLE t (x); PRAGMA user_version = 9;", "0x00000000"),
        (
            "CREATE TABLE sessions (x); PRAGMA application_id = 7;",
            "0x00000007",
        ),
    ] {
        let (_home, path) = home();
        foreign_database(&path, sql);
        check_refused(
            &path,
            &format!(
                "PATH is the database of another program (application id {id}); it is left as it \
                 is: set db_path to another file or move it"
            ),
        );
    }
}

#[test]
fn what_is_no_database_is_left_alone() {
    for content in [
        &b"x"[..],
        b"SQLite format 3\0",
        b"SQLite format 4\0 and then some more text, so that it has the length of a header, which \
          is one hundred bytes",
    ] {
        let (_home, path) = home();
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        check_refused(
            &path,
            "PATH is not a database; set db_path to another file or move it",
        );
    }
    let (_home, path) = home();
    fs::create_dir_all(&path).unwrap();
    let error = open_once(&path, MIGRATIONS).err().unwrap();
    assert!(matches!(error, StoreError::NotAFile { .. }));
}

#[test]
fn a_damaged_database_is_an_error_and_no_panic() {
    let (_home, path) = home();
    open_once(&path, MIGRATIONS).unwrap();
    let whole = fs::read(&path).unwrap();
    for keep in [100, 4_095, 4_096, whole.len() - 5_000] {
        fs::write(&path, &whole[..keep]).unwrap();
        let opened = open(&path, MIGRATIONS);
        let is_noticed = match (&opened, inspect(&path)) {
            (Err(_), _) | (_, Err(_)) => true,
            (_, Ok(inspection)) => !inspection.problems.is_empty(),
        };
        assert!(is_noticed, "{keep}");
    }
}

#[test]
fn paths_with_odd_letters_work() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a b?c#d%41ü&mode=memory/x.db");
    assert_eq!(open_once(&path, MIGRATIONS).unwrap(), created());
    assert_eq!(inspect(&path).unwrap().sessions, Some(0));
    assert_eq!(names(&path), ["x.db"]);
}

/// A database of an older schema version, made by its own migrations and filled from
/// `tests/data/v<N>.sql`, which has rows for every table of that version.
fn older_database(path: &Path, version: usize) {
    let data = format!("{}/tests/data/v{version}.sql", env!("CARGO_MANIFEST_DIR"));
    let opened = open(path, &MIGRATIONS[..version]).unwrap();
    let sql = fs::read_to_string(data).unwrap();
    opened.writer.execute_batch(&sql).unwrap();
}

fn tables(conn: &Connection) -> Vec<String> {
    conn.prepare(
        "SELECT name FROM pragma_table_list
         WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .unwrap()
    .query_map([], |row| row.get(0))
    .unwrap()
    .collect::<Result<_, _>>()
    .unwrap()
}

#[test]
fn databases_of_every_older_version_keep_all_rows() {
    for version in 1..MIGRATIONS.len() {
        let (_home, path) = home();
        older_database(&path, version);
        let before = open(&path, &MIGRATIONS[..version]).unwrap().writer;
        let counts: Vec<_> = tables(&before)
            .into_iter()
            .map(|table| (count(&before, &table).unwrap(), table))
            .collect();
        drop(before);
        let opened = open(&path, MIGRATIONS).unwrap();
        assert_eq!(opened.report.migrated_from, Some(version as u32));
        for (n, table) in counts {
            assert_ne!(n, 0, "{table} has no rows in v{version}.sql");
            assert_eq!(count(&opened.writer, &table), Ok(n), "{table}");
        }
        assert_eq!(inspect(&path).unwrap().problems, [] as [&str; 0]);
    }
}

#[test]
fn what_version_1_stored_is_understood() {
    let (_home, path) = home();
    older_database(&path, 1);
    let conn = open(&path, MIGRATIONS).unwrap().writer;
    let (s1, s2) = ("s1".into(), "s2".into());

    let session = repo::session::get(&conn, &s2).unwrap().unwrap();
    assert_eq!((session.source.as_str(), session.model), ("cli", None));
    let rows = repo::session::list(&conn, 9, 0).unwrap();
    let counts: Vec<_> = rows.iter().map(|row| row.message_count).collect();
    assert_eq!(counts, [0, 2]);
    let items = repo::item::page(&conn, &s1, None, None, 9).unwrap().items;
    assert_eq!(items.len(), 5);
    let expected = ItemBody::User {
        text: "find the needle".into(),
        images: vec![],
    };
    assert_eq!(items[0].body, expected);
    let found = repo::item::search(&conn, "haystack", None, 9).unwrap();
    assert_eq!(found.len(), 1);

    let queued = repo::queue::rows(&conn, &s2).unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].surface, Surface::Internal);
    assert_eq!(queued[0].message.text, "and then");
    assert_eq!(queued[0].message.images, []);
    let message = repo::client_message::find(&conn, "m2").unwrap().unwrap();
    assert_eq!(message.queue_id, Some("q1".into()));
    let running = repo::turn::running(&conn).unwrap();
    assert_eq!(running.len(), 1);
    let request = repo::approval::get(&conn, &"a1".into()).unwrap().unwrap();
    assert_eq!(
        repo::approval::list_open(&conn, Some(&s2)).unwrap(),
        [request]
    );

    let keys: Vec<_> = repo::provider::list(&conn)
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row.dialect, row.auth, row.requires_api_key))
        .collect();
    let chat = || "openai_chat".to_owned();
    assert_eq!(
        keys,
        [
            ("home".to_owned(), chat(), None, false),
            ("remote".to_owned(), chat(), None, true)
        ]
    );
    assert!(repo::session::delete(&conn, &s1).unwrap());
}

#[test]
fn the_turns_of_version_1_still_count() {
    let (_home, path) = home();
    older_database(&path, 1);
    let conn = open(&path, MIGRATIONS).unwrap().writer;
    let usage = |input, cached, output, calls| Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        model_calls: calls,
        ..Usage::default()
    };
    let (total, groups) = repo::usage::summary(&conn, GroupBy::Model, None, None).unwrap();
    let local = Spent {
        usage: usage(100, 10, 20, 2),
        ..Spent::default()
    };
    let remote = Spent {
        usage: usage(1000, 0, 50, 3),
        unpriced_calls: 3,
        ..Spent::default()
    };
    let group = |key: &str, spent| UsageGroup {
        key: key.into(),
        label: key.into(),
        spent,
    };
    assert_eq!(
        groups,
        [group("remote:qwen3:8b", remote), group("local:smol", local)]
    );
    assert_eq!(total.usage, usage(1100, 10, 70, 5));
    assert_eq!(
        repo::usage::spent_on(&conn, "2026-01-01").unwrap(),
        (1170, 0)
    );
    assert_eq!(
        repo::session::usage(&conn, &"s1".into()).unwrap(),
        usage(1100, 10, 70, 5)
    );
    let providers: Vec<String> = conn
        .prepare("SELECT provider_id FROM model_calls ORDER BY seq")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(providers, ["local", "remote"]);
}

/// Nothing binds a request of then to what would run.
fn answered_in_version_2() -> Approval {
    Approval {
        id: "a1".into(),
        session_id: Some("s1".into()),
        turn_id: Some("t1".into()),
        call_id: "c1".into(),
        tool: "look".into(),
        args: serde_json::json!({"path": "a"}),
        risk: Risk::Low,
        reason: "it looks".into(),
        rule: String::new(),
        steps: vec![],
        cwd: String::new(),
        network: true,
        sandbox: String::new(),
        diff: None,
        patterns: vec![],
        digest: String::new(),
        requested_at: Timestamp::from("2026-03-01T10:00:01.000Z".to_owned()),
        expires_at: None,
        decision: Some(ApprovalDecision::Approved),
        resolved_at: Some(Timestamp::from("2026-03-01T10:00:02.000Z".to_owned())),
        resolved_by: None,
        scope: None,
        answer_reason: Some("go on".into()),
    }
}

#[test]
fn what_version_2_stored_is_understood() {
    let (_home, path) = home();
    older_database(&path, 2);
    let conn = open(&path, MIGRATIONS).unwrap().writer;
    let s1 = "s1".into();
    let session = repo::session::get(&conn, &s1).unwrap().unwrap();
    assert_eq!(
        (session.model.as_deref(), session.workspace),
        (Some("remote:big"), None)
    );
    let items = repo::item::page(&conn, &s1, None, None, 9).unwrap().items;
    let expected = ItemBody::ToolResult {
        call_id: "c1".into(),
        tool: "look".into(),
        output: "hay".into(),
        success: true,
        duration_ms: Some(7),
        diff: None,
        provenance: None,
    };
    assert_eq!(items[2].body, expected);

    let answered = answered_in_version_2();
    let waiting = Approval {
        id: "a2".into(),
        session_id: Some("s2".into()),
        turn_id: Some("t2".into()),
        call_id: "c9".into(),
        tool: "run".into(),
        args: serde_json::json!({}),
        risk: Risk::High,
        reason: "it writes".into(),
        requested_at: Timestamp::from("2026-03-03T11:00:02.000Z".to_owned()),
        decision: None,
        resolved_at: None,
        answer_reason: None,
        ..answered.clone()
    };
    assert_eq!(
        repo::approval::list_open(&conn, None).unwrap(),
        std::slice::from_ref(&waiting)
    );
    assert_eq!(
        repo::approval::list_latest(&conn, None).unwrap(),
        [answered, waiting]
    );
    let decision = repo::approval::Decision::timed_out();
    let now = Timestamp::from_unix_ms(0);
    let ended = repo::approval::resolve(&conn, &"a2".into(), &decision, &now).unwrap();
    assert!(matches!(ended, repo::approval::Resolve::Done(_)));
    assert!(repo::audit::verify(&conn, None).unwrap().is_intact);
    assert!(repo::session::delete(&conn, &s1).unwrap());
}
