//! Turns: one row each, running until it has an outcome.

use mesoclaw_api::{SessionId, Surface, Timestamp, TurnId, TurnOutcome, Usage};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, bounded, first, from_json, from_word, text, to_json, to_word};
use crate::repo::usage::usage_of_row;

/// A turn as it began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TurnRow {
    /// Id.
    pub id: TurnId,
    /// The session.
    pub session_id: SessionId,
    /// Who began it.
    pub surface: Surface,
    /// `provider:model`.
    pub model: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// The newest turn of a session.
#[derive(Clone, PartialEq, Debug)]
pub struct LastTurn {
    /// How it began.
    pub row: TurnRow,
    /// How it ended; `None` while it runs.
    pub outcome: Option<TurnOutcome>,
    /// What it used; nothing while it runs.
    pub usage: Usage,
    /// What it cost as far as prices are known, in millionths of a US dollar.
    pub cost_microusd: u64,
}

const COLUMNS: &str = "id, session_id, surface, model, started_at";

/// Adds a running turn.
pub fn insert(conn: &Connection, turn: &TurnRow) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO turns (id, session_id, surface, model, started_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        turn.id.as_str(),
        turn.session_id.as_str(),
        to_word("a surface", &turn.surface)?,
        turn.model,
        turn.started_at.as_str(),
    ])?;
    Ok(())
}

/// Ends a running turn. False when it does not run (any more): the first ending stays.
/// `cost_microusd` is its price as far as it is known, in millionths of a US dollar.
pub fn finish(
    conn: &Connection,
    id: &TurnId,
    outcome: &TurnOutcome,
    usage: &Usage,
    cost_microusd: u64,
    now: &Timestamp,
) -> StoreResult<bool> {
    let n_changed = conn
        .prepare_cached(
            "UPDATE turns SET state = 'done', outcome = ?2, finished_at = ?3,
                 input_tokens = ?4, cached_tokens = ?5, output_tokens = ?6, model_calls = ?7,
                 cache_write_tokens = ?8, reasoning_tokens = ?9, cost_microusd = ?10
             WHERE id = ?1 AND state = 'running'",
        )?
        .execute(params![
            id.as_str(),
            to_json("the outcome of a turn", outcome)?,
            now.as_str(),
            bounded(usage.input_tokens),
            bounded(usage.cached_tokens),
            bounded(usage.output_tokens),
            usage.model_calls,
            bounded(usage.cache_write_tokens),
            bounded(usage.reasoning_tokens),
            bounded(cost_microusd),
        ])?;
    Ok(n_changed > 0)
}

/// Turns that are stored as running, oldest first. Right after the start these are the ones the
/// last daemon left.
pub fn running(conn: &Connection) -> StoreResult<Vec<TurnRow>> {
    let sql = format!("SELECT {COLUMNS} FROM turns WHERE state = 'running' ORDER BY seq");
    all(conn.prepare_cached(&sql)?.query([])?, turn)
}

/// The newest turn of a session.
pub fn last(conn: &Connection, session: &SessionId) -> StoreResult<Option<LastTurn>> {
    let sql = format!(
        "SELECT {COLUMNS}, outcome, input_tokens, cached_tokens, cache_write_tokens, output_tokens,
             reasoning_tokens, model_calls, cost_microusd
         FROM turns WHERE session_id = ?1 ORDER BY seq DESC LIMIT 1"
    );
    first(
        conn.prepare_cached(&sql)?.query([session.as_str()])?,
        |row| {
            let outcome: Option<String> = row.get("outcome")?;
            Ok(LastTurn {
                row: turn(row)?,
                outcome: outcome
                    .map(|outcome| from_json("the outcome of a turn", &outcome))
                    .transpose()?,
                usage: usage_of_row(row)?,
                cost_microusd: row.get("cost_microusd")?,
            })
        },
    )
}

fn turn(row: &Row<'_>) -> StoreResult<TurnRow> {
    Ok(TurnRow {
        id: text(row, "id")?,
        session_id: text(row, "session_id")?,
        surface: from_word("a surface", row.get("surface")?)?,
        model: row.get("model")?,
        started_at: text(row, "started_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::tests::{a_turn, at, database_with_session, limit_reached, used};

    #[test]
    fn a_turn_runs_until_its_first_ending() {
        let conn = database_with_session();
        let s = "s".into();
        assert_eq!(last(&conn, &s).unwrap(), None);
        let row = a_turn("t1", "s", "local:m", 1);
        insert(&conn, &row).unwrap();
        insert(&conn, &row).unwrap_err();
        let running_turn = LastTurn {
            row: row.clone(),
            outcome: None,
            usage: Usage::default(),
            cost_microusd: 0,
        };
        assert_eq!(last(&conn, &s).unwrap(), Some(running_turn));
        assert_eq!(running(&conn).unwrap(), std::slice::from_ref(&row));

        let end = |outcome: &TurnOutcome, n| {
            finish(&conn, &"t1".into(), outcome, &used(n), 7, &at(9)).unwrap()
        };
        assert!(end(&limit_reached(), 1));
        assert!(!end(&TurnOutcome::Completed, 2));
        assert!(!finish(&conn, &"no".into(), &limit_reached(), &used(1), 7, &at(9)).unwrap());
        let ended = LastTurn {
            row,
            outcome: Some(limit_reached()),
            usage: used(1),
            cost_microusd: 7,
        };
        assert_eq!(last(&conn, &s).unwrap(), Some(ended));
        assert_eq!(running(&conn).unwrap(), []);
    }

    #[test]
    fn the_newest_turn_is_the_last_and_running_ones_come_oldest_first() {
        let conn = database_with_session();
        let (first, second) = (a_turn("t1", "s", "m", 5), a_turn("t2", "s", "m", 5));
        insert(&conn, &first).unwrap();
        insert(&conn, &second).unwrap();
        assert_eq!(last(&conn, &"s".into()).unwrap().unwrap().row, second);
        assert_eq!(running(&conn).unwrap(), [first, second]);
    }
}
