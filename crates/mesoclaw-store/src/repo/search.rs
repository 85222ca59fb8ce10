//! Full-text search over messages. Nothing a person types is syntax.

use mesoclaw_api::SessionId;
use mesoclaw_api::ops::session::SearchHit;
use rusqlite::{Connection, params};

use crate::error::StoreResult;
use crate::repo::row::{all, text};

/// Words of a query that count; the rest of a longer one is not looked for.
const MOST_WORDS: usize = 32;

/// Messages with all words of the query, the last of which may be a beginning, newest first.
/// Nothing when there is no word in it. Hits stand between `[` and `]` in the snippet.
pub fn search(
    conn: &Connection,
    query: &str,
    session: Option<&SessionId>,
    limit: u32,
) -> StoreResult<Vec<SearchHit>> {
    let Some(expression) = expression(query) else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(
        "SELECT i.session_id, s.title, i.id AS item_id, i.position, i.created_at, i.kind AS role,
                snippet(items_fts, 0, '[', ']', '…', 16) AS snippet
         FROM items_fts
         JOIN items i ON i.seq = items_fts.rowid
         JOIN sessions s ON s.id = i.session_id
         WHERE items_fts MATCH ?1 AND (?2 IS NULL OR i.session_id = ?2)
         ORDER BY items_fts.rowid DESC LIMIT ?3",
    )?;
    let rows = statement.query(params![expression, session.map(SessionId::as_str), limit])?;
    all(rows, |row| {
        Ok(SearchHit {
            session_id: text(row, "session_id")?,
            title: row.get("title")?,
            item_id: text(row, "item_id")?,
            position: row.get("position")?,
            created_at: text(row, "created_at")?,
            role: row.get("role")?,
            snippet: row.get("snippet")?,
        })
    })
}

/// The query for FTS5: each word a quoted string, joined by the implied AND, the last a prefix.
fn expression(query: &str) -> Option<String> {
    let mut words: Vec<String> = query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    words.last_mut()?.push('*');
    Some(words.join(" "))
}

#[cfg(test)]
mod tests;
