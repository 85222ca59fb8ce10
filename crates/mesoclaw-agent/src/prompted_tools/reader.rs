//! Reads calls out of the text of an answer, at any cut between two pieces.

use serde::Deserialize;
use serde_json::Value;

use crate::model::{ModelDelta, StopReason};
use crate::prompted_tools::{CLOSE, OPEN};

/// Longest call that is read, in bytes; a longer one is a broken one.
const MAX_CALL_BYTES: usize = 1024 * 1024;
/// Longest name that is looked for in a broken call.
const MAX_NAME_BYTES: usize = 64;

/// See the module documentation.
#[derive(Default)]
pub(super) struct Reader {
    /// Text that may be the beginning of `<tool_call>`, or the inside of a call.
    held: String,
    /// Bytes of it that hold no end of a call, so a long call is not searched anew with each piece.
    searched: usize,
    is_in_call: bool,
    n_calls: u32,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl Reader {
    /// Takes a piece of the answer and appends what it means.
    pub fn take(&mut self, delta: ModelDelta, out: &mut Vec<ModelDelta>) {
        match delta {
            ModelDelta::Text(text) => self.text(&text, out),
            ModelDelta::Stop(reason) => {
                // A call whose end the model left out is a call all the same.
                if self.is_in_call && reason != StopReason::Filtered {
                    self.close(out);
                }
                self.give_up(out);
                out.push(ModelDelta::Stop(match reason {
                    StopReason::End if self.n_calls > 0 => StopReason::ToolCalls,
                    reason => reason,
                }));
            }
            ModelDelta::Reasoning(_)
            | ModelDelta::ToolCall { .. }
            | ModelDelta::CallSignature { .. }
            | ModelDelta::Usage(_) => out.push(delta),
        }
    }

    /// The answer ends here: text that was held back is text.
    pub fn give_up(&mut self, out: &mut Vec<ModelDelta>) {
        let held = std::mem::take(&mut self.held);
        let is_call = std::mem::take(&mut self.is_in_call);
        if !held.is_empty() && !is_call {
            out.push(ModelDelta::Text(held));
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<ModelDelta>) {
        self.held.push_str(text);
        loop {
            if self.is_in_call {
                let Some(end) = self.end_of_call() else {
                    if self.held.len() > MAX_CALL_BYTES {
                        self.close(out);
                    }
                    return;
                };
                let rest = self.held.split_off(end + CLOSE.len());
                self.held.truncate(end);
                self.close(out);
                self.held = rest;
                continue;
            }
            let Some(start) = self.held.find(OPEN) else {
                self.show_all_but_a_beginning(out);
                return;
            };
            let rest = self.held.split_off(start + OPEN.len());
            self.held.truncate(start);
            let before = std::mem::replace(&mut self.held, rest);
            self.show(before, out);
            self.is_in_call = true;
        }
    }

    /// Where the call that is held ends, if its end is there.
    fn end_of_call(&mut self) -> Option<usize> {
        let mut from = self.searched.saturating_sub(CLOSE.len());
        while !self.held.is_char_boundary(from) {
            from -= 1;
        }
        let found = self.held.get(from..).and_then(|rest| rest.find(CLOSE));
        self.searched = match found {
            Some(_) => 0,
            None => self.held.len(),
        };
        found.map(|at| from + at)
    }

    /// Shows what is held but for an end that may grow into `<tool_call>`.
    fn show_all_but_a_beginning(&mut self, out: &mut Vec<ModelDelta>) {
        let longest = OPEN.len().min(self.held.len());
        let n_kept = (1..=longest)
            .rev()
            .find(|n| self.held.ends_with(OPEN.get(..*n).unwrap_or(OPEN)))
            .unwrap_or(0);
        let kept = self.held.split_off(self.held.len() - n_kept);
        let shown = std::mem::replace(&mut self.held, kept);
        self.show(shown, out);
    }

    /// White space between calls is nothing a person would want to see.
    fn show(&self, text: String, out: &mut Vec<ModelDelta>) {
        let is_between_calls = self.n_calls > 0 && text.trim().is_empty();
        if !text.is_empty() && !is_between_calls {
            out.push(ModelDelta::Text(text));
        }
    }

    /// What is held is a call.
    fn close(&mut self, out: &mut Vec<ModelDelta>) {
        self.is_in_call = false;
        self.searched = 0;
        let text = std::mem::take(&mut self.held);
        let (name, arguments) = match serde_json::from_str::<Written>(text.trim()) {
            Ok(written) => (written.name, arguments(written.arguments)),
            Err(_) => (name_in(&text).to_owned(), text.trim().to_owned()),
        };
        out.push(ModelDelta::ToolCall {
            index: self.n_calls,
            id: String::new(),
            name,
            arguments,
        });
        self.n_calls += 1;
    }
}

/// Some models write the arguments as a text that holds JSON.
fn arguments(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The name in a call that is not JSON, as far as it can be seen; so the model is told of the
/// arguments, not of a tool it never named.
fn name_in(text: &str) -> &str {
    let after = text
        .split_once("\"name\"")
        .map_or("", |(_, after)| after)
        .trim_start()
        .trim_start_matches(':')
        .trim_start();
    let name = after
        .strip_prefix('"')
        .and_then(|name| name.split_once('"'))
        .map_or("", |(name, _)| name);
    if name.len() > MAX_NAME_BYTES {
        ""
    } else {
        name
    }
}
