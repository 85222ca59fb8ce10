//! The wire format of OpenAI chat completions: chunks of a stream, whole answers, error objects.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A fixed moment: answers must not differ from run to run.
const CREATED: u64 = 1_700_000_000;

/// What is the same in every chunk of one answer.
pub(super) struct Wire {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) include_usage: bool,
    head: String,
    tail: String,
}

impl Wire {
    pub(super) fn new(n: usize, model: String, include_usage: bool) -> Self {
        let id = format!("chatcmpl-test{n}");
        let mut head = format!(
            r#"{{"id":"{id}","object":"chat.completion.chunk","created":{CREATED},"model":{},"system_fingerprint":"fp_test","choices":[{{"index":0,"delta":"#,
            Value::from(model.as_str())
        );
        head.insert_str(0, "data: ");
        let usage = if include_usage {
            r#","usage":null"#
        } else {
            ""
        };
        Self {
            id,
            model,
            include_usage,
            head,
            tail: format!(r#","logprobs":null,"finish_reason":null}}]{usage}}}"#),
        }
    }

    /// Appends one event whose delta is `delta`.
    pub(super) fn chunk(&self, out: &mut String, delta: &Value) {
        out.push_str(&self.head);
        write!(out, "{delta}").expect("a string takes everything");
        out.push_str(&self.tail);
        out.push_str("\n\n");
    }

    /// Appends one content event without building a value: the path of a hundred thousand tokens.
    pub(super) fn content(&self, out: &mut String, json_text: &str) {
        out.push_str(&self.head);
        out.push_str(r#"{"content":"#);
        out.push_str(json_text);
        out.push('}');
        out.push_str(&self.tail);
        out.push_str("\n\n");
    }

    /// Appends the event with the finish reason.
    pub(super) fn finish(&self, out: &mut String, reason: &str) {
        let start = out.len();
        self.chunk(out, &json!({}));
        let event = out.split_off(start).replace(
            r#""finish_reason":null"#,
            &format!(r#""finish_reason":"{reason}""#),
        );
        out.push_str(&event);
    }

    /// Appends the event with the usage.
    pub(super) fn usage(&self, out: &mut String, usage: &Value) {
        let event = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_test",
            "choices": [],
            "usage": usage,
        });
        write!(out, "data: {event}\n\n").expect("a string takes everything");
    }

    /// A whole answer, for a request without `stream`.
    pub(super) fn whole(&self, message: &Value, finish_reason: &str, usage: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_test",
            "choices": [{
                "index": 0,
                "message": message,
                "logprobs": null,
                "finish_reason": finish_reason,
            }],
            "usage": usage,
        })
    }
}

/// The usage object.
pub(super) fn usage(prompt: u64, completion: u64, cached: u64) -> Value {
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

/// The list of models.
pub(super) fn models(ids: &[String]) -> Value {
    let data: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "test"}))
        .collect();
    json!({"object": "list", "data": data})
}

/// The error object OpenAI sends with a status.
pub(super) fn error(status: u16) -> Value {
    let (kind, code, message) = match status {
        401 => (
            "invalid_request_error",
            Some("invalid_api_key"),
            "Incorrect API key provided: test.",
        ),
        403 => (
            "invalid_request_error",
            Some("unsupported_country_region_territory"),
            "Country, region, or territory not supported.",
        ),
        404 => (
            "invalid_request_error",
            Some("model_not_found"),
            "The model does not exist or you do not have access to it.",
        ),
        429 => (
            "requests",
            Some("rate_limit_exceeded"),
            "Rate limit reached for requests.",
        ),
        500.. => (
            "server_error",
            None,
            "The server had an error while processing your request.",
        ),
        _ => ("invalid_request_error", None, "Invalid request."),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
