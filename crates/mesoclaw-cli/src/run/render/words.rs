//! What happens in a turn, in words.

use mesoclaw_api::TurnOutcome;
use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::{Approval, Risk};
use serde_json::Value;

use crate::sanitise::one_line;

/// Most characters of a tool's arguments on a line.
const ARGS_SHOWN: usize = 200;

/// How a turn that did not complete ended, for a person in the chat.
pub fn ending_text(outcome: &TurnOutcome) -> Option<String> {
    match outcome {
        TurnOutcome::Completed => None,
        TurnOutcome::Cancelled => Some("(stopped; /continue goes on)".to_owned()),
        TurnOutcome::Interrupted => Some(
            "(interrupted: the daemon ended in the middle of this answer; /continue goes on)"
                .to_owned(),
        ),
        TurnOutcome::LimitReached { message, .. } => {
            Some(format!("({message}; /continue goes on)"))
        }
        TurnOutcome::Failed { message, hint, .. } => {
            let mut text = format!("error: {message}");
            for line in hint.iter().flat_map(|hint| hint.lines()) {
                text.push_str("\n  ");
                text.push_str(line);
            }
            Some(text)
        }
    }
}

/// A call with its arguments, on one line.
pub(super) fn call_text(tool: &str, args: &Value) -> String {
    let args = match args {
        // The usual tool has one argument that says it all: show it without the braces.
        Value::Object(fields) if fields.len() == 1 => {
            fields.values().next().map(plain).unwrap_or_default()
        }
        other => plain(other),
    };
    let args = one_line(&args);
    let mut short: String = args.chars().take(ARGS_SHOWN).collect();
    if short.len() < args.len() {
        short.push_str("...");
    }
    format!("{}: {short}", one_line(tool))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// How a call went.
pub(super) fn result_text(success: bool, duration_ms: Option<u64>) -> String {
    let word = if success { "ok" } else { "failed" };
    match duration_ms {
        Some(ms) => format!("{word} {:.1}s", ms as f64 / 1000.0),
        None => word.to_owned(),
    }
}

/// A request for approval.
pub(super) fn approval_text(approval: &Approval) -> String {
    let risk = match approval.risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    };
    format!(
        "approval needed: {}   risk {risk}\n  {}",
        call_text(&approval.tool, &approval.args),
        one_line(&approval.reason)
    )
}

/// A decision.
pub(super) fn decision_text(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => "denied: nobody answered in time",
    }
}
