//! How a question ended: exit code, word, error, and the one object of `--json`.

use mesoclaw_api::item::TurnLimit;
use mesoclaw_api::{ApiError, ErrorCode, TurnOutcome};
use serde_json::json;

use crate::cli::RunArgs;
use crate::cmd::usage;
use crate::exit::{FAILED, of_outcome};
use crate::run::audience::Ending;
use crate::run::pipe::refused;
use crate::run::render::Renderer;
use crate::run::setup;
use crate::run::stops::Stop;

/// What helps when a budget is used up.
const BUDGET_HINT: &str = "`mesoclaw usage` shows what was used; `mesoclaw config set KEY VALUE` \
                           changes the limit (budget_daily_usd, budget_daily_tokens, \
                           budget_session_usd, budget_session_tokens)";

/// What was found out, for the one object of `--json`.
pub(super) struct Report {
    /// How the turn ended.
    pub ending: Ending,
    /// Where.
    pub session_id: Option<String>,
    /// What to say of it; `None` when it went well.
    pub error: Option<ApiError>,
    /// The exit code.
    pub exit_code: u8,
    /// What the turn used and cost, where a price is known.
    pub footer: Option<usage::Footer>,
}

/// How it went: exit code, word and error.
///
/// `rule` is what denied the first call that was denied, as far as it is known.
pub(super) fn report(
    ending: Ending,
    session_id: Option<String>,
    args: &RunArgs,
    rule: Option<&str>,
) -> Report {
    let is_complete = ending.outcome == Some(TurnOutcome::Completed);
    let exit_code = match (&ending.stop, &ending.outcome) {
        (Some(stop), _) if !is_complete => stop.exit_code(),
        (_, Some(outcome)) => of_outcome(outcome, ending.was_denied()),
        (_, None) => FAILED,
    };
    let error = if is_complete && ending.was_denied() {
        Some(refused::error(&ending.refusals, rule))
    } else if is_complete {
        None
    } else {
        Some(error_of(&ending, session_id.as_deref(), args))
    };
    Report {
        ending,
        session_id,
        error,
        exit_code,
        footer: None,
    }
}

fn error_of(ending: &Ending, session_id: Option<&str>, args: &RunArgs) -> ApiError {
    let go_on = session_id.map_or_else(
        || "try again".to_owned(),
        |id| format!("`mesoclaw chat -s {id}`, then /continue, goes on"),
    );
    let error = match (ending.stop, &ending.outcome) {
        (Some(Stop::Timeout), _) => ApiError::new(
            ErrorCode::Timeout,
            format!(
                "there was no complete answer within {} s",
                args.timeout.unwrap_or_default()
            ),
        ),
        (None, Some(TurnOutcome::Cancelled)) if ending.turn_id.is_none() => {
            return ApiError::new(
                ErrorCode::Cancelled,
                "somebody took the message back before it was answered",
            );
        }
        (Some(Stop::Interrupt | Stop::Terminate), _) | (None, Some(TurnOutcome::Cancelled)) => {
            ApiError::new(ErrorCode::Cancelled, "the answer was stopped")
        }
        (
            None,
            Some(TurnOutcome::LimitReached {
                limit: TurnLimit::Budget,
                message,
            }),
        ) => {
            return ApiError::new(ErrorCode::LimitReached, message.clone()).with_hint(BUDGET_HINT);
        }
        (None, Some(TurnOutcome::LimitReached { message, .. })) => {
            ApiError::new(ErrorCode::LimitReached, message.clone())
        }
        (
            None,
            Some(TurnOutcome::Failed {
                error_code,
                message,
                hint,
            }),
        ) => {
            return setup::with_commands(ApiError {
                code: *error_code,
                message: message.clone(),
                hint: hint.clone(),
            });
        }
        (None, Some(TurnOutcome::Interrupted | TurnOutcome::Completed) | None) => ApiError::new(
            ErrorCode::Internal,
            "the daemon ended in the middle of the answer",
        ),
    };
    error.with_hint(go_on)
}

/// The word for the end.
pub(super) fn status(report: &Report) -> &'static str {
    match (&report.ending.outcome, report.ending.stop) {
        (Some(TurnOutcome::Completed), _) => TurnOutcome::Completed.status(),
        (_, Some(stop)) => stop.status(),
        (Some(outcome), None) => outcome.status(),
        (None, None) => "failed",
    }
}

/// The one object of `--json`.
pub(super) fn one_object(report: &Report, renderer: &Renderer) -> serde_json::Value {
    let mut object = json!({
        "response": renderer.answer(),
        "session_id": report.session_id,
        "turn_id": report.ending.turn_id,
        "model": renderer.model(),
        "usage": report.ending.usage,
        "outcome": status(report),
    });
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    if let Some(footer) = &report.footer {
        fields.insert("cost".to_owned(), json!(footer));
    }
    if let Some(error) = &report.error {
        fields.insert("error".to_owned(), json!(error));
    }
    object
}

#[cfg(test)]
mod tests;
