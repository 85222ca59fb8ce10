//! What goes into the audit, and how it is worded.

use std::time::Duration;

use mesoclaw_agent::tool::ToolOutput;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::ops::audit::AuditKind;
use mesoclaw_api::{Surface, Timestamp};
use mesoclaw_store::repo::audit::NewEntry;

use crate::keys::Keys;
use crate::tools::judge::{Asked, Judged, Refused};

/// Longest text of an entry, in characters.
const MAX_TEXT_CHARS: usize = 4_000;

/// An entry about a call, with nothing said about it yet.
fn about(asked: &Asked, kind: AuditKind) -> NewEntry {
    NewEntry {
        at: Timestamp::now(),
        kind,
        surface: asked.surface,
        session_id: asked.session_id.clone(),
        turn_id: asked.turn_id.clone(),
        call_id: Some(asked.call_id.clone()),
        tool: Some(asked.tool.clone()),
        text: String::new(),
        digest: None,
        outcome: String::new(),
        rule: None,
        duration_ms: None,
    }
}

/// The policy judged a call.
pub(crate) fn decided(asked: &Asked, judged: Result<&Judged, &Refused>, keys: &Keys) -> NewEntry {
    let entry = about(asked, AuditKind::Decision);
    match judged {
        Ok(judged) => NewEntry {
            text: text(judged.text(), keys),
            digest: Some(judged.decision.digest.clone()),
            outcome: judged.word().to_owned(),
            rule: Some(rule(judged)),
            ..entry
        },
        Err(refused) => NewEntry {
            text: text(format!("{}: {}", asked.tool, refused.reason), keys),
            outcome: "deny".to_owned(),
            rule: Some(refused.rule.to_owned()),
            ..entry
        },
    }
}

/// A call ended.
pub(crate) fn ended(
    asked: &Asked,
    output: &ToolOutput,
    duration: Option<Duration>,
    keys: &Keys,
) -> NewEntry {
    let outcome = if output.success { "ok" } else { "failed" };
    let first = output.output.lines().next().unwrap_or_default();
    NewEntry {
        text: text(first.to_owned(), keys),
        outcome: outcome.to_owned(),
        duration_ms: duration
            .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        ..about(asked, AuditKind::Result)
    }
}

/// Something a person did that is about no call.
pub(crate) fn of_person(
    kind: AuditKind,
    surface: Surface,
    words: String,
    outcome: &str,
    keys: &Keys,
) -> NewEntry {
    NewEntry {
        at: Timestamp::now(),
        kind,
        surface,
        session_id: None,
        turn_id: None,
        call_id: None,
        tool: None,
        text: text(words, keys),
        digest: None,
        outcome: outcome.to_owned(),
        rule: None,
        duration_ms: None,
    }
}

/// A request was taken back, because nobody needs its answer any more.
pub(crate) fn withdrawn(approval: &Approval) -> NewEntry {
    let words: Vec<&str> = approval
        .steps
        .iter()
        .map(|step| step.what.as_str())
        .collect();
    NewEntry {
        at: Timestamp::now(),
        kind: AuditKind::Approval,
        surface: Surface::Internal,
        session_id: approval.session_id.clone(),
        turn_id: approval.turn_id.clone(),
        call_id: Some(approval.call_id.clone()),
        tool: Some(approval.tool.clone()),
        text: words.join("; "),
        digest: Some(approval.digest.clone()),
        outcome: "withdrawn".to_owned(),
        rule: None,
        duration_ms: None,
    }
}

/// The rule that decided, or the grants that did.
fn rule(judged: &Judged) -> String {
    let rule = judged.decision.verdict.rule();
    if judged.decision.grants.is_empty() {
        return rule.to_owned();
    }
    let grants: Vec<&str> = judged
        .decision
        .grants
        .iter()
        .map(mesoclaw_api::GrantId::as_str)
        .collect();
    format!("{rule} (grant {})", grants.join(", "))
}

/// Without secrets, and of bounded length.
fn text(words: String, keys: &Keys) -> String {
    let words = keys.redact(words);
    match words.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{} [cut]", words.get(..end).unwrap_or_default()),
        None => words,
    }
}
