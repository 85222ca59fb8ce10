//! The wire format of OpenAI chat completions: chunks of a stream, whole answers, error objects.
//!
//! Read for it on 2026-11-22: the maker's client library `openai` 3.54.0 of November 2026
//! (`types/chat`, `types/completion_usage`, generated from its API description). The errors are as
//! <https://developers.openai.com/docs/guides/error-codes> (no date) names them; `reasoning_content`
//! is an addition of DeepSeek's that other makers took over.

use serde_json::{Value, json};

use super::super::answer::{Answer, Totals, Usage};
use super::super::script::CallScript;
use super::{
    Asked, CONTEXT_TOKENS, CREATED, CallDelta, Extra, TOO_MANY_TOKENS, Wire, comment, data, event,
    function_calls,
};

/// Writes chat completions; with `is_azure` as Azure does.
pub(super) struct OpenAiChat {
    id: String,
    model: String,
    include_usage: bool,
    is_azure: bool,
    head: String,
    tail: String,
}

impl OpenAiChat {
    pub(super) fn new(asked: &Asked, is_azure: bool) -> Self {
        let id = format!("chatcmpl-test{}", asked.n);
        let head = format!(
            r#"data: {{"id":"{id}","object":"chat.completion.chunk","created":{CREATED},"model":{},"system_fingerprint":"fp_test","choices":[{{"index":0,"delta":"#,
            super::quoted(&asked.model)
        );
        let include_usage = asked.body["stream_options"]["include_usage"] == true;
        let usage = if include_usage {
            r#","usage":null"#
        } else {
            ""
        };
        let filter = if is_azure {
            r#","content_filter_results":{}"#
        } else {
            ""
        };
        Self {
            id,
            model: asked.model.clone(),
            include_usage,
            is_azure,
            head,
            tail: format!(r#","logprobs":null,"finish_reason":null{filter}}}]{usage}}}"#),
        }
    }

    /// Appends one event whose delta is this JSON text.
    fn chunk(&self, out: &mut String, delta: &[&str]) {
        out.push_str(&self.head);
        for piece in delta {
            out.push_str(piece);
        }
        out.push_str(&self.tail);
        out.push_str("\n\n");
    }

    fn usage_chunk(&self, usage: Usage) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_test",
            "choices": [],
            "usage": usage_object(usage),
        })
    }
}

impl Wire for OpenAiChat {
    fn start(&mut self, out: &mut String, _usage: Usage) {
        if self.is_azure {
            data(out, super::azure::first_chunk());
        }
        self.chunk(out, &[r#"{"role":"assistant","content":""}"#]);
    }

    fn text(&mut self, out: &mut String, json: &str) {
        self.chunk(out, &[r#"{"content":"#, json, "}"]);
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        self.chunk(out, &[r#"{"reasoning_content":"#, json, "}"]);
    }

    fn signature(&mut self, _out: &mut String, _text: &str) {}

    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        for call in calls {
            self.call_delta(
                out,
                &CallDelta {
                    index: call.index,
                    id: Some(&call.id),
                    name: Some(&call.name),
                    arguments: Some(""),
                },
            );
        }
        let longest = calls.iter().map(|call| call.arguments.len()).max();
        for n in 0..longest.unwrap_or(0) {
            for call in calls {
                let delta = CallDelta {
                    index: call.index,
                    id: None,
                    name: None,
                    arguments: call.arguments.get(n).map(String::as_str),
                };
                if delta.arguments.is_some() {
                    self.call_delta(out, &delta);
                }
            }
        }
    }

    fn call_delta(&mut self, out: &mut String, delta: &CallDelta<'_>) {
        let mut call = json!({"index": delta.index, "function": {}});
        if let Some(id) = delta.id {
            call["id"] = id.into();
            call["type"] = "function".into();
        }
        if let Some(name) = delta.name {
            call["function"]["name"] = name.into();
        }
        if let Some(arguments) = delta.arguments {
            call["function"]["arguments"] = arguments.into();
        }
        self.chunk(out, &[&json!({"tool_calls": [call]}).to_string()]);
    }

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        let start = out.len();
        self.chunk(out, &["{}"]);
        let reason = super::quoted(totals.finish("stop", "tool_calls"));
        let event = out.split_off(start).replace(
            r#""finish_reason":null"#,
            &format!(r#""finish_reason":{reason}"#),
        );
        out.push_str(&event);
        if self.include_usage {
            data(out, self.usage_chunk(totals.usage()));
        }
        out.push_str("data: [DONE]\n\n");
    }

    fn fail(&mut self, out: &mut String, status: u16) {
        data(out, error(status));
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => comment(out),
            Extra::UnknownEvent => event(
                out,
                "future.event",
                r#"{"object":"future.event","choices":[]}"#,
            ),
            Extra::BadJson => out.push_str("data: {\"id\": \"chatcmpl\", \"choices\": [{]}\n\n"),
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let mut message = json!({
            "role": "assistant",
            "content": answer.plan() + &answer.text(),
            "refusal": null,
        });
        let reasoning = answer.reasoning();
        if !reasoning.is_empty() {
            message["reasoning_content"] = reasoning.into();
        }
        let calls = function_calls(answer.calls());
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        let mut whole = json!({
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "system_fingerprint": "fp_test",
            "choices": [{
                "index": 0,
                "message": message,
                "logprobs": null,
                "finish_reason": answer.totals.finish("stop", "tool_calls"),
            }],
            "usage": usage_object(answer.totals.usage()),
        });
        if self.is_azure {
            whole["prompt_filter_results"] = super::azure::prompt_filter_results();
            whole["choices"][0]["content_filter_results"] = json!({});
        }
        whole
    }
}

fn usage_object(usage: Usage) -> Value {
    let mut object = json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    });
    if usage.cache_write > 0 {
        object["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_write.into();
    }
    object
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

/// The error object for a request that OpenAI does not take.
pub(super) fn refused(message: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {
        "message": message, "type": "invalid_request_error", "param": param, "code": code,
    }})
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    let message = format!(
        "This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages \
         resulted in {TOO_MANY_TOKENS} tokens. Please reduce the length of the messages."
    );
    refused(&message, Some("messages"), Some("context_length_exceeded"))
}
