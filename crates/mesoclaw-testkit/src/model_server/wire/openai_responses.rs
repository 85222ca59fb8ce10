//! The wire format of OpenAI Responses: named events with a sequence number, whole answers.
//!
//! Read for it on 2026-11-22: the maker's client library `openai` 3.54.0 of November 2026
//! (`types/responses`, generated from its API description),
//! <https://developers.openai.com/docs/guides/streaming-responses> (no date); the fields of
//! `response` and the order of events as streams recorded in September 2025 have them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::answer::{Answer, Part, Totals, Usage};
use super::super::script::CallScript;
use super::response_item::{Item, Kind, output_text, summary_text};
use super::{Asked, CREATED, CallDelta, Extra, SIGNATURE, Wire, comment, event, quoted};

/// Writes Responses.
pub(super) struct OpenAiResponses {
    n: usize,
    model: String,
    wants_signature: bool,
    sequence: u64,
    items: Vec<Item>,
}

impl OpenAiResponses {
    pub(super) fn new(asked: &Asked) -> Self {
        let include = asked.body["include"].as_array();
        Self {
            n: asked.n,
            model: asked.model.clone(),
            wants_signature: include
                .is_some_and(|all| all.iter().any(|one| one == "reasoning.encrypted_content")),
            sequence: 0,
            items: Vec::new(),
        }
    }

    fn event(&mut self, out: &mut String, name: &str, fields: &str) {
        let n = self.sequence;
        self.sequence += 1;
        event(
            out,
            name,
            format_args!(r#"{{"type":"{name}","sequence_number":{n},{fields}}}"#),
        );
    }

    /// The response object around its output, as JSON text.
    fn response(&self, status: &str, output: &str, more: Value) -> String {
        let mut object = json!({
            "id": format!("resp_test{}", self.n),
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": null,
            "max_output_tokens": null,
            "model": self.model,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "reasoning": {"effort": null, "summary": null},
            "store": false,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": null,
            "metadata": {},
        });
        if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
            object.extend(more);
        }
        let mut text = object.to_string();
        text.pop();
        write!(text, r#","output":[{output}]}}"#).expect("a string takes everything");
        text
    }

    fn output(&self) -> String {
        let all: Vec<_> = self.items.iter().map(|item| item.json(true)).collect();
        all.join(",")
    }

    /// Opens an item and gives its index.
    fn open(&mut self, out: &mut String, kind: Kind, call: (u32, String, String)) -> usize {
        let index = self.items.len();
        let mut item = Item::new(kind, self.n, index, call);
        if kind == Kind::Reasoning && self.wants_signature {
            item.signature = Some(SIGNATURE.to_owned());
        }
        let fields = format!(r#""output_index":{index},"item":{}"#, item.json(false));
        let id = item.id.clone();
        self.items.push(item);
        self.event(out, "response.output_item.added", &fields);
        let place = format!(r#""item_id":"{id}","output_index":{index}"#);
        match kind {
            Kind::Message => self.event(
                out,
                "response.content_part.added",
                &format!(r#"{place},"content_index":0,"part":{}"#, output_text("")),
            ),
            Kind::Reasoning => self.event(
                out,
                "response.reasoning_summary_part.added",
                &format!(r#"{place},"summary_index":0,"part":{}"#, summary_text("")),
            ),
            Kind::Call => {}
        }
        index
    }

    /// The open item of a kind that deltas go to; everything else that is open is closed first.
    fn current(&mut self, out: &mut String, kind: Kind) -> usize {
        match self.items.last() {
            Some(item) if item.is_open && item.kind == kind => self.items.len() - 1,
            _ => {
                self.close_all(out);
                self.open(out, kind, (0, String::new(), String::new()))
            }
        }
    }

    fn delta(&mut self, out: &mut String, index: usize, json: &str) {
        let Some(item) = self.items.get_mut(index) else {
            return;
        };
        item.text
            .push_str(json.get(1..json.len() - 1).unwrap_or_default());
        out.push_str(&item.head);
        write!(out, "{}", self.sequence).expect("a string takes everything");
        self.sequence += 1;
        out.push_str(&item.middle);
        out.push_str(json);
        out.push_str("}\n\n");
    }

    fn close_all(&mut self, out: &mut String) {
        for index in 0..self.items.len() {
            self.close(out, index);
        }
    }

    fn close(&mut self, out: &mut String, index: usize) {
        let Some(item) = self.items.get_mut(index).filter(|item| item.is_open) else {
            return;
        };
        item.is_open = false;
        let (kind, text) = (item.kind, item.text.clone());
        let place = format!(r#""item_id":"{}","output_index":{index}"#, item.id);
        let done = format!(r#""output_index":{index},"item":{}"#, item.json(true));
        match kind {
            Kind::Message => {
                let place = format!(r#"{place},"content_index":0"#);
                self.event(
                    out,
                    "response.output_text.done",
                    &format!(r#"{place},"text":"{text}","logprobs":[]"#),
                );
                self.event(
                    out,
                    "response.content_part.done",
                    &format!(r#"{place},"part":{}"#, output_text(&text)),
                );
            }
            Kind::Reasoning => {
                let place = format!(r#"{place},"summary_index":0"#);
                self.event(
                    out,
                    "response.reasoning_summary_text.done",
                    &format!(r#"{place},"text":"{text}""#),
                );
                self.event(
                    out,
                    "response.reasoning_summary_part.done",
                    &format!(r#"{place},"part":{}"#, summary_text(&text)),
                );
            }
            Kind::Call => self.event(
                out,
                "response.function_call_arguments.done",
                &format!(r#"{place},"arguments":"{text}""#),
            ),
        }
        self.event(out, "response.output_item.done", &done);
    }

    /// The end of an answer: the name of its event and the response as JSON text.
    fn ended(&self, totals: &Totals) -> (&'static str, String) {
        let reason = totals.finish("completed", "completed");
        let usage = usage_object(totals.usage());
        if matches!(reason, "max_output_tokens" | "content_filter") {
            let more = json!({"usage": usage, "incomplete_details": {"reason": reason}});
            let response = self.response("incomplete", &self.output(), more);
            return ("response.incomplete", response);
        }
        let response = self.response("completed", &self.output(), json!({"usage": usage}));
        ("response.completed", response)
    }
}

impl Wire for OpenAiResponses {
    fn start(&mut self, out: &mut String, _usage: Usage) {
        let response = format!(
            r#""response":{}"#,
            self.response("in_progress", "", json!({}))
        );
        self.event(out, "response.created", &response);
        self.event(out, "response.in_progress", &response);
    }

    fn text(&mut self, out: &mut String, json: &str) {
        let index = self.current(out, Kind::Message);
        self.delta(out, index, json);
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        let index = self.current(out, Kind::Reasoning);
        self.delta(out, index, json);
    }

    fn signature(&mut self, _out: &mut String, text: &str) {
        let last = self.items.last_mut();
        if let Some(item) = last.filter(|item| item.kind == Kind::Reasoning) {
            item.signature = Some(text.to_owned());
        }
    }

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        for call in calls {
            self.close_all(out);
            let names = (call.index, call.id.clone(), call.name.clone());
            let index = self.open(out, Kind::Call, names);
            for piece in &call.arguments {
                self.delta(out, index, &quoted(piece));
            }
            self.close(out, index);
        }
    }

    fn call_delta(&mut self, out: &mut String, delta: &CallDelta<'_>) {
        let known = self.items.iter().rposition(|item| {
            item.is_open && item.kind == Kind::Call && item.call.0 == delta.index
        });
        let index = known.unwrap_or_else(|| {
            let id = delta.id.unwrap_or_default().to_owned();
            let name = delta.name.unwrap_or_default().to_owned();
            self.open(out, Kind::Call, (delta.index, id, name))
        });
        if let Some(arguments) = delta.arguments.filter(|text| !text.is_empty()) {
            self.delta(out, index, &quoted(arguments));
        }
    }

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        self.close_all(out);
        let (name, response) = self.ended(totals);
        self.event(out, name, &format!(r#""response":{response}"#));
    }

    fn fail(&mut self, out: &mut String, status: u16) {
        let code = match status {
            429 => "rate_limit_exceeded",
            400..500 => "invalid_prompt",
            _ => "server_error",
        };
        let message = "The server had an error while processing your request.";
        let fields = json!({"code": code, "message": message, "param": null}).to_string();
        let fields = fields.trim_matches(['{', '}']).to_owned();
        self.event(out, "error", &fields);
        let more = json!({"error": {"code": code, "message": message}});
        let response = self.response("failed", &self.output(), more);
        self.event(out, "response.failed", &format!(r#""response":{response}"#));
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => comment(out),
            Extra::UnknownEvent => self.event(out, "response.future.delta", r#""delta":"x""#),
            Extra::BadJson => {
                let name = "response.output_text.delta";
                event(
                    out,
                    name,
                    r#"{"type":"response.output_text.delta","delta":[}"#,
                );
            }
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let mut unseen = String::new();
        for part in &answer.parts {
            match part {
                Part::Text(text) | Part::Plan(text) => self.text(&mut unseen, &quoted(text)),
                Part::Reasoning(text) => self.reasoning(&mut unseen, &quoted(text)),
                Part::Signature(text) => self.signature(&mut unseen, text),
                Part::Call(call) => self.calls(&mut unseen, std::slice::from_ref(call)),
            }
        }
        let (_, response) = self.ended(&answer.totals);
        serde_json::from_str(&response).expect("a response is JSON")
    }
}

fn usage_object(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    })
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    super::openai_chat::refused(
        "Your input exceeds the context window of this model. Please adjust your input and try \
         again.",
        Some("input"),
        Some("context_length_exceeded"),
    )
}
