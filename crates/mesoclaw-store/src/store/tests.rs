//! Tests of the threads: group commit, isolation of failures, snapshots, closing.

use std::sync::mpsc::sync_channel;

use futures_util::future::join_all;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{Item, ItemBody, SessionId, Surface, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::repo::approval::{Decision, Resolve};
use crate::repo::{approval, item, session};

fn open() -> (TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        path: home.path().join("meso.db"),
        readers: 2,
    };
    let (store, report) = Store::open(options).unwrap();
    assert!(report.created);
    (home, store)
}

fn a_session(id: impl ToString) -> Session {
    Session {
        id: id.to_string().into(),
        title: "t".into(),
        created_at: Timestamp::from_unix_ms(0),
        updated_at: Timestamp::from_unix_ms(0),
        source: "cli".into(),
        channel_key: None,
        model: None,
        workspace: None,
    }
}

async fn add(store: &Store, id: impl ToString) -> StoreResult<()> {
    let session = a_session(id);
    store
        .write(move |conn| session::insert(conn, &session))
        .await
}

async fn has(store: &Store, id: impl ToString) -> bool {
    let id = SessionId::from(id.to_string());
    store
        .read(move |conn| Ok(session::get(conn, &id)?.is_some()))
        .await
        .unwrap()
}

/// Runs `writes` so that all of them wait while the thread is busy, and none before.
async fn all_at_once<F>(store: &Store, writes: Vec<F>) -> Vec<F::Output>
where
    F: Future,
{
    let (go, wait) = sync_channel::<()>(1);
    let busy = store.write(move |_| {
        wait.recv().unwrap();
        Ok(())
    });
    // Polled in this order: all writes are handed over before the thread may go on.
    let (_busy, answers, ()) = tokio::join!(busy, join_all(writes), async {
        go.send(()).unwrap();
    });
    answers
}

#[tokio::test]
async fn writes_that_wait_together_share_a_commit() {
    let (_home, store) = open();
    // Few enough that the runtime does not interrupt the handing over: it lets a task do 128 things.
    let writes = (0..100).map(|n| add(&store, n)).collect();
    for answer in all_at_once(&store, writes).await {
        answer.unwrap();
    }
    let stats = store.stats();
    assert_eq!(stats.writes, 101);
    // The one that kept the thread busy, and whatever came while it did.
    assert!(stats.commits <= 2, "{stats:?}");
    assert_eq!(store.read(session::count).await.unwrap(), 100);
    store.close().await;
}

#[tokio::test]
async fn more_writes_than_places_all_get_through() {
    let (_home, store) = open();
    let answers = join_all((0..2_000).map(|n| add(&store, n))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.read(session::count).await.unwrap(), 2_000);
    assert_eq!(store.stats().writes, 2_000);
    store.close().await;
}

/// Adds a session and then does something else in the same write.
async fn add_and(
    store: &Store,
    id: &str,
    then: fn(&Connection) -> StoreResult<()>,
) -> StoreResult<()> {
    let session = a_session(id);
    store
        .write(move |conn| {
            session::insert(conn, &session)?;
            then(conn)
        })
        .await
}

#[tokio::test]
async fn a_failing_or_panicking_write_undoes_only_itself() {
    let (_home, store) = open();
    let writes = vec![
        add_and(&store, "before", |_| Ok(())),
        add_and(&store, "failing", |conn| {
            conn.execute("INSERT INTO nowhere VALUES (1)", [])?;
            Ok(())
        }),
        add_and(&store, "between", |_| Ok(())),
        add_and(&store, "panicking", |_| panic!("a bug, on purpose")),
        add_and(&store, "after", |_| Ok(())),
    ];
    let answers = all_at_once(&store, writes).await;
    let [
        Ok(()),
        Err(StoreError::Statement(_)),
        Ok(()),
        Err(StoreError::Panicked),
        Ok(()),
    ] = answers.as_slice()
    else {
        panic!("{answers:?}");
    };
    for (id, is_there) in [
        ("before", true),
        ("failing", false),
        ("between", true),
        ("panicking", false),
        ("after", true),
    ] {
        assert_eq!(has(&store, id).await, is_there, "{id}");
    }
    store.close().await;
}

#[tokio::test]
async fn writes_undone_with_a_full_disk_are_told_so() {
    let (_home, store) = open();
    let fill = |conn: &Connection| {
        conn.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))?;
        let result = conn.execute(
            "INSERT INTO settings (key, value) VALUES ('k', hex(zeroblob(100000)))",
            [],
        );
        conn.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))?;
        result?;
        Ok(())
    };
    let writes = vec![
        add_and(&store, "before", |_| Ok(())),
        add_and(&store, "filling", fill),
        add_and(&store, "after", |_| Ok(())),
    ];
    let answers = all_at_once(&store, writes).await;
    let [before, Err(StoreError::Statement(_)), Ok(())] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    // Whoever was told that a write is stored finds it, whoever was not does not.
    assert_eq!(has(&store, "before").await, before.is_ok());
    assert!(!has(&store, "filling").await);
    assert!(has(&store, "after").await);
    assert_eq!(store.integrity_check().await.unwrap(), [""; 0]);
    store.close().await;
}

#[tokio::test]
async fn a_panicking_read_fails_alone() {
    let (_home, store) = open();
    let answer: StoreResult<()> = store.read(|_| panic!("a bug, on purpose")).await;
    assert!(matches!(answer, Err(StoreError::Panicked)));
    assert_eq!(store.read(session::count).await.unwrap(), 0);
    store.close().await;
}

#[tokio::test]
async fn reads_go_on_while_a_long_write_runs_and_see_nothing_of_it() {
    let (_home, store) = open();
    let (go, wait) = sync_channel::<()>(1);
    let session = a_session("s");
    let long_write = store.write(move |conn| {
        session::insert(conn, &session)?;
        wait.recv().unwrap();
        Ok(())
    });
    let reads = async {
        for _ in 0..50 {
            assert_eq!(store.read(session::count).await.unwrap(), 0);
        }
        go.send(()).unwrap();
    };
    let (written, ()) = tokio::join!(long_write, reads);
    written.unwrap();
    assert!(has(&store, "s").await);
    store.close().await;
}

#[tokio::test]
async fn a_read_sees_one_moment_and_others_go_on_meanwhile() {
    let (_home, store) = open();
    let (counted, first_count) = tokio::sync::oneshot::channel();
    let (go, wait) = sync_channel::<()>(1);
    let long_read = store.read(move |conn| {
        let before = session::count(conn)?;
        counted.send(()).unwrap();
        wait.recv().unwrap();
        Ok((before, session::count(conn)?))
    });
    let others = async {
        first_count.await.unwrap();
        add(&store, "s").await.unwrap();
        assert!(has(&store, "s").await);
        go.send(()).unwrap();
    };
    let (counts, ()) = tokio::join!(long_read, others);
    assert_eq!(counts.unwrap(), (0, 0));
    store.close().await;
}

#[tokio::test]
async fn a_read_cannot_write() {
    let (_home, store) = open();
    let answer = store
        .read(|conn| session::insert(conn, &a_session("s")))
        .await;
    assert!(matches!(answer, Err(StoreError::Statement(_))));
    store.close().await;
}

async fn say(store: &Store, n: u32) {
    let item = Item {
        id: format!("i{n}").as_str().into(),
        session_id: "s".into(),
        turn_id: None,
        position: 0,
        created_at: Timestamp::from_unix_ms(0),
        body: ItemBody::User {
            text: format!("needle {n} {}", "hay ".repeat(20)),
            images: Vec::new(),
        },
    };
    store
        .write(move |conn| item::upsert(conn, &item))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_check_after_searches_and_writes_finds_no_fault() {
    let home = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        path: home.path().join("meso.db"),
        readers: 1,
    };
    let (store, _) = Store::open(options).unwrap();
    add(&store, "s").await.unwrap();
    for n in 0..40 {
        say(&store, n).await;
        // The reader remembers the structure of the index, and the writer goes on to change it.
        let n_hits = store
            .read(|conn| item::search(conn, "needle", None, 100))
            .await
            .unwrap()
            .len();
        assert_eq!(n_hits as u32, n + 1);
        store
            .write(|conn| {
                conn.execute("INSERT INTO items_fts (items_fts) VALUES ('optimize')", [])?;
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(store.integrity_check().await.unwrap(), [""; 0], "{n}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_write_nobody_waits_for_is_stored() {
    let (_home, store) = open();
    let (go, wait) = sync_channel::<()>(1);
    let session = a_session("s");
    let write = store.write(move |conn| {
        wait.recv().unwrap();
        session::insert(conn, &session)
    });
    // Polled once, so that it is handed over, and then dropped.
    tokio::select! {
        biased;
        _ = write => panic!("it cannot be done yet"),
        () = std::future::ready(()) => {}
    }
    go.send(()).unwrap();
    add(&store, "next").await.unwrap();
    assert!(has(&store, "s").await);
    store.close().await;
}

#[tokio::test]
async fn closing_does_what_waits_and_leaves_one_file() {
    let (home, store) = open();
    let clone = store.clone();
    let writes = (0..100).map(|n| add(&store, n));
    let (answers, ()) = tokio::join!(join_all(writes), clone.close());
    assert!(answers.iter().all(Result::is_ok));
    assert!(matches!(add(&store, "late").await, Err(StoreError::Closed)));
    let late_read = store.read(session::count).await;
    assert!(matches!(late_read, Err(StoreError::Closed)));
    store.close().await;
    let names: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["meso.db"]);
    let options = StoreOptions {
        path: home.path().join("meso.db"),
        readers: 0,
    };
    let (again, _) = Store::open(options).unwrap();
    assert_eq!(again.read(session::count).await.unwrap(), 100);
    assert_eq!(again.integrity_check().await.unwrap(), [""; 0]);
    again.close().await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_threads() {
    let (_home, store) = open();
    add(&store, "s").await.unwrap();
    assert!(has(&store, "s").await);
    let mut threads = store.inner.readers.close();
    threads.extend(store.inner.writer.lock().unwrap().take());
    drop(store);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn of_many_answers_at_once_one_wins_and_all_learn_which() {
    let (_home, store) = open();
    let request = serde_json::json!({
        "id": "a", "session_id": null, "turn_id": null, "call_id": "c", "tool": "shell",
        "args": {}, "risk": "high", "reason": "", "rule": "", "steps": [], "cwd": "/",
        "network": false, "sandbox": "", "patterns": [], "digest": "00",
        "requested_at": "", "expires_at": null, "decision": null, "resolved_at": null,
    });
    let request: Approval = serde_json::from_value(request).unwrap();
    store
        .write(move |conn| approval::open(conn, &request))
        .await
        .unwrap();
    let answers = join_all((0..50).map(|n| {
        let decision = Decision {
            decision: ApprovalDecision::Denied,
            by: Some(Surface::Cli),
            scope: None,
            reason: Some(format!("answer {n}")),
        };
        let now = Timestamp::from_unix_ms(n);
        store.write(move |conn| approval::resolve(conn, &"a".into(), &decision, &now))
    }))
    .await;
    let mut done = Vec::new();
    let mut late = Vec::new();
    for answer in answers {
        match answer.unwrap() {
            Resolve::Done(approval) => done.push(approval),
            Resolve::AlreadyResolved(approval) => late.push(approval),
            Resolve::NotFound => unreachable!("the request is there"),
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(late, vec![done[0].clone(); 49]);
    store.close().await;
}
