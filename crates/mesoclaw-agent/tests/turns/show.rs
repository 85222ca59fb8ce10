//! Effects as lines of a fixture. What is the same in every effect (session, turn, model, tools)
//! is compared here and not printed.

use std::collections::BTreeMap;

use mesoclaw_agent::model::{ModelMessage, ModelRequest};
use mesoclaw_agent::prompt::untrusted;
use mesoclaw_agent::turn::{Call, Draft, Effect};
use mesoclaw_api::item::{ApprovalDecision, Provenance};
use mesoclaw_api::{CallId, Event as ApiEvent, ItemBody, ItemId, TurnOutcome, Usage};
use serde_json::{Value, json};

use crate::script::Script;
use crate::words::fence_of;

pub fn effects(effects: &[Effect], script: &Script) -> Result<Vec<String>, String> {
    if effects.is_empty() {
        return Ok(vec!["nothing".to_owned()]);
    }
    let mut lines = Vec::new();
    for effect in effects {
        lines.push(match effect {
            Effect::Persist { item_id, body } => {
                format!("persist {} {}", number(item_id)?, entry(body))
            }
            Effect::Emit(event) => format!("emit {} {}", event.kind(), news(event)?)
                .trim_end()
                .to_owned(),
            Effect::GatherContext => "gather context".to_owned(),
            Effect::CallModel(request) => {
                lines.push("call model".to_owned());
                lines.extend(messages(request, script)?);
                continue;
            }
            Effect::AbortModel => "abort model".to_owned(),
            Effect::CheckCall { call, taint } => {
                format!("check {}{}", call_line(call), tainted(taint.as_ref()))
            }
            Effect::RequestApproval { call, reason } => {
                format!("ask {} {}", call_line(call), quote(reason))
            }
            Effect::WithdrawApproval(call_id) => format!("withdraw {call_id}"),
            Effect::RunTool { call, taint } => {
                format!("run {}{}", call_line(call), tainted(taint.as_ref()))
            }
            Effect::AbortTool(call_id) => format!("abort tool {call_id}"),
            Effect::Finish { outcome, usage } => {
                format!("finish {} {}", ending(outcome), used(usage))
            }
        });
    }
    Ok(lines)
}

pub fn draft(draft: Option<Draft>) -> String {
    match draft {
        Some(Draft { item_id, body }) => match number(&item_id) {
            Ok(number) => format!("draft {number} {}", entry(&body)),
            Err(error) => error,
        },
        None => "no draft".to_owned(),
    }
}

fn number(item_id: &ItemId) -> Result<&str, String> {
    item_id
        .as_str()
        .strip_prefix("t.")
        .ok_or_else(|| format!("{item_id} is not of this turn"))
}

fn entry(body: &ItemBody) -> String {
    match body {
        ItemBody::User { text, .. } => format!("user {}", quote(text)),
        ItemBody::Assistant {
            text,
            complete,
            model,
        } => {
            let kind = if *complete { "assistant" } else { "partial" };
            let by = if model == "p:m" {
                String::new()
            } else {
                format!(" by {model}")
            };
            format!("{kind} {}{by}", quote(text))
        }
        ItemBody::Reasoning { text } => format!("reasoning {}", quote(text)),
        ItemBody::ToolCall {
            call_id,
            tool,
            args,
            signature,
        } => {
            let signed = signature.as_ref().map_or(String::new(), |signature| {
                format!(" signed {} by {}", quote(&signature.data), signature.model)
            });
            format!("call {call_id} {tool} {}{signed}", shortened(args))
        }
        ItemBody::ToolResult {
            call_id,
            tool,
            output,
            success,
            duration_ms,
            diff,
            provenance,
        } => {
            let how = if *success { "ok" } else { "error" };
            let time = duration_ms.map_or("not run".to_owned(), |ms| format!("{ms}ms"));
            let diff = diff
                .as_ref()
                .map_or(String::new(), |diff| format!(" diff {}", quote(diff)));
            let source = source(call_id, provenance.as_ref());
            format!(
                "result {call_id} {tool} {how} {time} {}{diff}{source}",
                quote(output)
            )
        }
        ItemBody::Approval {
            approval_id,
            call_id,
            decision,
            ..
        } => format!("approval {approval_id} {call_id} {}", decided(*decision)),
        ItemBody::Notice { text } => format!("notice {}", quote(text)),
        ItemBody::Outcome { outcome, usage } => {
            format!("outcome {} {}", ending(outcome), used(usage))
        }
        ItemBody::System { text } => format!("system {}", quote(text)),
    }
}

fn decided(decision: ApprovalDecision) -> &'static str {
    match decision {
        ApprovalDecision::Approved => "approved",
        ApprovalDecision::Denied => "denied",
        ApprovalDecision::TimedOut => "timed_out",
    }
}

fn source(call_id: &CallId, provenance: Option<&Provenance>) -> String {
    let Some(provenance) = provenance else {
        return String::new();
    };
    if provenance.fence != fence_of(call_id.as_str()) {
        return format!(" with the wrong fence: {provenance:?}");
    }
    let mark = if provenance.taints { "taints" } else { "from" };
    format!(" {mark} {}", quote(&provenance.source))
}

fn news(event: &ApiEvent) -> Result<String, String> {
    let (turn_id, line) = match event {
        ApiEvent::TurnStarted { turn_id, model, .. } => {
            same("p:m", model)?;
            (turn_id, String::new())
        }
        ApiEvent::TextDelta {
            turn_id,
            item_id,
            text,
            ..
        }
        | ApiEvent::ReasoningDelta {
            turn_id,
            item_id,
            text,
            ..
        } => (turn_id, format!("{} {}", number(item_id)?, quote(text))),
        ApiEvent::ToolStarted {
            turn_id,
            call_id,
            tool,
            ..
        } => (turn_id, format!("{call_id} {tool}")),
        ApiEvent::ToolProgress {
            turn_id: Some(turn_id),
            call_id,
            text,
            ..
        } => (turn_id, format!("{call_id} {}", quote(text))),
        ApiEvent::TurnRetrying {
            turn_id,
            attempt,
            after_ms,
            reason,
            ..
        } => (turn_id, format!("{attempt} {after_ms}ms {}", quote(reason))),
        ApiEvent::TurnModelChanged {
            turn_id,
            model,
            reason,
            ..
        } => (turn_id, format!("{model} {}", quote(reason))),
        ApiEvent::TurnFinished {
            turn_id,
            outcome,
            usage,
            ..
        } => (turn_id, format!("{} {}", ending(outcome), used(usage))),
        other => return Err(format!("the machine may not tell {}", other.kind())),
    };
    same("t", turn_id.as_str())?;
    same("s", event.session_id().map_or("", |id| id.as_str()))?;
    Ok(line)
}

fn messages(request: &ModelRequest, script: &Script) -> Result<Vec<String>, String> {
    let setup = script.setup();
    same(setup.session_id.as_str(), &request.cache_key)?;
    if request.params != setup.params || request.tools != script.tools {
        return Err("other parameters or tools than the turn was given".to_owned());
    }
    let mut lines = Vec::new();
    if request.model != setup.provider_model {
        lines.push(format!("  model {}", request.model));
    }
    let mut system = request.system.clone();
    if !script.tools.is_empty() {
        let explained = format!("S\n\n{}", untrusted::explain());
        system = match system.strip_prefix(&explained) {
            Some(rest) => format!("S{rest}"),
            None => return Err("the system text does not explain the marks".to_owned()),
        };
    }
    if system != "S" {
        lines.push(format!("  system {}", quote(&system)));
    }
    for message in &request.messages {
        match message {
            ModelMessage::User { text, .. } => lines.push(format!("  user {}", quote(text))),
            ModelMessage::Assistant { text, calls } => {
                lines.push(format!("  assistant {}", quote(text)));
                lines.extend(calls.iter().map(|call| {
                    let args = shortened(&call.args);
                    let signed = call.signature.as_ref().map_or(String::new(), |signature| {
                        format!(" signed {}", quote(signature))
                    });
                    format!("    call {} {} {args}{signed}", call.call_id, call.tool)
                }));
            }
            ModelMessage::ToolResult {
                call_id,
                tool,
                output,
            } => lines.push(format!("  result {call_id} {tool} {}", quote(output))),
        }
    }
    Ok(lines)
}

fn call_line(call: &Call) -> String {
    format!("{} {} {}", call.call_id, call.tool, shortened(&call.args))
}

fn tainted(taint: Option<&String>) -> String {
    taint.map_or(String::new(), |source| {
        format!(" tainted by {}", quote(source))
    })
}

fn ending(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed | TurnOutcome::Cancelled | TurnOutcome::Interrupted => {
            outcome.status().to_owned()
        }
        TurnOutcome::LimitReached { limit, message } => {
            format!("limit {limit:?} {}", quote(message))
        }
        TurnOutcome::Failed {
            error_code,
            message,
            hint,
        } => {
            let hint = hint
                .as_ref()
                .map_or(String::new(), |hint| format!(" | {}", quote(hint)));
            format!("failed {error_code} {}{hint}", quote(message))
        }
    }
}

fn used(usage: &Usage) -> String {
    format!(
        "(calls={} in={} cached={} out={})",
        usage.model_calls, usage.input_tokens, usage.cached_tokens, usage.output_tokens
    )
}

/// The same arguments with the keys of objects in order: the order in which they are kept depends on
/// what else is built.
fn sorted(args: &Value) -> Value {
    match args {
        Value::Object(object) => {
            let object: BTreeMap<&String, Value> = object
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            json!(object)
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => args.clone(),
    }
}

fn shortened(args: &Value) -> String {
    match args {
        Value::String(text) => quote(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            sorted(args).to_string()
        }
    }
}

/// A JSON string; a long one of one repeated character as `"a" * 1000`.
fn quote(text: &str) -> String {
    let first = text.chars().next().unwrap_or_default();
    if text.len() > 200 && text.chars().all(|c| c == first) {
        let once = Value::from(first.to_string());
        return format!("{once} * {}", text.chars().count());
    }
    Value::from(text).to_string()
}

fn same(expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("`{found}` where `{expected}` belongs"))
    }
}
