//! The wire format of the Gemini API: chunks of a stream, whole answers, error objects.
//!
//! Read for it on 2026-11-22: <https://ai.google.dev/api> and
//! <https://ai.google.dev/gemini-api/docs/troubleshooting> (no date), the maker's client library
//! `google-genai` 3.4.0 of 2026-11-16 (`types.py`), googleapis/googleapis
//! `google/ai/generativelanguage/v1beta` at commits 130b113 and bc7e3ba. A wrong key is a 400 with
//! the reason `API_KEY_INVALID`, as recorded on 2026-10-03, and no key at all a 403.

use serde_json::{Value, json};

use super::super::answer::{Answer, Part, Totals, Usage};
use super::super::script::CallScript;
use super::{
    Asked, CONTEXT_TOKENS, CallDelta, Extra, SIGNATURE, TOO_MANY_TOKENS, Wire, arguments, comment,
    data, quoted,
};

/// Writes `GenerateContentResponse`s.
pub(super) struct Gemini {
    model: String,
    id: String,
    has_reasoned: bool,
    signature: Option<String>,
    tail: String,
}

impl Gemini {
    pub(super) fn new(asked: &Asked) -> Self {
        let id = format!("test{}", asked.n);
        let tail = tail(&asked.model, &id, 10);
        Self {
            model: asked.model.clone(),
            id,
            has_reasoned: false,
            signature: None,
            tail,
        }
    }

    /// Appends a chunk with parts given as JSON text.
    fn chunk(&self, out: &mut String, parts: &[&str]) {
        out.push_str(r#"data: {"candidates":[{"content":{"parts":["#);
        for part in parts {
            out.push_str(part);
        }
        out.push_str(&self.tail);
        out.push_str("\n\n");
    }

    /// The signature that the next call or the last part has to carry, once.
    fn take_signature(&mut self) -> Option<String> {
        let is_due = std::mem::take(&mut self.has_reasoned);
        let default = is_due.then(|| SIGNATURE.to_owned());
        self.signature.take().or(default)
    }

    fn call_part(&mut self, call: &CallScript) -> Value {
        let mut function = json!({"name": call.name, "args": arguments(call)});
        if !call.id.is_empty() {
            function["id"] = call.id.as_str().into();
        }
        let mut part = json!({"functionCall": function});
        if let Some(signature) = self.take_signature() {
            part["thoughtSignature"] = signature.into();
        }
        part
    }

    fn response(&self, parts: &[Value], totals: &Totals) -> Value {
        json!({
            "candidates": [{
                "content": {"parts": parts, "role": "model"},
                "finishReason": totals.finish("STOP", "STOP"),
                "index": 0,
            }],
            "usageMetadata": usage_object(totals.usage()),
            "modelVersion": self.model,
            "responseId": self.id,
        })
    }
}

impl Wire for Gemini {
    fn has_whole_calls(&self) -> bool {
        true
    }

    fn start(&mut self, _out: &mut String, usage: Usage) {
        self.tail = tail(&self.model, &self.id, usage.prompt);
    }

    fn text(&mut self, out: &mut String, json: &str) {
        self.chunk(out, &[r#"{"text":"#, json, "}"]);
    }

    fn reasoning(&mut self, out: &mut String, json: &str) {
        self.has_reasoned = true;
        self.chunk(out, &[r#"{"text":"#, json, r#","thought":true}"#]);
    }

    fn signature(&mut self, _out: &mut String, text: &str) {
        self.signature = Some(text.to_owned());
    }

    /// All calls are parts of one chunk; the first of them carries the signature.
    fn calls(&mut self, out: &mut String, calls: &[CallScript]) {
        let parts: Vec<_> = calls
            .iter()
            .map(|call| self.call_part(call).to_string())
            .collect();
        self.chunk(out, &[&parts.join(",")]);
    }

    fn call_delta(&mut self, _out: &mut String, _delta: &CallDelta<'_>) {}

    fn finish(&mut self, out: &mut String, totals: &Totals) {
        let mut part = json!({"text": ""});
        if let Some(signature) = self.take_signature() {
            part["thoughtSignature"] = signature.into();
        }
        data(out, self.response(&[part], totals));
    }

    fn fail(&mut self, out: &mut String, status: u16) {
        data(out, error(status, None));
    }

    fn extra(&mut self, out: &mut String, extra: Extra) {
        match extra {
            Extra::KeepAlive => comment(out),
            Extra::UnknownEvent => self.chunk(out, &[r#"{"futurePart":{"x":1}}"#]),
            Extra::BadJson => out.push_str("data: {\"candidates\": [{]}\n\n"),
        }
    }

    fn whole(&mut self, answer: &Answer) -> Value {
        let mut parts = Vec::new();
        for part in &answer.parts {
            match part {
                Part::Text(text) | Part::Plan(text) => parts.push(json!({"text": text})),
                Part::Reasoning(text) => {
                    self.has_reasoned = true;
                    parts.push(json!({"text": text, "thought": true}));
                }
                Part::Signature(text) => self.signature = Some(text.clone()),
                Part::Call(call) => parts.push(self.call_part(call)),
            }
        }
        if let Some(signature) = self.take_signature() {
            match parts.last_mut() {
                Some(last) if last["thought"] != true => {
                    last["thoughtSignature"] = signature.into();
                }
                _ => parts.push(json!({"text": "", "thoughtSignature": signature})),
            }
        }
        self.response(&parts, &answer.totals)
    }
}

/// What follows the parts of a chunk that is not the last.
fn tail(model: &str, id: &str, prompt: u64) -> String {
    let model = quoted(model);
    format!(
        r#"],"role":"model"}},"index":0}}],"usageMetadata":{{"promptTokenCount":{prompt},"totalTokenCount":{prompt}}},"modelVersion":{model},"responseId":"{id}"}}"#
    )
}

/// What was thought is no part of `candidatesTokenCount` here.
fn usage_object(usage: Usage) -> Value {
    let said = usage.completion.saturating_sub(usage.reasoning);
    let mut object = json!({
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": said,
        "totalTokenCount": usage.prompt + said + usage.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}],
    });
    if usage.cached > 0 {
        object["cachedContentTokenCount"] = usage.cached.into();
    }
    if usage.reasoning > 0 {
        object["thoughtsTokenCount"] = usage.reasoning.into();
    }
    object
}

/// The list of models.
pub(super) fn models(ids: &[String], context_tokens: u64) -> Value {
    let models: Vec<_> = ids
        .iter()
        .map(|id| {
            json!({
                "name": format!("models/{id}"),
                "version": "001",
                "displayName": id,
                "description": "A scripted model.",
                "inputTokenLimit": context_tokens,
                "outputTokenLimit": 2048,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            })
        })
        .collect();
    json!({"models": models})
}

/// The error object Gemini sends with a status. The wait is among the details, in seconds.
pub(super) fn error(status: u16, retry_after: Option<&str>) -> Value {
    let (name, message) = match status {
        401 => (
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        ),
        403 => (
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). \
             Please use API Key or other form of API consumer identity to call this API.",
        ),
        404 => (
            "NOT_FOUND",
            "models/test-model is not found for API version v1beta, or is not supported for \
             generateContent.",
        ),
        408 | 504 => (
            "DEADLINE_EXCEEDED",
            "Deadline expired before operation could complete.",
        ),
        429 => (
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        500 => ("INTERNAL", "An internal error has occurred."),
        501.. => (
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        ),
        _ => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    };
    let mut error = object(status, name, message);
    if let Some(wait) = retry_after {
        error["error"]["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{wait}s"),
        }]);
    }
    error
}

/// The answer to a wrong key, with its status.
pub(super) fn wrong_key() -> (u16, Value) {
    let message = "API key not valid. Please pass a valid API key.";
    let mut error = refused(message);
    error["error"]["details"] = json!([
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        },
        {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": message,
        },
    ]);
    (400, error)
}

/// The error object for a request that Gemini does not take.
pub(super) fn refused(message: &str) -> Value {
    object(400, "INVALID_ARGUMENT", message)
}

/// The error object for a prompt that is too long.
pub(super) fn context_length() -> Value {
    refused(&format!(
        "The input token count ({TOO_MANY_TOKENS}) exceeds the maximum number of tokens allowed \
         ({CONTEXT_TOKENS})."
    ))
}

fn object(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status}})
}
