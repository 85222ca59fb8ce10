//! The wire formats: what each maker sends, and what is the same for all of them.

mod anthropic;
mod azure;
mod cohere;
mod gemini;
mod kind;
mod local;
mod ollama;
mod openai_chat;
mod openai_responses;
mod response_item;

use std::fmt::{Display, Write as _};

use serde_json::Value;

pub use kind::{Stop, WireKind};
pub(super) use local::probe;
pub(super) use ollama::show as ollama_show;

use super::answer::{Answer, Totals, Usage};
use super::script::CallScript;

/// A fixed moment: answers must not differ from run to run.
const CREATED: u64 = 1_700_000_000;

/// The same moment as text.
const CREATED_TEXT: &str = "2023-11-14T22:13:20Z";

/// What an answer signs its reasoning with when the script does not say.
const SIGNATURE: &str = "c2lnbmVkIGJ5IHRoZSB0ZXN0";

/// Longest prompt of a scripted model, where an error has to name it.
const CONTEXT_TOKENS: u64 = 8192;

/// Tokens of a prompt that is too long.
const TOO_MANY_TOKENS: u64 = 10_000;

/// The request an answer belongs to.
#[derive(Clone, Default, Debug)]
pub(super) struct Asked {
    /// Number of the request.
    pub(super) n: usize,
    pub(super) model: String,
    pub(super) body: Value,
}

/// A raw piece of a tool call.
pub(super) struct CallDelta<'a> {
    pub(super) index: u32,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) arguments: Option<&'a str>,
}

/// Things in a stream that are no part of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extra {
    KeepAlive,
    UnknownEvent,
    BadJson,
}

/// Writes an answer as one maker does. Each function appends whole events.
pub(super) trait Wire: Send {
    /// The media type of the stream.
    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// Whether arguments of calls are objects, so that a call can only be sent whole.
    fn has_whole_calls(&self) -> bool {
        false
    }

    /// What comes before any content; may be nothing. The prompt's part of the usage is known by
    /// then.
    fn start(&mut self, out: &mut String, usage: Usage);

    /// Text of the answer, given as a JSON string: the path of a million tokens.
    fn text(&mut self, out: &mut String, json: &str);

    /// What the model plans before its calls; text where a maker knows no plans.
    fn plan(&mut self, out: &mut String, json: &str) {
        self.text(out, json);
    }

    /// Reasoning, given as a JSON string.
    fn reasoning(&mut self, out: &mut String, json: &str);

    /// The signature of the reasoning before it; nothing where a maker knows none.
    fn signature(&mut self, out: &mut String, text: &str);

    /// Parallel calls.
    fn calls(&mut self, out: &mut String, calls: &[CallScript]);

    /// A raw piece of a call; never called where calls are sent whole.
    fn call_delta(&mut self, out: &mut String, delta: &CallDelta<'_>);

    /// Everything after the content.
    fn finish(&mut self, out: &mut String, totals: &Totals);

    /// An error after the beginning of the stream.
    fn fail(&mut self, out: &mut String, status: u16);

    /// Something that is no part of the answer.
    fn extra(&mut self, out: &mut String, extra: Extra);

    /// The answer in one piece.
    fn whole(&mut self, answer: &Answer) -> Value;
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Appends a server-sent event without a name.
fn data(out: &mut String, data: impl Display) {
    write!(out, "data: {data}\n\n").expect("a string takes everything");
}

/// Appends a server-sent event with a name.
fn event(out: &mut String, name: &str, data: impl Display) {
    write!(out, "event: {name}\ndata: {data}\n\n").expect("a string takes everything");
}

/// The comment that keeps an event stream alive.
fn comment(out: &mut String) {
    out.push_str(": ping\n\n");
}

/// The arguments of a call as a value; text that is not JSON stays text.
fn arguments(call: &CallScript) -> Value {
    let text = call.arguments.concat();
    if text.is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// The calls as OpenAI, and those who follow it, list them in a whole message.
fn function_calls<'a>(calls: impl Iterator<Item = &'a CallScript>) -> Vec<Value> {
    calls
        .map(|call| {
            serde_json::json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments.concat()},
            })
        })
        .collect()
}
