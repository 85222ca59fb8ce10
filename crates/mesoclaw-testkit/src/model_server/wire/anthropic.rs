//! The wire format of Anthropic Messages: events of a stream, whole answers, error objects.
//!
//! Read for it on 2026-11-22: <https://platform.claude.com/docs/en/build-with-claude/streaming>
//! (no date, names models of September 2026), the maker's client library `anthropic` 2.12.0 of
//! November 2026 (types of messages, usage, models and errors), and the streams it is tested with
//! (anthropics/anthropic-sdk-python, tests/lib/streaming/fixtures, commits 0c20cf4 and 2cd213f).

use serde_json::{Value, json};

use super::super::answer::{Answer, Part, Totals, Usage};
use super::super::script::CallScript;
use super::{
    Asked, CONTEXT_TOKENS, CREATED_TEXT, CallDelta, Extra, SIGNATURE, TOO_MANY_TOKENS, Wire,
    arguments, event, quoted,
};

/// Writes Messages.
pub(super) struct Anthropic {
    id: String,
    model: String,
    blocks: Vec<Block>,
    /// A delta event of the last block up to its text, so that a token is cheap.
    head: String,
}

struct Block {
    kind: Kind,
    is_open: bool,
    call: u32,
    signature: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    ToolUse,
}

impl Anthropic {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            id: format!("msg_test{}", asked.n),
            model: asked.model.clone(),
            blocks: Vec::new(),
            head: String::new(),
        }
    }

    fn message(&self, content: &Value, stop: &Value, usage: &Value) -> Value {
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": null,
            "usage": usage,
        })
    }

    fn open(&mut self, out: &mut String, kind: Kind, call: u32, block: &Value) {
        let index = self.blocks.len();
        self.blocks.push(Block {
            kind,
            is_open: true,
            call,
            signature: None,
        });
        let name = "content_block_start";
        let start = json!({"type": name, "index": index, "content_block": block});
        event(out, name, start);
        self.head = match kind {
            Kind::Text => delta_head(index, "text_delta", "text"),
            Kind::Thinking => delta_head(index, "thinking_delta", "thinking"),
            Kind::ToolUse => delta_head(index, "input_json_delta", "partial_json"),
        };
    }

    /// Makes sure the last block is open and of this kind.
    fn current(&mut self, out: &mut String, kind: Kind, block: impl Fn() -> Value) {
        let last = self.blocks.last();
        if !last.is_some_and(|block| block.is_open && block.kind == kind) {
            self.close_all(out);
            self.open(out, kind, 0, &block());
        }
    }

    fn delta(&self, out: &mut String, json: &str) {
        out.push_str(&self.head);
        out.push_str(json);
        out.push_str("}}\n\n");
    }

    fn close_all(&mut self, out: &mut String) {
        for (index, block) in self.blocks.iter_mut().enumerate() {
            if !std::mem::take(&mut block.is_open) {
                continue;
            }
            if block.kind == Kind::Thinking {
                let signature = block.signature.as_deref().unwrap_or(SIGNATURE);
                out.push_str(&delta_head(index, "signature_delta", "signature"));
                out.push_str(&quoted(signature));
                out.push_str("}}\n\n");
            }
            let name = "content_block_stop";
            event(out, name, json!({"type": name, "index": index}));
        }
    }
}

fn delta_head(index: usize, kind: &str, field: &str) -> String {
    let head = format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{field}":"#
    );
    format!("event: content_block_delta\ndata: {head}")
}

fn tool_use(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

impl Wire for Anthropic {
    fn start(&mut self, out: &mut String, usage: Usage) {
        let begun = Usage {
            completion: 1,
            reasoning: 0,
            ..usage
        };
        let mut usage = usage_object(begun);
        usage["service_tier"] = "standard".into();
        let message = self.message(&json!([]), &Value::Null, &usage);
        let name = "message_start";
        event(out, name, json!({"type": name, "message": message}));
    }

    fn text(&mut self, out: &mut String, json: &str) {
        self.current(out, Kind::Text, || json!({"type": "text", "text": ""}));
        self.delta(out, json);
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        self.current(
            out,
            Kind::Thinking,
            || json!({"type": "thinking", "thinking": "", "signature": ""}),
        );
        self.delta(out, json);
    }

    fn signature(&mut self, _out: &mut String, text: &str) {
        let last = self.blocks.last_mut();
        if let Some(block) = last.filter(|block| block.kind == Kind::Thinking) {
            block.signature = Some(text.to_owned());
        }
    }

    /// One block after the other: a stream of this maker never has two open at once.
    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        for call in calls {
            self.close_all(out);
            let block = tool_use(&call.id, &call.name, &json!({}));
            self.open(out, Kind::ToolUse, call.index, &block);
            self.delta(out, r#""""#);
            for piece in &call.arguments {
                self.delta(out, &quoted(piece));
            }
        }
        self.close_all(out);
    }

    fn call_delta(&mut self, out: &mut String, delta: &CallDelta<'_>) {
        let known = self.blocks.iter().rposition(|block| {
            block.is_open && block.kind == Kind::ToolUse && block.call == delta.index
        });
        let index = known.unwrap_or_else(|| {
            let (id, name) = (delta.id.unwrap_or_default(), delta.name.unwrap_or_default());
            let block = tool_use(id, name, &json!({}));
            self.open(out, Kind::ToolUse, delta.index, &block);
            self.blocks.len() - 1
        });
        if let Some(arguments) = delta.arguments {
            self.head = delta_head(index, "input_json_delta", "partial_json");
            self.delta(out, &quoted(arguments));
        }
    }

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        self.close_all(out);
        let name = "message_delta";
        let reason = totals.finish("end_turn", "tool_use");
        let end = json!({
            "type": name,
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": usage_object(totals.usage()),
        });
        event(out, name, end);
        event(out, "message_stop", json!({"type": "message_stop"}));
    }

    fn fail(&mut self, out: &mut String, status: u16) {
        event(out, "error", error(status));
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => event(out, "ping", r#"{"type": "ping"}"#),
            Extra::UnknownEvent => event(
                out,
                "future_event",
                r#"{"type":"future_event","index":0,"future":{}}"#,
            ),
            Extra::BadJson => event(
                out,
                "content_block_delta",
                r#"{"type":"content_block_delta","index":[}"#,
            ),
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let mut content: Vec<Value> = Vec::new();
        for part in &answer.parts {
            match part {
                Part::Text(text) | Part::Plan(text) => {
                    content.push(json!({"type": "text", "text": text}));
                }
                Part::Reasoning(text) => content.push(json!({
                    "type": "thinking", "thinking": text, "signature": SIGNATURE,
                })),
                Part::Signature(text) => {
                    if let Some(last) = content.last_mut().filter(|b| b["type"] == "thinking") {
                        last["signature"] = text.as_str().into();
                    }
                }
                Part::Call(call) => {
                    content.push(tool_use(&call.id, &call.name, &arguments(call)));
                }
            }
        }
        let reason = answer.totals.finish("end_turn", "tool_use");
        let mut usage = usage_object(answer.totals.usage());
        usage["service_tier"] = "standard".into();
        self.message(&content.into(), &reason.into(), &usage)
    }
}

/// What is read from a cache or written to one is no part of `input_tokens` here.
fn usage_object(usage: Usage) -> Value {
    let fresh = usage
        .prompt
        .saturating_sub(usage.cached)
        .saturating_sub(usage.cache_write);
    let mut object = json!({
        "input_tokens": fresh,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
    });
    if usage.reasoning > 0 {
        object["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning});
    }
    object
}

/// The list of models.
pub(super) fn models(ids: &[String], context_tokens: u64) -> Value {
    let data: Vec<_> = ids
        .iter()
        .map(|id| {
            json!({
                "type": "model", "id": id, "display_name": id, "created_at": CREATED_TEXT,
                "lifecycle": "active", "max_input_tokens": context_tokens, "max_tokens": 2048,
            })
        })
        .collect();
    json!({"data": data, "has_more": false, "first_id": ids.first(), "last_id": ids.last()})
}

/// The error object Anthropic sends with a status.
pub(super) fn error(status: u16) -> Value {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        402 => ("billing_error", "Your credit balance is too low."),
        403 => (
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
        ),
        404 => ("not_found_error", "model: test-model"),
        408 | 504 => ("timeout_error", "Request timed out"),
        413 => (
            "request_too_large",
            "Request exceeds the maximum allowed number of bytes.",
        ),
        429 => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit.",
        ),
        529 => ("overloaded_error", "Overloaded"),
        500.. => ("api_error", "Internal server error"),
        _ => ("invalid_request_error", "Invalid request."),
    };
    object(kind, message)
}

/// The error object for a request that Anthropic does not take.
pub(super) fn refused(message: &str) -> Value {
    object("invalid_request_error", message)
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    refused(&format!(
        "prompt is too long: {TOO_MANY_TOKENS} tokens > {CONTEXT_TOKENS} maximum"
    ))
}

/// The error object for a missing key.
pub(super) fn no_key() -> Value {
    object("authentication_error", "x-api-key header is required")
}

fn object(kind: &str, message: &str) -> Value {
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_test",
    })
}
