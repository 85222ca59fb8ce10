//! Tokens, money and time of model calls, summed up.

use mesoclaw_api::ops::usage::{GroupBy, Spent, UsageGroup};
use mesoclaw_api::{SessionId, Usage};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first};

/// The sums of a group, with the names [`spent_of_row`] reads.
const SUMS: &str = "
    coalesce(sum(c.input_tokens), 0) AS input_tokens,
    coalesce(sum(c.cached_tokens), 0) AS cached_tokens,
    coalesce(sum(c.cache_write_tokens), 0) AS cache_write_tokens,
    coalesce(sum(c.output_tokens), 0) AS output_tokens,
    coalesce(sum(c.reasoning_tokens), 0) AS reasoning_tokens,
    coalesce(sum(c.calls), 0) AS model_calls,
    coalesce(sum(c.cost_microusd), 0) AS cost_microusd,
    coalesce(sum(c.calls) FILTER (WHERE c.cost_microusd IS NULL), 0) AS unpriced_calls,
    coalesce(sum(c.calls) FILTER (WHERE c.is_estimated = 1), 0) AS estimated_calls,
    coalesce(sum(c.calls) FILTER (WHERE c.error_code IS NOT NULL), 0) AS failed_calls,
    CAST(round(avg(c.first_token_ms) FILTER (WHERE c.error_code IS NULL)) AS INTEGER)
        AS first_token_ms,
    CAST(round(avg(c.latency_ms) FILTER (WHERE c.error_code IS NULL)) AS INTEGER)
        AS latency_ms";

/// What model calls used, all together and by group: all calls, or those of one session, or those
/// of `since_day` (`2026-11-22`) and later, or both.
///
/// The groups stand as the API wants them: days with the latest first, others with the most
/// expensive first, then the one with the most tokens. All together is the sum of the groups: by
/// job, calls without a job are in neither; by session, calls without a session are a group with
/// an empty key.
pub fn summary(
    conn: &Connection,
    by: GroupBy,
    session: Option<&SessionId>,
    since_day: Option<&str>,
) -> StoreResult<(Spent, Vec<UsageGroup>)> {
    let (key, order) = match by {
        GroupBy::Day => ("c.day", "key DESC"),
        GroupBy::Session => ("coalesce(c.session_id, '')", MOST_EXPENSIVE_FIRST),
        GroupBy::Model => ("c.model", MOST_EXPENSIVE_FIRST),
        GroupBy::Job => ("c.job_id", MOST_EXPENSIVE_FIRST),
    };
    let calls = calls(by, session.is_some(), since_day.is_some());
    let filter = params![session.map(SessionId::as_str), since_day];
    let total = conn
        .prepare_cached(&format!("SELECT {SUMS} {calls}"))?
        .query_row(filter, |row| Ok(spent_of_row(row)))??;
    // A session that is deleted, or has no name yet, is shown by its key.
    let groups = format!(
        "SELECT g.*, coalesce(nullif(s.title, ''), g.key) AS label
         FROM (SELECT {key} AS key, {SUMS} {calls} GROUP BY {key}) g
         LEFT JOIN sessions s ON {} AND s.id = g.key
         ORDER BY {order}",
        i32::from(by == GroupBy::Session)
    );
    let groups = all(conn.prepare_cached(&groups)?.query(filter)?, |row| {
        Ok(UsageGroup {
            key: row.get("key")?,
            label: row.get("label")?,
            spent: spent_of_row(row)?,
        })
    })?;
    Ok((total, groups))
}

const MOST_EXPENSIVE_FIRST: &str =
    "g.cost_microusd DESC, g.input_tokens + g.output_tokens DESC, g.key";

/// Where the calls come from. Only the conditions that hold are written, so that the indexes serve;
/// both parameters are named all the same, because both are given.
fn calls(by: GroupBy, of_session: bool, since: bool) -> String {
    let of_session = if of_session {
        "c.session_id = ?1"
    } else {
        "?1 IS NULL"
    };
    let since = if since { "c.day >= ?2" } else { "?2 IS NULL" };
    let job = match by {
        GroupBy::Job => " AND c.job_id IS NOT NULL",
        GroupBy::Day | GroupBy::Session | GroupBy::Model => "",
    };
    format!("FROM model_calls c WHERE {of_session} AND {since}{job}")
}

/// Input and output tokens of a day (`2026-11-22`, UTC), and its price as far as it is known, in
/// millionths of a US dollar. Costs the same however many calls there were.
pub fn spent_on(conn: &Connection, day: &str) -> StoreResult<(u64, u64)> {
    let sql = "SELECT tokens, cost_microusd FROM spent_by_day WHERE day = ?1";
    tokens_and_cost(conn, sql, day)
}

/// Input and output tokens of a session, and its price as far as it is known, in millionths of a
/// US dollar. Costs the same however many calls there were.
pub fn spent_in(conn: &Connection, session: &SessionId) -> StoreResult<(u64, u64)> {
    let sql = "SELECT tokens, cost_microusd FROM spent_by_session WHERE session_id = ?1";
    tokens_and_cost(conn, sql, session.as_str())
}

fn tokens_and_cost(conn: &Connection, sql: &str, key: &str) -> StoreResult<(u64, u64)> {
    let spent = first(conn.prepare_cached(sql)?.query([key])?, |row| {
        Ok((row.get("tokens")?, row.get("cost_microusd")?))
    })?;
    Ok(spent.unwrap_or_default())
}

fn spent_of_row(row: &Row<'_>) -> StoreResult<Spent> {
    Ok(Spent {
        usage: usage_of_row(row)?,
        cost_microusd: row.get("cost_microusd")?,
        unpriced_calls: row.get("unpriced_calls")?,
        estimated_calls: row.get("estimated_calls")?,
        failed_calls: row.get("failed_calls")?,
        first_token_ms: row.get("first_token_ms")?,
        latency_ms: row.get("latency_ms")?,
    })
}

/// The numbers of a row, whose columns have the names of the fields.
pub(super) fn usage_of_row(row: &Row<'_>) -> StoreResult<Usage> {
    Ok(Usage {
        input_tokens: row.get("input_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        cache_write_tokens: row.get("cache_write_tokens")?,
        output_tokens: row.get("output_tokens")?,
        reasoning_tokens: row.get("reasoning_tokens")?,
        model_calls: row.get("model_calls")?,
    })
}

#[cfg(test)]
mod tests;
