//! An output item of OpenAI Responses while it is written. Reference as in the wire format.

use super::quoted;

/// What an output item is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call,
}

/// An output item. Texts are the inside of JSON strings: they are only ever written.
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) is_open: bool,
    pub(super) id: String,
    pub(super) text: String,
    pub(super) signature: Option<String>,
    pub(super) call: (u32, String, String),
    /// The delta event up to its number, and from its number to its text.
    pub(super) head: String,
    pub(super) middle: String,
}

impl Item {
    /// An open item; a call with its number, its id and its name.
    pub(super) fn new(kind: Kind, n: usize, index: usize, call: (u32, String, String)) -> Self {
        let (prefix, delta, place) = match kind {
            Kind::Message => (
                "msg",
                "response.output_text.delta",
                r#""content_index":0,"logprobs":[],"#,
            ),
            Kind::Reasoning => (
                "rs",
                "response.reasoning_summary_text.delta",
                r#""summary_index":0,"#,
            ),
            Kind::Call => ("fc", "response.function_call_arguments.delta", ""),
        };
        let id = format!("{prefix}_test{n}_{index}");
        Self {
            kind,
            is_open: true,
            text: String::new(),
            signature: None,
            call,
            head: format!("event: {delta}\ndata: {{\"type\":\"{delta}\",\"sequence_number\":"),
            middle: format!(r#","item_id":"{id}","output_index":{index},{place}"delta":"#),
            id,
        }
    }

    /// The item as JSON text, with its content when `is_done`.
    pub(super) fn json(&self, is_done: bool) -> String {
        let status = if is_done { "completed" } else { "in_progress" };
        let (id, text) = (&self.id, &self.text);
        match self.kind {
            Kind::Message => {
                let content = if is_done {
                    output_text(text)
                } else {
                    String::new()
                };
                format!(
                    r#"{{"id":"{id}","type":"message","status":"{status}","role":"assistant","content":[{content}]}}"#
                )
            }
            Kind::Reasoning => {
                let summary = if is_done {
                    summary_text(text)
                } else {
                    String::new()
                };
                let signature = self
                    .signature
                    .as_deref()
                    .filter(|_| is_done)
                    .map(|text| format!(r#","encrypted_content":{}"#, quoted(text)))
                    .unwrap_or_default();
                format!(r#"{{"id":"{id}","type":"reasoning","summary":[{summary}]{signature}}}"#)
            }
            Kind::Call => format!(
                r#"{{"id":"{id}","type":"function_call","status":"{status}","arguments":"{}","call_id":{},"name":{}}}"#,
                if is_done { text.as_str() } else { "" },
                quoted(&self.call.1),
                quoted(&self.call.2),
            ),
        }
    }
}

/// A part of a message.
pub(super) fn output_text(text: &str) -> String {
    format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
}

/// A part of a summary of reasoning.
pub(super) fn summary_text(text: &str) -> String {
    format!(r#"{{"type":"summary_text","text":"{text}"}}"#)
}
