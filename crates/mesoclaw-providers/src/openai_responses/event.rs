//! The events of an answer as they are written. Only the fields in use are read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::{Fault, Taken};

/// An event of the stream, or a whole response, which has no type.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) delta: Option<String>,
    #[serde(default)]
    pub(super) output_index: u32,
    #[serde(default)]
    pub(super) summary_index: u32,
    #[serde(default)]
    pub(super) arguments: Option<String>,
    #[serde(borrow, default)]
    pub(super) item: Option<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) response: Option<Response<'a>>,
    #[serde(default)]
    pub(super) code: Value,
    #[serde(default)]
    pub(super) message: Value,
    #[serde(default)]
    pub(super) error: Value,
}

/// What is left of an event that is not of the known form.
#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
}

/// A response at its end. What it says in `output` was said before, as a rule.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow, default)]
    pub(super) status: Cow<'a, str>,
    #[serde(default)]
    pub(super) incomplete_details: Option<IncompleteDetails>,
    #[serde(default)]
    pub(super) usage: Option<WireUsage>,
    #[serde(default)]
    pub(super) error: Value,
}

/// The output of a response, or of the response inside an event.
#[derive(Deserialize)]
pub(super) struct Output<'a> {
    #[serde(borrow, default)]
    pub(super) output: Vec<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) response: Option<Box<Output<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct IncompleteDetails {
    #[serde(default)]
    pub(super) reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) call_id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: Value,
    #[serde(borrow, default)]
    pub(super) content: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    pub(super) summary: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct Part<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    pub(super) input_tokens: u64,
    #[serde(default)]
    pub(super) input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    pub(super) output_tokens: u64,
    #[serde(default)]
    pub(super) output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
pub(super) struct InputDetails {
    #[serde(default)]
    pub(super) cached_tokens: Option<u64>,
    #[serde(default)]
    pub(super) cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
pub(super) struct OutputDetails {
    #[serde(default)]
    pub(super) reasoning_tokens: Option<u64>,
}

/// An event of a kind that is not known may have any form.
pub(super) fn unknown(data: &[u8], failure: &serde_json::Error) -> Result<Taken, Fault> {
    match serde_json::from_slice::<Kind<'_>>(data) {
        Ok(event) if !is_known(&event.kind) => Ok(Taken::More),
        _ => Err(Fault::NotUnderstood(failure.to_string())),
    }
}

fn is_known(kind: &str) -> bool {
    matches!(
        kind,
        "" | "error"
            | "response.completed"
            | "response.failed"
            | "response.function_call_arguments.delta"
            | "response.function_call_arguments.done"
            | "response.incomplete"
            | "response.output_item.added"
            | "response.output_item.done"
            | "response.output_text.delta"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta"
            | "response.refusal.delta"
    )
}

/// The error of an error event, which has it inside or is it itself.
pub(super) fn said(event: Event<'_>) -> Value {
    match event.error {
        Value::Null => json!({"code": event.code, "message": event.message}),
        error => error,
    }
}

/// The error with the status it would have had if the stream had not begun.
pub(super) fn reported(error: &Value) -> Value {
    let word = [&error["code"], &error["type"]]
        .into_iter()
        .find_map(Value::as_str)
        .unwrap_or_default();
    let status = match word {
        _ if error["code"].is_u64() => error["code"].clone(),
        "invalid_api_key" => 401.into(),
        "insufficient_quota" => 429.into(),
        "vector_store_timeout" => 504.into(),
        _ if word.starts_with("rate_limit") => 429.into(),
        _ if word.starts_with("invalid_") || word.contains("image") => 400.into(),
        _ => 500.into(),
    };
    json!({"error": {"type": word, "code": status, "message": error["message"]}})
}
