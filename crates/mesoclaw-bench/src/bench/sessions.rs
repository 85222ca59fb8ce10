//! A database of 1,000 sessions and 100,000 items behind a daemon.
//!
//! It is filled through the repositories of `mesoclaw-store`, in transactions of one session each,
//! so rows, counts and search index are what the daemon would have written.

use std::path::Path;
use std::time::{Duration, Instant};

use mesoclaw_api::item::{ItemBody, TurnOutcome, Usage};
use mesoclaw_api::ops::session::{
    ItemsParams, ListParams, Session, SessionGet, SessionItems, SessionList, SessionParams,
};
use mesoclaw_api::{Item, ItemId, SessionId, Surface, Timestamp, TurnId};
use mesoclaw_ipc::Client;
use mesoclaw_store::repo::turn::TurnRow;
use mesoclaw_store::repo::{item, session, turn};
use mesoclaw_store::{Connection, Store, StoreOptions, StoreResult};
use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;

use crate::process::timed;
use crate::row::{Row, mb, ms};
use crate::run::Setting;
use crate::turn::block_on;

const N_SESSIONS: u32 = 1_000;
const N_ITEMS: u32 = 100_000;
/// Items of the one long session.
const N_LONG: u32 = 10_000;
/// User, assistant, outcome.
const ITEMS_A_TURN: u32 = 3;
/// Start of the invented history, 2023-11-14.
const EPOCH_MS: i64 = 1_700_000_000_000;
/// Longest wait for an answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let home = TestHome::new();
    // The daemon itself makes directory and database, so that they are as it wants them.
    DaemonProcess::start(&setting.mesoclaw, &home).terminate();
    let fill_time = block_on(fill(&home.data_dir().join("mesoclaw.db")));
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let n = setting.rounds(50, 10);
    let rss_before = daemon.rss_bytes();

    let mut rows = vec![
        Row::one(
            "filling the database (not a figure of the daemon)",
            "s",
            fill_time.as_secs_f64(),
        ),
        Row::one(
            "exec to `daemon.hello` answered, this database (to 1 ms)",
            "ms",
            ms(daemon.time_to_hello()),
        ),
    ];
    rows.extend(block_on(calls(&daemon, n)));
    let list = (0..n).map(|_| {
        let mut command = home.mesoclaw(&setting.mesoclaw);
        ms(timed(command.args(["session", "list"])))
    });
    rows.extend([
        Row::of(
            "`mesoclaw session list`, start to end",
            "ms",
            list.collect(),
        )
        .goal("≤ 10 ms"),
        Row::one("daemon RSS before all this", "MB", mb(rss_before)),
        Row::one("daemon RSS after all this", "MB", mb(daemon.rss_bytes())).goal("≤ 25 MB"),
    ]);
    rows
}

async fn calls(daemon: &DaemonProcess, n: usize) -> Vec<Row> {
    let client = daemon.client(None).await;
    let (mut all, mut page, mut tail, mut open) = (vec![], vec![], vec![], vec![]);
    for _ in 0..n {
        all.push(list(&client, None, N_SESSIONS as usize).await);
        page.push(list(&client, Some(50), 50).await);
        let start = Instant::now();
        tail_page(&client).await;
        tail.push(ms(start.elapsed()));

        let start = Instant::now();
        let fresh = daemon.client(None).await;
        let params = SessionParams {
            session_id: session_id(0),
        };
        let detail = within(fresh.call::<SessionGet>(params)).await;
        assert!(detail.summary.message_count > 0, "{detail:?}");
        tail_page(&fresh).await;
        open.push(ms(start.elapsed()));
    }
    vec![
        Row::of("`session.list`, all 1,000", "ms", all).goal("≤ 10 ms"),
        Row::of("`session.list`, the latest 50", "ms", page).goal("≤ 10 ms"),
        Row::of("`session.items`, last 200 of 10,000", "ms", tail).goal("≤ 20 ms"),
        Row::of("connect, `session.get`, last 200 of 10,000", "ms", open).goal("≤ 20 ms"),
    ]
}

async fn list(client: &Client, limit: Option<u32>, expected: usize) -> f64 {
    let start = Instant::now();
    let params = ListParams {
        limit,
        offset: None,
    };
    let sessions = within(client.call::<SessionList>(params)).await;
    let took = ms(start.elapsed());
    assert_eq!(sessions.len(), expected, "sessions in the list");
    took
}

async fn tail_page(client: &Client) {
    let params = ItemsParams {
        session_id: session_id(0),
        before: None,
        after: None,
        limit: Some(200),
    };
    let page = within(client.call::<SessionItems>(params)).await;
    assert_eq!((page.items.len(), page.has_more), (200, true));
}

async fn within<T>(call: impl Future<Output = mesoclaw_api::ApiResult<T>>) -> T {
    let answer = tokio::time::timeout(LIMIT, call).await;
    answer.expect("an answer in time").expect("a good answer")
}

async fn fill(path: &Path) -> Duration {
    let start = Instant::now();
    let options = StoreOptions {
        path: path.to_owned(),
        readers: 1,
    };
    let (store, _) = Store::open(options).expect("the daemon's database opens");
    let mut left = N_ITEMS;
    for n in 0..N_SESSIONS {
        let items = if n == 0 {
            N_LONG
        } else {
            left / (N_SESSIONS - n)
        };
        left -= items;
        let filled = store.write(move |conn| fill_session(conn, n, items)).await;
        filled.expect("a session is written");
    }
    assert_eq!(left, 0, "items left over");
    store.close().await;
    start.elapsed()
}

fn session_id(n: u32) -> SessionId {
    format!("session-{n:04}").into()
}

fn at(n_session: u32, n_item: u32) -> Timestamp {
    Timestamp::from_unix_ms(EPOCH_MS + i64::from(n_session) * 60_000 + i64::from(n_item))
}

fn fill_session(conn: &Connection, n: u32, items: u32) -> StoreResult<()> {
    let session_id = session_id(n);
    session::insert(
        conn,
        &Session {
            id: session_id.clone(),
            title: format!("Conversation number {n} about nothing in particular"),
            created_at: at(n, 0),
            updated_at: at(n, items),
            source: "cli".to_owned(),
            channel_key: None,
            model: None,
            workspace: None,
        },
    )?;
    let mut turn_id = TurnId::random();
    for index in 0..items {
        let n_in_turn = index % ITEMS_A_TURN;
        let now = at(n, index);
        if n_in_turn == 0 {
            turn_id = TurnId::from(format!("turn-{n:04}-{index:05}"));
            let row = TurnRow {
                id: turn_id.clone(),
                session_id: session_id.clone(),
                surface: Surface::Cli,
                model: "test:test-model".to_owned(),
                started_at: now.clone(),
            };
            turn::insert(conn, &row)?;
        }
        let body = body(index, n_in_turn);
        let stored = Item {
            id: ItemId::of_turn(&turn_id, n_in_turn),
            session_id: session_id.clone(),
            turn_id: Some(turn_id.clone()),
            position: 0,
            created_at: now.clone(),
            body,
        };
        item::upsert(conn, &stored)?;
        if n_in_turn == ITEMS_A_TURN - 1 || index + 1 == items {
            turn::finish(conn, &turn_id, &TurnOutcome::Completed, &usage(), 0, &now)?;
        }
    }
    Ok(())
}

fn body(index: u32, n_in_turn: u32) -> ItemBody {
    match n_in_turn {
        0 => ItemBody::User {
            text: format!("Question {index}: what does the harbour master write into the log?"),
            images: Vec::new(),
        },
        1 => ItemBody::Assistant {
            text: format!(
                "Answer {index}. The harbour master notes the tide, the wind and every ship that \
                 comes in: its name, its flag, where it comes from and what it carries. The log \
                 is kept by hand, one page a day, and the pages are bound at the end of the year."
            ),
            complete: true,
            model: "test:test-model".to_owned(),
        },
        _ => ItemBody::Outcome {
            outcome: TurnOutcome::Completed,
            usage: usage(),
        },
    }
}

fn usage() -> Usage {
    Usage {
        input_tokens: 400,
        cached_tokens: 0,
        output_tokens: 70,
        model_calls: 1,
        ..Usage::default()
    }
}
