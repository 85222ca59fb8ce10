//! Calls of models: what each used, cost and how long it took. Rows are only added.

use mesoclaw_api::{ErrorCode, SessionId, Surface, Timestamp, TurnId, Usage};
use rusqlite::{Connection, named_params};

use crate::error::StoreResult;
use crate::repo::row::{bounded, to_word};

/// A call that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelCallRow {
    /// The turn it was made for; `None` when it was made for none.
    pub turn_id: Option<TurnId>,
    /// The session; `None` when it was made for none. It still counts when the session is deleted.
    pub session_id: Option<SessionId>,
    /// The scheduled job; `None` when a person asked.
    pub job_id: Option<String>,
    /// Who began it.
    pub surface: Surface,
    /// The provider.
    pub provider_id: String,
    /// `provider:model`.
    pub model: String,
    /// When it began. Its day is the one of this moment in UTC.
    pub started_at: Timestamp,
    /// Milliseconds to the first token; `None` when none came.
    pub first_token_ms: Option<u64>,
    /// Milliseconds to the end.
    pub latency_ms: u64,
    /// Its tokens. `model_calls` is not read: a row is one call.
    pub usage: Usage,
    /// What it cost in millionths of a US dollar; `None` when the price is not known.
    pub cost_microusd: Option<u64>,
    /// Whether the tokens are an estimate.
    pub is_estimated: bool,
    /// Why it failed; `None` when it went well.
    pub error_code: Option<ErrorCode>,
}

/// Adds a call. Numbers above 10^12 are stored as 10^12.
pub fn insert(conn: &Connection, call: &ModelCallRow) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO model_calls
             (turn_id, session_id, job_id, surface, provider_id, model, started_at, day,
              first_token_ms, latency_ms, input_tokens, cached_tokens, cache_write_tokens,
              output_tokens, reasoning_tokens, cost_microusd, is_estimated, error_code)
         VALUES (:turn, :session, :job, :surface, :provider, :model, :started,
                 substr(:started, 1, 10), :first_token,
                 :latency, :input, :cached, :cache_write, :output, :reasoning, :cost,
                 :is_estimated, :error)",
    )?
    .execute(named_params! {
        ":turn": call.turn_id.as_ref().map(TurnId::as_str),
        ":session": call.session_id.as_ref().map(SessionId::as_str),
        ":job": call.job_id,
        ":surface": to_word("a surface", &call.surface)?,
        ":provider": call.provider_id,
        ":model": call.model,
        ":started": call.started_at.as_str(),
        ":first_token": call.first_token_ms.map(bounded),
        ":latency": bounded(call.latency_ms),
        ":input": bounded(call.usage.input_tokens),
        ":cached": bounded(call.usage.cached_tokens),
        ":cache_write": bounded(call.usage.cache_write_tokens),
        ":output": bounded(call.usage.output_tokens),
        ":reasoning": bounded(call.usage.reasoning_tokens),
        ":cost": call.cost_microusd.map(bounded),
        ":is_estimated": call.is_estimated,
        ":error": call.error_code.map(ErrorCode::wire),
    })?;
    Ok(())
}
