//! The wire format of Cohere's chat v2: events of a stream, whole answers, error objects.
//!
//! Read for it on 2026-11-22: <https://docs.cohere.com/v2/docs/streaming>,
//! <https://docs.cohere.com/v2/docs/tool-use-streaming> (no date), the maker's client library
//! `cohere` 7.3.1 of November 2026 (types of the events and of usage).

use serde_json::{Value, json};

use super::super::answer::{Answer, Part, Totals, Usage};
use super::super::script::CallScript;
use super::{
    Asked, CONTEXT_TOKENS, CallDelta, Extra, TOO_MANY_TOKENS, Wire, comment, event, function_calls,
};

/// Writes chat v2.
pub(super) struct Cohere {
    id: String,
    n_contents: usize,
    open: Option<&'static str>,
    n_calls: usize,
    open_calls: Vec<(u32, usize)>,
    head: String,
}

impl Cohere {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            id: format!("test{}", asked.n),
            n_contents: 0,
            open: None,
            n_calls: 0,
            open_calls: Vec::new(),
            head: String::new(),
        }
    }

    fn content(&mut self, out: &mut String, kind: &'static str, json: &str) {
        if self.open != Some(kind) {
            self.close(out);
            let index = self.n_contents;
            self.n_contents += 1;
            self.open = Some(kind);
            let message = json!({"content": {"type": kind, kind: ""}});
            send(out, "content-start", Some(index), &message);
            let head = format!(
                r#"{{"type":"content-delta","index":{index},"delta":{{"message":{{"content":{{"{kind}":"#
            );
            self.head = format!("event: content-delta\ndata: {head}");
        }
        out.push_str(&self.head);
        out.push_str(json);
        out.push_str("}}}}\n\n");
    }

    fn close(&mut self, out: &mut String) {
        if self.open.take().is_some() {
            let index = self.n_contents - 1;
            let name = "content-end";
            event(out, name, json!({"type": name, "index": index}));
        }
        for (_, index) in self.open_calls.drain(..) {
            let name = "tool-call-end";
            event(out, name, json!({"type": name, "index": index}));
        }
    }

    fn start_call(&mut self, out: &mut String, call: u32, id: &str, name: &str) -> usize {
        let index = self.n_calls;
        self.n_calls += 1;
        self.open_calls.push((call, index));
        let call = json!({
            "id": id, "type": "function", "function": {"name": name, "arguments": ""},
        });
        let message = json!({"tool_calls": call});
        send(out, "tool-call-start", Some(index), &message);
        index
    }
}

fn send(out: &mut String, name: &str, index: Option<usize>, message: &Value) {
    let mut data = json!({"type": name, "delta": {"message": message}});
    if let Some(index) = index {
        data["index"] = index.into();
    }
    event(out, name, data);
}

fn call_piece(out: &mut String, index: usize, arguments: &str) {
    let message = json!({"tool_calls": {"function": {"arguments": arguments}}});
    send(out, "tool-call-delta", Some(index), &message);
}

impl Wire for Cohere {
    fn start(&mut self, out: &mut String, _usage: Usage) {
        let message = json!({
            "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [],
            "citations": [],
        });
        let name = "message-start";
        let start = json!({"id": self.id, "type": name, "delta": {"message": message}});
        event(out, name, start);
    }

    fn text(&mut self, out: &mut String, json: &str) {
        self.content(out, "text", json);
    }

    fn plan(&mut self, out: &mut String, json: &str) {
        self.close(out);
        event(
            out,
            "tool-plan-delta",
            format_args!(
                r#"{{"type":"tool-plan-delta","delta":{{"message":{{"tool_plan":{json}}}}}}}"#
            ),
        );
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        self.content(out, "thinking", json);
    }

    fn signature(&mut self, _out: &mut String, _text: &str) {}

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        for call in calls {
            self.close(out);
            let index = self.start_call(out, call.index, &call.id, &call.name);
            for piece in &call.arguments {
                call_piece(out, index, piece);
            }
        }
        self.close(out);
    }

    fn call_delta(&mut self, out: &mut String, delta: &CallDelta<'_>) {
        let known = self
            .open_calls
            .iter()
            .find(|(call, _)| *call == delta.index);
        let index = known.map(|(_, index)| *index);
        let index = index.unwrap_or_else(|| {
            let (id, name) = (delta.id.unwrap_or_default(), delta.name.unwrap_or_default());
            self.start_call(out, delta.index, id, name)
        });
        if let Some(arguments) = delta.arguments.filter(|text| !text.is_empty()) {
            call_piece(out, index, arguments);
        }
    }

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        self.close(out);
        let name = "message-end";
        let delta = json!({
            "finish_reason": totals.finish("COMPLETE", "TOOL_CALL"),
            "usage": usage_object(totals.usage()),
        });
        event(out, name, json!({"type": name, "delta": delta}));
    }

    fn fail(&mut self, out: &mut String, status: u16) {
        self.close(out);
        let name = "message-end";
        let text = error(status)["message"].take();
        let delta = json!({"finish_reason": "ERROR", "error": text});
        event(out, name, json!({"type": name, "delta": delta}));
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => comment(out),
            Extra::UnknownEvent => event(
                out,
                "future-event",
                r#"{"type":"future-event","index":0,"delta":{}}"#,
            ),
            Extra::BadJson => event(
                out,
                "content-delta",
                r#"{"type":"content-delta","delta":[}"#,
            ),
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let content: Vec<_> = answer
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(json!({"type": "text", "text": text})),
                Part::Reasoning(text) => Some(json!({"type": "thinking", "thinking": text})),
                Part::Plan(_) | Part::Signature(_) | Part::Call(_) => None,
            })
            .collect();
        let mut message = json!({"role": "assistant"});
        if !content.is_empty() {
            message["content"] = content.into();
        }
        let plan = answer.plan();
        if !plan.is_empty() {
            message["tool_plan"] = plan.into();
        }
        let calls = function_calls(answer.calls());
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        json!({
            "id": self.id,
            "finish_reason": answer.totals.finish("COMPLETE", "TOOL_CALL"),
            "message": message,
            "usage": usage_object(answer.totals.usage()),
        })
    }
}

/// What is billed leaves out the template around the prompt: two tokens in this script.
fn usage_object(usage: Usage) -> Value {
    let mut object = json!({
        "billed_units": {
            "input_tokens": usage.prompt.saturating_sub(2),
            "output_tokens": usage.completion,
        },
        "tokens": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
    });
    if usage.cached > 0 {
        object["cached_tokens"] = usage.cached.into();
    }
    object
}

/// The list of models.
pub(super) fn models(ids: &[String], context_tokens: u64) -> Value {
    let models: Vec<_> = ids
        .iter()
        .map(|id| {
            json!({
                "name": id,
                "endpoints": ["chat"],
                "finetuned": false,
                "context_length": context_tokens,
                "tokenizer_url": "",
                "default_endpoints": [],
                "features": ["chat-completions", "tools"],
            })
        })
        .collect();
    json!({"models": models, "next_page_token": null})
}

/// The error object Cohere sends with a status.
pub(super) fn error(status: u16) -> Value {
    refused(match status {
        401 => "invalid api token",
        403 => "please use an API key with access to this model",
        404 => "model 'test-model' not found, make sure the correct model ID was used",
        408 | 504 => "request timed out",
        429 => "You are using a Trial key, which is limited to 10 API calls / minute.",
        500.. => "internal server error",
        _ => "invalid request",
    })
}

/// The error object for a request that Cohere does not take.
pub(super) fn refused(message: &str) -> Value {
    json!({"message": message})
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    refused(&format!(
        "too many tokens: total number of tokens in the prompt cannot exceed {CONTEXT_TOKENS} - \
         received {TOO_MANY_TOKENS}. Try using a shorter prompt, or enabling prompt truncating."
    ))
}
