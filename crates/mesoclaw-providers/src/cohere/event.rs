//! One event of an answer, and what it says. Only the fields in use are read.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;

use crate::deltas::{self, last_words};
use crate::dialect::{Fault, Reader, Taken};

/// An event of a stream, told by its type, or a whole answer, which has none.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    index: Option<u32>,
    delta: Option<Delta>,
    /// A whole answer's message, or the sentence of an error.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    finish_reason: Option<String>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Delta {
    message: Option<Message>,
    finish_reason: Option<String>,
    usage: Option<WireUsage>,
    error: Option<String>,
}

/// Whether this is an event of a kind that says nothing here. Only asked of what is not an
/// [`Event`]: kinds that came later may look different.
fn is_of_unknown_kind(event: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }
    serde_json::from_slice::<Kind<'_>>(event).is_ok_and(|Kind { kind }| {
        let is_known = matches!(
            kind.as_ref(),
            "message-start"
                | "content-start"
                | "content-delta"
                | "tool-plan-delta"
                | "tool-call-start"
                | "tool-call-delta"
                | "message-end"
        );
        !is_known
    })
}

/// An event has one content or one call where a whole answer has a list of them.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: OneOrMany<Content>,
    tool_plan: Option<String>,
    #[serde(default)]
    tool_calls: OneOrMany<Call>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct WireUsage {
    tokens: Option<Tokens>,
    billed_units: Option<Tokens>,
    cached_tokens: Option<f64>,
}

/// Cohere counts in numbers that need not be whole.
#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
}

impl WireUsage {
    fn usage(&self) -> Usage {
        let tokens = self.tokens.as_ref().or(self.billed_units.as_ref());
        Usage {
            input_tokens: whole(tokens.and_then(|tokens| tokens.input_tokens)),
            cached_tokens: whole(self.cached_tokens),
            output_tokens: whole(tokens.and_then(|tokens| tokens.output_tokens)),
            model_calls: 1,
            ..Usage::default()
        }
    }
}

fn whole(count: Option<f64>) -> u64 {
    let text = format!("{:.0}", count.unwrap_or(0.0));
    text.parse().unwrap_or(0)
}

enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

/// Reads without the copy that an untagged enum would make of every token.
struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany::Many)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(OneOrMany::default())
    }
}

impl<T> OneOrMany<T> {
    fn into_iter(self) -> impl Iterator<Item = T> {
        let (one, many) = match self {
            Self::One(one) => (Some(one), Vec::new()),
            Self::Many(many) => (None, many),
        };
        one.into_iter().chain(many)
    }
}

/// What was said so far that later events depend on.
#[derive(Default)]
pub(super) struct Answer {
    n_calls: u32,
    stop: Option<StopReason>,
    usage: Option<Usage>,
}

impl Reader for Answer {
    fn take(&mut self, event: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault> {
        match serde_json::from_slice::<Event<'_>>(event) {
            Ok(event) => self.take_event(event, out)?,
            Err(_) if is_of_unknown_kind(event) => {}
            Err(failure) => return Err(Fault::NotUnderstood(failure.to_string())),
        }
        Ok(if self.stop.is_some() {
            Taken::Last
        } else {
            Taken::More
        })
    }

    fn is_finished(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        last_words(self.usage.take(), self.stop, self.n_calls > 0, out);
    }
}

impl Answer {
    /// Appends what the event says to `out`.
    fn take_event(
        &mut self,
        event: Event<'_>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Fault> {
        match event.kind.as_ref() {
            "content-start" | "content-delta" | "tool-plan-delta" => {
                if let Some(message) = event.delta.and_then(|delta| delta.message) {
                    say(message.tool_plan, message.content, out);
                }
            }
            "tool-call-start" | "tool-call-delta" => {
                let message = event.delta.and_then(|delta| delta.message);
                for call in message.into_iter().flat_map(|it| it.tool_calls.into_iter()) {
                    self.take_call(event.index, event.kind == "tool-call-start", call, out);
                }
            }
            "message-end" => match event.delta {
                Some(delta) => self.take_end(delta.finish_reason, delta.usage, delta.error)?,
                None => self.take_end(None, None, None)?,
            },
            "" => self.take_whole(event, out)?,
            _ => {}
        }
        Ok(())
    }

    fn take_call(
        &mut self,
        index: Option<u32>,
        is_start: bool,
        call: Call,
        out: &mut VecDeque<ModelDelta>,
    ) {
        let last = self.n_calls.saturating_sub(1);
        let index = index.unwrap_or(if is_start { self.n_calls } else { last });
        self.n_calls += u32::from(is_start);
        let (name, arguments) = match call.function {
            Some(function) => (function.name, function.arguments),
            None => (None, None),
        };
        out.push_back(ModelDelta::ToolCall {
            index,
            id: call.id.unwrap_or_default(),
            name: name.unwrap_or_default(),
            arguments: arguments.unwrap_or_default(),
        });
    }

    fn take_whole(
        &mut self,
        event: Event<'_>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<(), Fault> {
        let Some(message) = event.message.map(RawValue::get) else {
            return Ok(());
        };
        if let Ok(text) = serde_json::from_str::<String>(message) {
            return Err(Fault::Reported(json!({"error": {"message": text}})));
        }
        let message: Message = serde_json::from_str(message)
            .map_err(|failure| Fault::NotUnderstood(failure.to_string()))?;
        say(message.tool_plan, message.content, out);
        for call in message.tool_calls.into_iter() {
            self.take_call(None, true, call, out);
        }
        self.take_end(event.finish_reason, event.usage, None)
    }

    fn take_end(
        &mut self,
        reason: Option<String>,
        usage: Option<WireUsage>,
        error: Option<String>,
    ) -> Result<(), Fault> {
        self.usage = usage.map(|usage| usage.usage()).or(self.usage.take());
        let reason = reason.unwrap_or_default();
        self.stop = Some(match reason.as_str() {
            "MAX_TOKENS" | "ERROR_LIMIT" => StopReason::Length,
            "TOOL_CALL" => StopReason::ToolCalls,
            "ERROR_TOXIC" => StopReason::Filtered,
            "ERROR" => {
                return Err(Fault::Reported(
                    json!({"error": {"type": reason, "message": error}}),
                ));
            }
            "TIMEOUT" => {
                return Err(Fault::Reported(
                    json!({"error": {"code": 504, "type": reason, "message": error}}),
                ));
            }
            _ => StopReason::End,
        });
        Ok(())
    }
}

fn say(plan: Option<String>, content: OneOrMany<Content>, out: &mut VecDeque<ModelDelta>) {
    deltas::say(plan, ModelDelta::Reasoning, out);
    for content in content.into_iter() {
        deltas::say(content.thinking, ModelDelta::Reasoning, out);
        deltas::say(content.text, ModelDelta::Text, out);
    }
}

#[cfg(test)]
mod tests;
