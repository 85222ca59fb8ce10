//! One reply as one answer, for a request without `stream`; and what any answer adds up to.

use std::time::Duration;

use serde_json::{Value, json};

use super::script::{CallScript, Reply, Step};
use super::wire::{Wire, usage};

/// What an answer is made of, for `finish_reason` and usage.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) chunks: u64,
    pub(super) has_calls: bool,
    pub(super) usage: Option<Value>,
    pub(super) finish: Option<String>,
}

impl Totals {
    pub(super) fn finish_reason(&self) -> String {
        self.finish.clone().unwrap_or_else(|| {
            if self.has_calls {
                "tool_calls".to_owned()
            } else {
                "stop".to_owned()
            }
        })
    }

    pub(super) fn usage(&self) -> Value {
        self.usage
            .clone()
            .unwrap_or_else(|| usage(10, self.chunks, 0))
    }
}

/// The reply as one answer, for a request without `stream`; `None` when the script cuts it.
pub(super) async fn whole(wire: &Wire, reply: Reply, echo: &str) -> Option<Value> {
    let mut totals = Totals::default();
    let (mut content, mut reasoning) = (String::new(), String::new());
    let mut calls: Vec<Value> = Vec::new();
    for step in reply.steps {
        match step {
            Step::Text(text) => content.push_str(&text),
            Step::Echo => content.push_str(echo),
            Step::Reasoning(text) => reasoning.push_str(&text),
            Step::Tokens { count, text, .. } => {
                let text = text.unwrap_or_else(|| "{n} ".to_owned());
                for n in 0..count {
                    content.push_str(&text.replacen("{n}", &n.to_string(), 1));
                }
                totals.chunks += count;
            }
            Step::ToolCall(call) => calls.push(whole_call(&call)),
            Step::ToolCalls(parallel) => calls.extend(parallel.iter().map(whole_call)),
            Step::Usage {
                prompt_tokens,
                completion_tokens,
                cached_tokens,
            } => totals.usage = Some(usage(prompt_tokens, completion_tokens, cached_tokens)),
            Step::Finish(reason) => totals.finish = Some(reason),
            Step::Delay(ms) | Step::Stall(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            Step::CutMidEvent | Step::Cut => return None,
            // These exist in a stream only.
            Step::ToolCallDelta { .. }
            | Step::Slow(_)
            | Step::Status { .. }
            | Step::End
            | Step::BadJson
            | Step::Raw(_) => {}
        }
    }
    totals.chunks += u64::from(!content.is_empty());
    totals.has_calls = !calls.is_empty();
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !reasoning.is_empty() {
        message["reasoning_content"] = reasoning.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    Some(wire.whole(&message, &totals.finish_reason(), &totals.usage()))
}

fn whole_call(call: &CallScript) -> Value {
    json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments.concat()},
    })
}
