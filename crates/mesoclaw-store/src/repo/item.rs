//! Items: the entries of a conversation, in order.
//!
//! Message counts and the search index follow by triggers of the schema; the rows of tool calls
//! are kept here.

use mesoclaw_api::ops::session::ItemPage;
use mesoclaw_api::{Item, ItemBody, ItemId, SessionId, TurnId};
use rusqlite::{Connection, Row, named_params, params};

use crate::error::{StoreError, StoreResult};
use crate::repo::row::{all, first, from_json, text, text_or_none, to_json};

pub use crate::repo::search::search;

const COLUMNS: &str = "id, session_id, turn_id, position, created_at, body";

/// Stores an item and says its position. A new one comes to the end of its session; one whose id
/// is there keeps place and time and gets the new body. `position` of the argument is not read.
pub fn upsert(conn: &Connection, item: &Item) -> StoreResult<i64> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO items
             (id, session_id, turn_id, position, kind, created_at, body, is_message)
         VALUES (:id, :session, :turn,
             (SELECT coalesce(max(position), 0) + 1 FROM items WHERE session_id = :session),
             :kind, :created, :body, :is_message)
         ON CONFLICT (id) DO UPDATE
             SET kind = excluded.kind, body = excluded.body, is_message = excluded.is_message
             WHERE session_id = excluded.session_id
         RETURNING position",
    )?;
    let rows = statement.query(named_params! {
        ":id": item.id.as_str(),
        ":session": item.session_id.as_str(),
        ":turn": item.turn_id.as_ref().map(TurnId::as_str),
        ":kind": kind(&item.body),
        ":created": item.created_at.as_str(),
        ":body": to_json("an item", &item.body)?,
        ":is_message": is_message(&item.body),
    })?;
    let position =
        first(rows, |row| Ok(row.get(0)?))?.ok_or_else(|| StoreError::ItemElsewhere {
            item_id: item.id.to_string(),
        })?;
    keep_tool_call(conn, item)?;
    Ok(position)
}

/// Some items of a session, oldest first: the oldest after position `after`, else the newest
/// before position `before`, else the newest. With both, the oldest in between.
pub fn page(
    conn: &Connection,
    session: &SessionId,
    before: Option<i64>,
    after: Option<i64>,
    limit: u32,
) -> StoreResult<ItemPage> {
    let order = if after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT {COLUMNS} FROM items
         WHERE session_id = ?1 AND position > ?2 AND position < ?3
         ORDER BY position {order} LIMIT ?4"
    );
    let mut items = all(
        conn.prepare_cached(&sql)?.query(params![
            session.as_str(),
            after.unwrap_or(i64::MIN),
            before.unwrap_or(i64::MAX),
            i64::from(limit) + 1,
        ])?,
        read_item,
    )?;
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    if after.is_none() {
        items.reverse();
    }
    Ok(ItemPage { items, has_more })
}

/// The newest `max_messages` messages of a session with everything between and after them, oldest
/// first, without the items of `exclude_turn`. A history that had to be cut begins with a user
/// item: the next one, or the one before when no other is left.
pub fn history(
    conn: &Connection,
    session: &SessionId,
    max_messages: u32,
    exclude_turn: Option<&TurnId>,
) -> StoreResult<Vec<Item>> {
    let Some(skipped) = max_messages.checked_sub(1) else {
        return Ok(Vec::new());
    };
    let excluded = exclude_turn.map(TurnId::as_str);
    let oldest: Option<i64> = first(
        conn.prepare_cached(
            "SELECT position FROM items
             WHERE session_id = ?1 AND is_message = 1 AND (?2 IS NULL OR turn_id IS NOT ?2)
             ORDER BY position DESC LIMIT 1 OFFSET ?3",
        )?
        .query(params![session.as_str(), excluded, skipped])?,
        |row| Ok(row.get(0)?),
    )?;
    let start = match oldest {
        Some(oldest) => start_of_history(conn, session, excluded, oldest)?,
        None => i64::MIN,
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM items
         WHERE session_id = ?1 AND position >= ?3 AND (?2 IS NULL OR turn_id IS NOT ?2)
         ORDER BY position"
    );
    all(
        conn.prepare_cached(&sql)?
            .query(params![session.as_str(), excluded, start])?,
        read_item,
    )
}

/// Where a history begins whose oldest message stands at `oldest`.
fn start_of_history(
    conn: &Connection,
    session: &SessionId,
    excluded: Option<&str>,
    oldest: i64,
) -> StoreResult<i64> {
    let start = conn
        .prepare_cached(
            "SELECT CASE
                 WHEN NOT EXISTS (
                     SELECT 1 FROM items
                     WHERE session_id = ?1 AND is_message = 1 AND position < ?3
                       AND (?2 IS NULL OR turn_id IS NOT ?2))
                 THEN -9223372036854775808
                 ELSE coalesce(
                     (SELECT position FROM items
                      WHERE session_id = ?1 AND is_message = 1 AND kind = 'user'
                        AND position >= ?3 AND (?2 IS NULL OR turn_id IS NOT ?2)
                      ORDER BY position LIMIT 1),
                     (SELECT position FROM items
                      WHERE session_id = ?1 AND is_message = 1 AND kind = 'user'
                        AND position < ?3 AND (?2 IS NULL OR turn_id IS NOT ?2)
                      ORDER BY position DESC LIMIT 1),
                     ?3)
             END",
        )?
        .query_row(params![session.as_str(), excluded, oldest], |row| {
            row.get(0)
        })?;
    Ok(start)
}

/// The items of a turn, in order.
pub fn of_turn(conn: &Connection, turn: &TurnId) -> StoreResult<Vec<Item>> {
    let sql = format!("SELECT {COLUMNS} FROM items WHERE turn_id = ?1 ORDER BY position");
    all(
        conn.prepare_cached(&sql)?.query([turn.as_str()])?,
        read_item,
    )
}

/// One item.
pub fn get(conn: &Connection, id: &ItemId) -> StoreResult<Option<Item>> {
    let sql = format!("SELECT {COLUMNS} FROM items WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id.as_str()])?, read_item)
}

fn read_item(row: &Row<'_>) -> StoreResult<Item> {
    let body: String = row.get("body")?;
    Ok(Item {
        id: text(row, "id")?,
        session_id: text(row, "session_id")?,
        turn_id: text_or_none(row, "turn_id")?,
        position: row.get("position")?,
        created_at: text(row, "created_at")?,
        body: from_json("an item", &body)?,
    })
}

/// The tag of the body on the wire.
fn kind(body: &ItemBody) -> &'static str {
    match body {
        ItemBody::User { .. } => "user",
        ItemBody::Assistant { .. } => "assistant",
        ItemBody::Reasoning { .. } => "reasoning",
        ItemBody::ToolCall { .. } => "tool_call",
        ItemBody::ToolResult { .. } => "tool_result",
        ItemBody::Approval { .. } => "approval",
        ItemBody::Notice { .. } => "notice",
        ItemBody::Outcome { .. } => "outcome",
        ItemBody::System { .. } => "system",
    }
}

fn is_message(body: &ItemBody) -> bool {
    match body {
        ItemBody::User { .. } => true,
        ItemBody::Assistant { complete, .. } => *complete,
        ItemBody::Reasoning { .. }
        | ItemBody::ToolCall { .. }
        | ItemBody::ToolResult { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Notice { .. }
        | ItemBody::Outcome { .. }
        | ItemBody::System { .. } => false,
    }
}

fn keep_tool_call(conn: &Connection, item: &Item) -> StoreResult<()> {
    match &item.body {
        ItemBody::ToolCall {
            call_id,
            tool,
            args,
            ..
        } => {
            conn.prepare_cached(
                "INSERT INTO tool_calls
                     (item_id, call_id, session_id, turn_id, tool, args, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (item_id) DO UPDATE
                     SET call_id = excluded.call_id, tool = excluded.tool, args = excluded.args",
            )?
            .execute(params![
                item.id.as_str(),
                call_id.as_str(),
                item.session_id.as_str(),
                item.turn_id.as_ref().map(TurnId::as_str),
                tool,
                to_json("the arguments of a tool call", args)?,
                item.created_at.as_str(),
            ])?;
        }
        ItemBody::ToolResult {
            call_id,
            output,
            success,
            duration_ms,
            ..
        } => {
            // Models number their calls anew in each turn, and the result of a call that waited
            // for an answer over a restart comes in another turn: the newest call is meant.
            conn.prepare_cached(
                "UPDATE tool_calls SET output = ?3, success = ?4, duration_ms = ?5
                 WHERE seq = (SELECT max(seq) FROM tool_calls
                              WHERE session_id = ?1 AND call_id = ?2)",
            )?
            .execute(params![
                item.session_id.as_str(),
                call_id.as_str(),
                output,
                success,
                duration_ms,
            ])?;
        }
        ItemBody::User { .. }
        | ItemBody::Assistant { .. }
        | ItemBody::Reasoning { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Notice { .. }
        | ItemBody::Outcome { .. }
        | ItemBody::System { .. } => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
