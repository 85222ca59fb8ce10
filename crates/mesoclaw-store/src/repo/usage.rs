//! Tokens and model calls, summed up.

use mesoclaw_api::ops::usage::{ModelUsage, UsageSummary};
use mesoclaw_api::{SessionId, Timestamp, Usage};
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::all;

/// What turns used, by model, the one with the most tokens first: all turns, or those of one
/// session, or those that began at `since` or later. A deleted session is no longer counted.
pub fn summary(
    conn: &Connection,
    session: Option<&SessionId>,
    since: Option<&Timestamp>,
) -> StoreResult<UsageSummary> {
    let mut statement = conn.prepare_cached(
        "SELECT model,
                sum(input_tokens) AS input_tokens, sum(cached_tokens) AS cached_tokens,
                sum(output_tokens) AS output_tokens, sum(model_calls) AS model_calls
         FROM turns
         WHERE (?1 IS NULL OR session_id = ?1) AND (?2 IS NULL OR started_at >= ?2)
         GROUP BY model
         ORDER BY sum(input_tokens) + sum(output_tokens) DESC, model",
    )?;
    let rows = statement.query(params![
        session.map(SessionId::as_str),
        since.map(Timestamp::as_str)
    ])?;
    let by_model = all(rows, |row| {
        Ok(ModelUsage {
            model: row.get("model")?,
            usage: usage_of_row(row)?,
        })
    })?;
    let mut total = Usage::default();
    for model in &by_model {
        total.add(&model.usage);
    }
    Ok(UsageSummary { total, by_model })
}

/// The four numbers of a row, whose columns have the names of the fields.
pub(super) fn usage_of_row(row: &Row<'_>) -> StoreResult<Usage> {
    Ok(Usage {
        input_tokens: row.get("input_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        output_tokens: row.get("output_tokens")?,
        model_calls: row.get("model_calls")?,
    })
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::TurnOutcome;

    use super::*;
    use crate::repo::tests::{a_session, a_turn, at, database_with_session, finish, used};
    use crate::repo::{session, turn};

    #[test]
    fn turns_are_summed_up_by_model() {
        let conn = database_with_session();
        session::insert(&conn, &a_session("other", "other", 1)).unwrap();
        for (id, session, model, started, n) in [
            ("1", "s", "small", 10, 1),
            ("2", "s", "large", 20, 5),
            ("3", "other", "small", 30, 2),
        ] {
            turn::insert(&conn, &a_turn(id, session, model, started)).unwrap();
            finish(&conn, id, &TurnOutcome::Completed, &used(n));
        }
        let sum = |numbers: &[u64]| {
            let mut total = Usage::default();
            for n in numbers {
                total.add(&used(*n));
            }
            total
        };
        let model = |model: &str, numbers: &[u64]| ModelUsage {
            model: model.into(),
            usage: sum(numbers),
        };
        let cases = [
            (
                None,
                None,
                &[1, 2, 5][..],
                vec![model("large", &[5]), model("small", &[1, 2])],
            ),
            (
                Some("s"),
                None,
                &[1, 5],
                vec![model("large", &[5]), model("small", &[1])],
            ),
            (
                None,
                Some(20),
                &[2, 5],
                vec![model("large", &[5]), model("small", &[2])],
            ),
            (Some("s"), Some(30), &[], vec![]),
            (Some("none"), None, &[], vec![]),
        ];
        for (session, since, total, by_model) in cases {
            let expected = UsageSummary {
                total: sum(total),
                by_model,
            };
            let session = session.map(SessionId::from);
            let since = since.map(at);
            let got = summary(&conn, session.as_ref(), since.as_ref()).unwrap();
            assert_eq!(got, expected);
        }
    }
}
