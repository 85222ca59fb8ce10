//! Ollama's own wire format: a JSON object a line, whole answers, error objects, and what it says
//! about its models.
//!
//! Read for it on 2026-11-22: ollama/ollama `docs/api.md` at commit 01e52d2 and
//! `docs/api/errors.mdx` at commit 36bc90b, the maker's client library `ollama` 0.6.3 of September
//! 2026. Only newer servers give calls an `id`: a call with an empty id is sent without one.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::answer::{Answer, Totals, Usage};
use super::super::script::{CallScript, Script};
use super::{Asked, CREATED_TEXT, CallDelta, Extra, Wire, arguments, quoted};

/// Writes the answers of `/api/chat`.
pub(super) struct Ollama {
    model: String,
    head: String,
}

impl Ollama {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            model: asked.model.clone(),
            head: format!(
                r#"{{"model":{},"created_at":"{CREATED_TEXT}","message":{{"role":"assistant","content":"#,
                quoted(&asked.model)
            ),
        }
    }

    fn line(&self, out: &mut String, message: &[&str]) {
        out.push_str(&self.head);
        for piece in message {
            out.push_str(piece);
        }
        out.push_str("},\"done\":false}\n");
    }

    fn done(&self, message: Value, totals: &Totals) -> Value {
        let usage = totals.usage();
        json!({
            "model": self.model,
            "created_at": CREATED_TEXT,
            "message": message,
            "done": true,
            "done_reason": totals.finish("stop", "stop"),
            "total_duration": 4_883_583_458_u64,
            "load_duration": 1_334_875,
            "prompt_eval_count": usage.prompt,
            "prompt_eval_duration": 342_546_000,
            "eval_count": usage.completion,
            "eval_duration": 4_535_599_000_u64,
        })
    }
}

fn tool_calls<'a>(calls: impl Iterator<Item = &'a CallScript>) -> Vec<Value> {
    calls
        .map(|call| {
            let function = json!({
                "index": call.index, "name": call.name, "arguments": arguments(call),
            });
            if call.id.is_empty() {
                json!({"function": function})
            } else {
                json!({"id": call.id, "function": function})
            }
        })
        .collect()
}

impl Wire for Ollama {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn has_whole_calls(&self) -> bool {
        true
    }

    fn start(&mut self, _out: &mut String, _usage: Usage) {}

    fn text(&mut self, out: &mut String, json: &str) {
        self.line(out, &[json]);
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        self.line(out, &[r#""","thinking":"#, json]);
    }

    fn signature(&mut self, _out: &mut String, _text: &str) {}

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        let calls = Value::from(tool_calls(calls.iter())).to_string();
        self.line(out, &[r#""","tool_calls":"#, &calls]);
    }

    fn call_delta(&mut self, _out: &mut String, _delta: &CallDelta<'_>) {}

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        let done = self.done(json!({"role": "assistant", "content": ""}), totals);
        writeln!(out, "{done}").expect("a string takes everything");
    }

    fn fail(&mut self, out: &mut String, _status: u16) {
        let error = refused("an error was encountered while running the model");
        writeln!(out, "{error}").expect("a string takes everything");
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => out.push('\n'),
            Extra::UnknownEvent => {
                let model = quoted(&self.model);
                writeln!(
                    out,
                    r#"{{"model":{model},"future":{{"x":1}},"done":false}}"#
                )
                .expect("a string takes everything");
            }
            Extra::BadJson => out.push_str("{\"model\": [}\n"),
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let content = answer.plan() + &answer.text();
        let mut message = json!({"role": "assistant", "content": content});
        let reasoning = answer.reasoning();
        if !reasoning.is_empty() {
            message["thinking"] = reasoning.into();
        }
        let calls = tool_calls(answer.calls());
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        self.done(message, &answer.totals)
    }
}

fn details() -> Value {
    json!({
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "134.52M",
        "quantization_level": "Q8_0",
    })
}

/// The answer of `GET /api/tags`.
pub(super) fn tags(script: &Script) -> Value {
    let models: Vec<_> = script
        .model_ids()
        .iter()
        .map(|id| {
            json!({
                "name": id,
                "model": id,
                "modified_at": CREATED_TEXT,
                "size": 144_811_456,
                "digest": "0".repeat(64),
                "details": details(),
            })
        })
        .collect();
    json!({"models": models})
}

/// The answer of `POST /api/show` for a model that is there.
pub(in super::super) fn show(script: &Script) -> Value {
    json!({
        "modelfile": "FROM test",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": details(),
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 134_515_008,
            "llama.block_count": 30,
            "llama.context_length": script.context_tokens(),
            "llama.embedding_length": 576,
        },
        "capabilities": script.capabilities(),
        "modified_at": CREATED_TEXT,
    })
}

/// The error object Ollama sends with a status.
pub(super) fn error(status: u16) -> Value {
    refused(match status {
        401 => "unauthorized",
        403 => "ollama cloud is disabled: remote model details are unavailable",
        404 => "model 'test-model' not found",
        408 | 504 => "request timed out",
        429 => "too many requests",
        503 | 529 => "server busy, please try again. maximum pending requests exceeded",
        500.. => "the model failed to generate a response",
        _ => "invalid request",
    })
}

/// The error object for a request that Ollama does not take.
pub(super) fn refused(message: &str) -> Value {
    json!({"error": message})
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    refused("the input length exceeds the context length")
}
