//! `kill -9` in the middle of writing: what was acknowledged is there, once, and the database is
//! sound. The test runs itself again as the process that is killed.

#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{Item, ItemBody, Timestamp};
use mesoclaw_store::{Store, StoreOptions, repo};

const DATABASE: &str = "MESOCLAW_STORE_TEST_DATABASE";

fn open(path: &Path) -> Store {
    let options = StoreOptions {
        path: path.to_owned(),
        readers: 1,
    };
    Store::open(options).unwrap().0
}

fn item(n: u32) -> Item {
    Item {
        id: format!("i{n}").as_str().into(),
        session_id: "s".into(),
        turn_id: None,
        position: 0,
        created_at: Timestamp::now(),
        body: ItemBody::User {
            text: format!("message {n} {}", "x".repeat(3_000)),
            images: Vec::new(),
        },
    }
}

/// Writes until it is killed, and says which items it was told are stored.
async fn write_for_ever(path: PathBuf) {
    let store = open(&path);
    let session = Session {
        id: "s".into(),
        title: "t".into(),
        created_at: Timestamp::now(),
        updated_at: Timestamp::now(),
        source: "cli".into(),
        channel_key: None,
        model: None,
        workspace: None,
    };
    store
        .write(move |conn| match repo::session::get(conn, &session.id)? {
            Some(_) => Ok(()),
            None => repo::session::insert(conn, &session),
        })
        .await
        .unwrap();
    let mut out = std::io::stdout();
    let n_stored = store
        .read(|conn| repo::item::page(conn, &"s".into(), None, None, u32::MAX))
        .await
        .unwrap()
        .items
        .len();
    for n in n_stored as u32.. {
        store
            .write(move |conn| repo::item::upsert(conn, &item(n)))
            .await
            .unwrap();
        writeln!(out, "stored {n}").unwrap();
    }
}

/// The process that is killed; without the variable it has nothing to do.
#[tokio::test]
async fn child() {
    if let Some(path) = std::env::var_os(DATABASE) {
        write_for_ever(path.into()).await;
    }
}

fn run_and_kill_after(path: &Path, n_lines: usize) -> u32 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stored = lines
        .by_ref()
        .map_while(Result::ok)
        .filter_map(|line| line.rsplit_once("stored ")?.1.parse::<u32>().ok());
    let mut last = stored.nth(n_lines - 1).unwrap();
    child.kill().unwrap();
    // It may have said more before the signal came.
    if let Some(later) = stored.last() {
        last = later;
    }
    child.wait().unwrap();
    last
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("meso.db");
    for n_lines in [1, 7, 40, 333, 3] {
        let last = run_and_kill_after(&path, n_lines);
        let store = open(&path);
        let items = store
            .read(|conn| repo::item::page(conn, &"s".into(), None, None, u32::MAX))
            .await
            .unwrap()
            .items;
        // The write after the last acknowledged one may or may not have been stored.
        assert!(
            items.len() as u32 == last + 1 || items.len() as u32 == last + 2,
            "{last} {}",
            items.len()
        );
        for (n, stored) in (0..).zip(&items) {
            assert_eq!(stored.id, item(n).id);
            assert_eq!(stored.position, i64::from(n) + 1);
        }
        assert_eq!(store.integrity_check().await.unwrap(), [""; 0]);
        let row = store
            .read(|conn| repo::session::row(conn, &"s".into()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.message_count, items.len() as u64);
        store.close().await;
    }
}
