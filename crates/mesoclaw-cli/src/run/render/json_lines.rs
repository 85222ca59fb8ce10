//! The lines of `--stream-json` between the first and the last.

use mesoclaw_api::Usage;
use serde_json::{Value, json};

use crate::run::view::Show;

/// One line for one thing.
pub(super) fn show(show: &Show, out: &mut Vec<u8>) {
    let line = match show {
        Show::Text(text) => json!({"type": "text", "text": text}),
        Show::NewPart => json!({"type": "text", "text": "\n"}),
        Show::Reasoning(text) => json!({"type": "reasoning", "text": text}),
        Show::ToolCall {
            call_id,
            tool,
            args,
        } => json!({"type": "tool_call", "call_id": call_id, "tool": tool, "args": args}),
        Show::ToolResult {
            call_id,
            tool,
            output,
            success,
            duration_ms,
            diff,
            outside,
        } => json!({
            "type": "tool_result",
            "call_id": call_id,
            "tool": tool,
            "output": output,
            "success": success,
            "duration_ms": duration_ms,
            "diff": diff,
            "outside": outside,
        }),
        Show::Approval(approval) => json!({
            "type": "approval",
            "approval_id": approval.id,
            "call_id": approval.call_id,
            "tool": approval.tool,
            "args": approval.args,
            "risk": approval.risk,
            "reason": approval.reason,
            "rule": approval.rule,
            "decision": null,
        }),
        Show::Decided {
            approval_id,
            decision,
            by,
        } => json!({
            "type": "approval",
            "approval_id": approval_id,
            "decision": decision,
            "by": by,
        }),
        Show::Notice(text) | Show::Note(text) => json!({"type": "notice", "text": text}),
        Show::ModelChanged { model, reason } => {
            json!({"type": "model_changed", "model": model, "reason": reason})
        }
        Show::Finished { usage, .. } => usage_line(*usage),
        Show::Model(_) | Show::User(_) => return,
    };
    push_json(out, &line);
}

fn usage_line(usage: Usage) -> Value {
    json!({
        "type": "usage",
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "model_calls": usage.model_calls,
    })
}

/// Adds a value as a line.
pub(super) fn push_json(out: &mut Vec<u8>, value: &Value) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}
