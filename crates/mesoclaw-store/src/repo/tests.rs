//! What the tests of the repositories share: a database in memory and short ways to values.

use mesoclaw_api::item::{Provenance, TurnLimit};
use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::ops::session::Session;
use mesoclaw_api::{Item, ItemBody, Surface, Timestamp, TurnOutcome, Usage};
use rusqlite::Connection;

use super::turn::TurnRow;
use super::{item, session, turn};
use crate::migrate::{MIGRATIONS, migrate};

/// A moment; `n` orders them.
pub(super) fn at(n: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000 + n)
}

/// A migrated database in memory with the settings of the writer.
pub(super) fn database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    migrate(&mut conn, MIGRATIONS).unwrap();
    conn.execute_batch("PRAGMA trusted_schema = OFF").unwrap();
    conn
}

pub(super) fn a_session(id: &str, title: &str, updated: i64) -> Session {
    Session {
        id: id.into(),
        title: title.into(),
        created_at: at(0),
        updated_at: at(updated),
        source: "cli".into(),
        channel_key: None,
        model: None,
        workspace: None,
    }
}

/// A database with one session, `s`.
pub(super) fn database_with_session() -> Connection {
    let conn = database();
    session::insert(&conn, &a_session("s", "first", 0)).unwrap();
    conn
}

pub(super) fn an_item(id: &str, session: &str, turn: Option<&str>, body: ItemBody) -> Item {
    Item {
        id: id.into(),
        session_id: session.into(),
        turn_id: turn.map(Into::into),
        position: 0,
        created_at: at(1),
        body,
    }
}

pub(super) fn user(text: &str) -> ItemBody {
    ItemBody::User {
        text: text.into(),
        images: Vec::new(),
    }
}

pub(super) fn assistant(text: &str, complete: bool) -> ItemBody {
    ItemBody::Assistant {
        text: text.into(),
        complete,
        model: "local:m".into(),
    }
}

pub(super) fn call(id: &str) -> ItemBody {
    ItemBody::ToolCall {
        call_id: id.into(),
        tool: "look".into(),
        args: serde_json::json!({"path": id}),
        signature: None,
    }
}

pub(super) fn result(id: &str) -> ItemBody {
    ItemBody::ToolResult {
        call_id: id.into(),
        tool: "look".into(),
        output: format!("saw {id}"),
        success: true,
        duration_ms: Some(7),
        diff: Some("--- a\n+++ b\n".into()),
        provenance: Some(Provenance {
            source: format!("file {id}"),
            taints: true,
            fence: "00ff".into(),
        }),
    }
}

/// Stores an item of session `s` that belongs to no turn.
pub(super) fn put(conn: &Connection, id: &str, body: ItemBody) -> i64 {
    item::upsert(conn, &an_item(id, "s", None, body)).unwrap()
}

pub(super) fn a_turn(id: &str, session: &str, model: &str, started: i64) -> TurnRow {
    TurnRow {
        id: id.into(),
        session_id: session.into(),
        surface: Surface::Pipe,
        model: model.into(),
        started_at: at(started),
    }
}

pub(super) fn finish(conn: &Connection, id: &str, outcome: &TurnOutcome, usage: &Usage) -> bool {
    turn::finish(conn, &id.into(), outcome, usage, 0, &at(50)).unwrap()
}

pub(super) fn used(n: u64) -> Usage {
    Usage {
        input_tokens: 10 * n,
        cached_tokens: n,
        output_tokens: 2 * n,
        cache_write_tokens: 3 * n,
        reasoning_tokens: n,
        model_calls: 1,
    }
}

pub(super) fn limit_reached() -> TurnOutcome {
    TurnOutcome::LimitReached {
        limit: TurnLimit::Time,
        message: "too long".into(),
    }
}

pub(super) fn waiting(id: &str, text: &str) -> QueuedMessage {
    QueuedMessage {
        id: id.into(),
        text: text.into(),
        model: None,
        images: Vec::new(),
        created_at: at(3),
    }
}

/// Fails when the search index says anything else than the items.
pub(super) fn assert_index_in_step(conn: &Connection) {
    conn.execute_batch("INSERT INTO items_fts (items_fts, rank) VALUES ('integrity-check', 1)")
        .unwrap();
    let n_indexed: i64 = conn
        .query_row("SELECT count(*) FROM items_fts_docsize", [], |row| {
            row.get(0)
        })
        .unwrap();
    let n_messages: i64 = conn
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .unwrap();
    let n_counted: i64 = conn
        .query_row(
            "SELECT coalesce(sum(message_count), 0) FROM sessions",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!((n_indexed, n_counted), (n_messages, n_messages));
}
