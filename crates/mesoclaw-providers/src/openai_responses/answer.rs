//! What the events of an answer say. An event is parsed once and its text moved, not copied.

use std::collections::VecDeque;

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use serde_json::Value;

use super::event::{Event, Item, Output, Response, WireUsage, reported, said, unknown};
use crate::deltas::{last_words, piece};
use crate::dialect::{Fault, Reader, Taken};

/// What was said so far that later events depend on.
#[derive(Default)]
pub(super) struct Answer {
    /// Why it is over, once the server says so.
    stop: Option<StopReason>,
    usage: Option<Usage>,
    /// The calls, in order.
    calls: Vec<Call>,
    /// Whether a piece of text, reasoning or a call was given.
    has_begun: bool,
}

struct Call {
    /// Number of its item among all items of the output.
    item: u32,
    has_arguments: bool,
}

impl Reader for Answer {
    fn take(&mut self, data: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault> {
        // Not in this protocol, but compatible servers end like that.
        if data == b"[DONE]" {
            return Ok(Taken::Last);
        }
        let event = match serde_json::from_slice::<Event<'_>>(data) {
            Ok(event) => event,
            Err(failure) => return unknown(data, &failure),
        };
        match &*event.kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                self.push(out, event.delta, ModelDelta::Text);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.push(out, event.delta, ModelDelta::Reasoning);
            }
            // The parts of a summary are paragraphs.
            "response.reasoning_summary_part.added" if event.summary_index > 0 => {
                self.push(out, Some("\n\n".to_owned()), ModelDelta::Reasoning);
            }
            "response.function_call_arguments.delta" => {
                self.add_arguments(out, event.output_index, event.delta);
            }
            "response.function_call_arguments.done" => {
                self.end_call(out, event.output_index, event.arguments);
            }
            "response.output_item.added" => self.begin_item(out, event.output_index, event.item),
            "response.output_item.done" => self.end_item(out, event.output_index, event.item),
            "response.completed" | "response.incomplete" | "response.failed" => {
                return self.end(data, event.response, out);
            }
            "error" => return Err(Fault::Reported(reported(&said(event)))),
            "" => return self.take_whole(data, &event.error, out),
            _ => {}
        }
        Ok(Taken::More)
    }

    fn is_finished(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<ModelDelta>) {
        last_words(self.usage.take(), self.stop, !self.calls.is_empty(), out);
    }
}

impl Answer {
    fn push(
        &mut self,
        out: &mut VecDeque<ModelDelta>,
        text: Option<String>,
        make: fn(String) -> ModelDelta,
    ) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.has_begun = true;
            out.push_back(make(text));
        }
    }

    fn begin_item(&mut self, out: &mut VecDeque<ModelDelta>, index: u32, item: Option<Item<'_>>) {
        let Some(item) = item.filter(|item| item.kind == "function_call") else {
            return;
        };
        out.push_back(piece(
            self.calls.len(),
            item.call_id,
            item.name,
            String::new(),
        ));
        self.has_begun = true;
        self.calls.push(Call {
            item: index,
            has_arguments: false,
        });
        // Empty by the protocol: the pieces follow.
        self.add_arguments(out, index, text_of(item.arguments));
    }

    /// The end of an item says everything once more; new is only what was not said before.
    fn end_item(&mut self, out: &mut VecDeque<ModelDelta>, index: u32, item: Option<Item<'_>>) {
        let Some(mut item) = item.filter(|item| item.kind == "function_call") else {
            return;
        };
        let arguments = text_of(std::mem::take(&mut item.arguments));
        if !self.calls.iter().any(|call| call.item == index) {
            self.begin_item(out, index, Some(item));
        }
        self.end_call(out, index, arguments);
    }

    fn end_call(&mut self, out: &mut VecDeque<ModelDelta>, index: u32, arguments: Option<String>) {
        let is_new = |call: &Call| call.item == index && !call.has_arguments;
        if self.calls.iter().any(is_new) {
            self.add_arguments(out, index, arguments);
        }
    }

    fn add_arguments(
        &mut self,
        out: &mut VecDeque<ModelDelta>,
        index: u32,
        arguments: Option<String>,
    ) {
        let Some(arguments) = arguments.filter(|text| !text.is_empty()) else {
            return;
        };
        let calls = self.calls.iter_mut().enumerate();
        if let Some((at, call)) = calls.rev().find(|(_, call)| call.item == index) {
            call.has_arguments = true;
            out.push_back(piece(at, String::new(), String::new(), arguments));
        }
    }

    fn end(
        &mut self,
        data: &[u8],
        response: Option<Response<'_>>,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<Taken, Fault> {
        let Some(response) = response else {
            let what = "a response ends without itself";
            return Err(Fault::NotUnderstood(what.to_owned()));
        };
        if response.status == "failed" || !response.error.is_null() {
            return Err(Fault::Reported(reported(&response.error)));
        }
        if !self.has_begun {
            self.take_output(data, out)?;
        }
        let reason = response
            .incomplete_details
            .and_then(|details| details.reason);
        self.stop = Some(match reason.as_deref() {
            Some("content_filter") => StopReason::Filtered,
            Some(_) => StopReason::Length,
            None if response.status == "incomplete" => StopReason::Length,
            None => StopReason::End,
        });
        self.usage = response.usage.map(usage);
        Ok(Taken::Last)
    }

    fn take_output(&mut self, data: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<(), Fault> {
        let outer: Output<'_> = serde_json::from_slice(data)
            .map_err(|failure| Fault::NotUnderstood(failure.to_string()))?;
        let output = match outer.response {
            Some(inner) => inner.output,
            None => outer.output,
        };
        for (index, item) in (0..).zip(output) {
            self.take_item(index, item, out);
        }
        Ok(())
    }

    fn take_item(&mut self, index: u32, item: Item<'_>, out: &mut VecDeque<ModelDelta>) {
        match &*item.kind {
            "function_call" => self.end_item(out, index, Some(item)),
            "message" => {
                for part in item.content.into_iter().flatten() {
                    self.push(out, part.text.or(part.refusal), ModelDelta::Text);
                }
            }
            "reasoning" => {
                let parts = item.summary.into_iter().chain(item.content).flatten();
                for part in parts {
                    if matches!(&*part.kind, "summary_text" | "reasoning_text") {
                        self.push(out, part.text, ModelDelta::Reasoning);
                    }
                }
            }
            _ => {}
        }
    }

    /// An answer that is not a stream: the response itself, or an error object.
    fn take_whole(
        &mut self,
        data: &[u8],
        error: &Value,
        out: &mut VecDeque<ModelDelta>,
    ) -> Result<Taken, Fault> {
        if !error.is_null() {
            return Err(Fault::Reported(reported(error)));
        }
        match serde_json::from_slice::<Response<'_>>(data) {
            Ok(response) if !response.status.is_empty() => self.end(data, Some(response), out),
            Ok(_) => Err(Fault::NotUnderstood("it has no type".to_owned())),
            Err(failure) => Err(Fault::NotUnderstood(failure.to_string())),
        }
    }
}

/// Text, by the protocol; some servers send the object itself.
fn text_of(arguments: Value) -> Option<String> {
    match arguments {
        Value::Null => None,
        Value::String(text) => Some(text),
        arguments => Some(arguments.to_string()),
    }
}

fn usage(usage: WireUsage) -> Usage {
    let input = usage.input_tokens_details.unwrap_or_default();
    let output = usage.output_tokens_details.unwrap_or_default();
    Usage {
        input_tokens: usage.input_tokens,
        cached_tokens: input.cached_tokens.unwrap_or(0),
        output_tokens: usage.output_tokens,
        reasoning_tokens: output.reasoning_tokens.unwrap_or(0),
        cache_write_tokens: input.cache_write_tokens.unwrap_or(0),
        model_calls: 1,
    }
}

#[cfg(test)]
mod tests;
