//! What happens in a turn, in words.

use mesoclaw_api::item::ApprovalDecision;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{Surface, TurnOutcome};
use serde_json::Value;

use crate::request::risk_word;
use crate::sanitise::{one_line, visible};

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
    let args = one_line(&visible(&args));
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

/// A request for approval, in short.
pub(super) fn approval_text(approval: &Approval) -> String {
    format!(
        "approval needed: {}   risk {}\n  {} ({})",
        call_text(&approval.tool, &approval.args),
        risk_word(approval.risk),
        one_line(&approval.reason),
        one_line(&approval.rule),
    )
}

/// A decision, and who made it.
pub(super) fn decision_text(decision: ApprovalDecision, by: Option<Surface>) -> String {
    let word = match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => return "denied: nobody answered in time".to_owned(),
    };
    match by {
        Some(Surface::Tui) => format!("{word} in the full-screen interface"),
        Some(Surface::Http) => format!("{word} over HTTP"),
        Some(Surface::Cli | Surface::Pipe | Surface::Tool | Surface::Job | Surface::Internal)
        | None => word.to_owned(),
    }
}
