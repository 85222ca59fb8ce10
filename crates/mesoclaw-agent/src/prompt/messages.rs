//! The messages of a prompt while they are put together from entries.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use mesoclaw_api::CallId;
use mesoclaw_api::item::ImageRef;
use serde_json::{Value, json};

use crate::model::{Image, ModelCall, ModelMessage};
use crate::prompt::untrusted::clean;
use crate::prompt::{CONTINUE, INTERRUPTED, LEFT_OUT, append_paragraph};

/// Characters of a tool name that providers accept.
const MAX_NAME_CHARS: usize = 64;

/// The messages of a prompt while they are put together.
#[derive(Default)]
pub(super) struct Messages<'a> {
    blocks: Vec<Block<'a>>,
    /// Where the result of a call belongs: the block and the place in it. A later call of the same
    /// id takes the place over.
    places: HashMap<&'a CallId, (usize, usize)>,
}

enum Block<'a> {
    User(Asked),
    Assistant(Said<'a>),
}

/// What a person said in one go.
#[derive(Default)]
struct Asked {
    text: String,
    images: Vec<Image>,
}

/// What the model said in one go.
#[derive(Default)]
struct Said<'a> {
    text: String,
    /// Whether more of the text may follow.
    is_cut: bool,
    calls: Vec<Made<'a>>,
    /// Whether nothing more belongs to it: its calls have results, or its turn is over.
    is_closed: bool,
}

struct Made<'a> {
    call_id: &'a CallId,
    tool: &'a str,
    args: &'a Value,
    signature: Option<&'a str>,
    output: Option<Cow<'a, str>>,
}

impl<'a> Messages<'a> {
    pub fn user(&mut self, text: &str, images: &[ImageRef], known: &BTreeMap<String, Image>) {
        if !matches!(self.blocks.last(), Some(Block::User(_))) {
            self.blocks.push(Block::User(Asked::default()));
        }
        let Some(Block::User(asked)) = self.blocks.last_mut() else {
            return;
        };
        append_paragraph(&mut asked.text, text);
        for image in images {
            match known.get(&image.sha256) {
                Some(content) => asked.images.push(content.clone()),
                None => append_paragraph(&mut asked.text, &not_seen(image)),
            }
        }
    }

    pub fn assistant(&mut self, text: &str, complete: bool) {
        if text.is_empty() {
            return;
        }
        match self.blocks.last_mut() {
            Some(Block::Assistant(said)) if said.calls.is_empty() => {
                if said.is_cut {
                    said.text.push_str(text);
                } else {
                    append_paragraph(&mut said.text, text);
                }
                said.is_cut = !complete;
            }
            Some(Block::User(_) | Block::Assistant(_)) | None => {
                self.blocks.push(Block::Assistant(Said {
                    text: text.to_owned(),
                    is_cut: !complete,
                    ..Said::default()
                }));
            }
        }
    }

    pub fn call(
        &mut self,
        call_id: &'a CallId,
        tool: &'a str,
        args: &'a Value,
        signature: Option<&'a str>,
    ) {
        let is_open = matches!(self.blocks.last(), Some(Block::Assistant(said)) if !said.is_closed);
        if !is_open {
            self.blocks.push(Block::Assistant(Said::default()));
        }
        let block = self.blocks.len().saturating_sub(1);
        if let Some(Block::Assistant(said)) = self.blocks.last_mut() {
            self.places.insert(call_id, (block, said.calls.len()));
            said.calls.push(Made {
                call_id,
                tool,
                args,
                signature,
                output: None,
            });
        }
    }

    /// The result of a call; one without a call (the history was cut between) is left out.
    pub fn result(&mut self, call_id: &CallId, output: Cow<'a, str>) {
        let Some((block, place)) = self.places.get(call_id).copied() else {
            return;
        };
        if let Some(Block::Assistant(said)) = self.blocks.get_mut(block) {
            said.is_closed = true;
            if let Some(made) = said.calls.get_mut(place) {
                made.output.get_or_insert(output);
            }
        }
    }

    /// A turn ended here: calls of the next one are made anew.
    pub fn turn_over(&mut self) {
        if let Some(Block::Assistant(said)) = self.blocks.last_mut() {
            said.is_closed = !said.calls.is_empty();
        }
    }

    pub fn into_request(self) -> Vec<ModelMessage> {
        let mut messages = Vec::with_capacity(self.blocks.len() + 2);
        if let Some(Block::Assistant(_)) = self.blocks.first() {
            messages.push(user_message(LEFT_OUT));
        }
        for block in self.blocks {
            match block {
                Block::User(Asked { text, images }) => {
                    messages.push(ModelMessage::User { text, images });
                }
                Block::Assistant(said) => said.write(&mut messages),
            }
        }
        match messages.last() {
            Some(ModelMessage::User { .. } | ModelMessage::ToolResult { .. }) => {}
            Some(ModelMessage::Assistant { .. }) | None => messages.push(user_message(CONTINUE)),
        }
        messages
    }
}

impl Said<'_> {
    fn write(self, messages: &mut Vec<ModelMessage>) {
        messages.push(ModelMessage::Assistant {
            text: self.text,
            calls: self.calls.iter().map(Made::to_call).collect(),
        });
        messages.extend(self.calls.into_iter().map(|made| {
            ModelMessage::ToolResult {
                call_id: made.call_id.clone(),
                tool: acceptable_name(made.tool),
                output: made
                    .output
                    .map_or_else(|| INTERRUPTED.to_owned(), Cow::into_owned),
            }
        }));
    }
}

impl Made<'_> {
    fn to_call(&self) -> ModelCall {
        ModelCall {
            call_id: self.call_id.clone(),
            tool: acceptable_name(self.tool),
            signature: self.signature.map(str::to_owned),
            // Providers and chat templates want an object, also for what was none.
            args: match self.args {
                Value::Object(_) => self.args.clone(),
                Value::String(raw) => json!({"invalid_arguments": raw}),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    json!({"invalid_arguments": self.args})
                }
            },
        }
    }
}

/// What a model that cannot see is told of an image.
fn not_seen(image: &ImageRef) -> String {
    let name = image.name.as_deref().unwrap_or("without a name");
    // A name of somebody else's file is text of somebody else.
    format!("[image {}: it is not shown to you]", clean(name))
}

/// A name a model made up may have characters that make a provider refuse the whole request.
fn acceptable_name(tool: &str) -> String {
    let name: String = tool
        .chars()
        .take(MAX_NAME_CHARS)
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

fn user_message(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
        images: Vec::new(),
    }
}
