//! The database alone, for orientation: opening it and making writes durable.

use std::path::Path;
use std::time::Instant;

use mesoclaw_api::Timestamp;
use mesoclaw_api::ops::session::Session;
use mesoclaw_store::repo::session;
use mesoclaw_store::{Store, StoreOptions};
use tokio::task::JoinSet;

use crate::row::{Row, ms};
use crate::run::Setting;
use crate::turn::block_on;

/// Writes at once.
const N_AT_ONCE: usize = 256;

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Vec<Row> {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut fresh, mut existing) = (vec![], vec![]);
    for n in 0..setting.rounds(20, 5) {
        let path = dir.path().join(format!("{n}.db"));
        for times in [&mut fresh, &mut existing] {
            let start = Instant::now();
            let store = open(&path);
            times.push(ms(start.elapsed()));
            store.close().await;
        }
    }

    let store = open(&dir.path().join("0.db"));
    let mut one = vec![];
    for n in 0..setting.rounds(200, 50) {
        let start = Instant::now();
        write(&store, format!("one-{n}")).await;
        one.push(ms(start.elapsed()));
    }

    let (mut many, mut commits) = (vec![], vec![]);
    for round in 0..setting.rounds(20, 5) {
        let before = store.stats();
        let start = Instant::now();
        let mut writes = JoinSet::new();
        for n in 0..N_AT_ONCE {
            let store = store.clone();
            writes.spawn(async move { write(&store, format!("many-{round}-{n}")).await });
        }
        writes.join_all().await;
        many.push(ms(start.elapsed()));
        commits.push((store.stats().commits - before.commits) as f64);
    }
    store.close().await;
    vec![
        Row::of("open, fresh file", "ms", fresh),
        Row::of("open, existing file", "ms", existing),
        Row::of("one durable write", "ms", one),
        Row::of("256 durable writes at once", "ms", many),
        Row::of("256 durable writes at once: commits", "", commits),
    ]
}

fn open(path: &Path) -> Store {
    let options = StoreOptions {
        path: path.to_owned(),
        readers: 1,
    };
    Store::open(options).expect("a database opens").0
}

async fn write(store: &Store, id: String) {
    let now = Timestamp::now();
    let row = Session {
        id: id.as_str().into(),
        title: id,
        created_at: now.clone(),
        updated_at: now,
        source: "cli".to_owned(),
        channel_key: None,
        model: None,
        workspace: None,
    };
    let written = store.write(move |conn| session::insert(conn, &row)).await;
    written.expect("a session is written");
}
