//! Tool calls put together from the pieces a model streams. What a model sends is data: a call
//! that makes no sense gets a sentence the model can act on instead of a run.

use std::collections::HashSet;
use std::fmt::Write;

use mesoclaw_api::{CallId, Item, ItemBody, TurnId};
use serde_json::{Map, Value};

use crate::model::ToolDefinition;
use crate::turn::effect::Call;
use crate::turn::event::Context;
use crate::turn::open_call::Refusal;
use crate::turn::repetition::Ending;

/// Calls of one answer that run; more of them are refused.
const MAX_CALLS: usize = 32;
/// Characters of a tool name that are kept; no tool has a longer one.
const MAX_NAME_CHARS: usize = 64;

/// Pieces of the calls of one answer.
#[derive(Default)]
pub(super) struct Pieces(Vec<Piece>);

struct Piece {
    index: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

/// A call as the model made it.
pub(super) struct Received {
    pub call: Call,
    /// Why it cannot run, for the model.
    pub fault: Option<Refusal>,
    /// What the provider wants back with it.
    pub signature: Option<String>,
    /// Whether its arguments are not a JSON object.
    pub is_broken: bool,
}

impl Pieces {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, index: u32, id: String, name: String, arguments: &str) {
        let known = self.0.iter_mut().rev().find(|piece| piece.index == index);
        match known {
            // Some servers number every call 0; another id is another call.
            Some(piece) if id.is_empty() || piece.id.is_empty() || piece.id == id => {
                if piece.id.is_empty() {
                    piece.id = id;
                }
                if piece.name.is_empty() {
                    piece.name = name;
                }
                piece.arguments.push_str(arguments);
            }
            Some(_) | None => self.0.push(Piece {
                index,
                id,
                name,
                arguments: arguments.to_owned(),
                signature: None,
            }),
        }
    }

    /// Keeps what the provider wants back with a call; one of no call is lost.
    pub fn sign(&mut self, index: u32, signature: String) {
        let known = self.0.iter_mut().rev().find(|piece| piece.index == index);
        if let Some(piece) = known {
            piece.signature = Some(signature);
        }
    }

    /// The calls in the order of their numbers. `is_cut` says that the output limit ended the
    /// answer, so the last call may lack its end.
    pub fn into_received(
        mut self,
        ids: &mut CallIds,
        context: &Context,
        is_cut: bool,
    ) -> Vec<Received> {
        self.0.sort_by_key(|piece| piece.index);
        let last = self.0.len().saturating_sub(1);
        let receive = |(number, piece): (usize, Piece)| {
            let is_cut = is_cut && number == last;
            let (args, unreadable) = arguments(piece.arguments, is_cut);
            // What the output limit cut off is no fault of the model.
            let is_broken = unreadable.is_some() && !is_cut;
            let tool = tool_name(&piece.name);
            let tool = context.aliases.get(&tool).cloned().unwrap_or(tool);
            let ending = if is_broken {
                Ending::Broken
            } else {
                Ending::Failed
            };
            let mut fault = unreadable.map(|output| Refusal { ending, output });
            if !context.tools.iter().any(|known| known.name == tool) {
                fault = Some(Refusal {
                    ending: Ending::Unknown,
                    output: unknown_tool(&tool, &context.tools),
                });
            }
            if number >= MAX_CALLS {
                fault = Some(Refusal {
                    ending: Ending::Refused,
                    output: format!(
                        "not run: at most {MAX_CALLS} calls may be made in one answer; make the \
                         rest in the next one"
                    ),
                });
            }
            Received {
                call: Call {
                    call_id: ids.unique(piece.id),
                    tool,
                    args,
                },
                fault,
                signature: piece.signature,
                is_broken,
            }
        };
        let mut received: Vec<Received> = self.0.into_iter().enumerate().map(receive).collect();
        refuse_doubles(&mut received);
        received
    }
}

/// Of calls that are the same, the first runs: running one twice at the same time helps nobody.
fn refuse_doubles(received: &mut [Received]) {
    for at in 1..received.len() {
        let (before, after) = received.split_at_mut(at);
        let Some(later) = after.first_mut().filter(|later| later.fault.is_none()) else {
            continue;
        };
        let is_same = |first: &Received| {
            first.fault.is_none()
                && first.call.tool == later.call.tool
                && first.call.args == later.call.args
        };
        if before.iter().any(is_same) {
            later.fault = Some(Refusal {
                ending: Ending::Refused,
                output: "not run: the same call is already in this answer".to_owned(),
            });
        }
    }
}

/// The name, not longer than a tool's can be; never empty, for people and providers alike.
fn tool_name(name: &str) -> String {
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name.chars().take(MAX_NAME_CHARS).collect()
    }
}

/// The arguments as an object, or as they came with what is wrong with them.
fn arguments(text: String, is_cut: bool) -> (Value, Option<String>) {
    let is_blank = text.trim().is_empty();
    let parsed = match serde_json::from_str::<Value>(&text) {
        Ok(args @ Value::Object(_)) => return (args, None),
        Ok(Value::Null) if !is_cut => return (Value::Object(Map::new()), None),
        Err(_) if is_blank && !is_cut => return (Value::Object(Map::new()), None),
        Ok(_) => "the arguments are not a JSON object; send one object that fits the tool's schema"
            .to_owned(),
        Err(_) if is_cut => "the output limit cut the arguments off; make the call again with \
                             shorter arguments, or split the work into several calls"
            .to_owned(),
        Err(error) => format!(
            "the arguments are not valid JSON ({error}); send one JSON object that fits the \
             tool's schema"
        ),
    };
    (Value::String(text), Some(parsed))
}

fn unknown_tool(name: &str, tools: &[ToolDefinition]) -> String {
    let mut sentence = format!("there is no tool `{name}`; ");
    if tools.is_empty() {
        sentence.push_str("no tools are available, answer without them");
        return sentence;
    }
    sentence.push_str("the tools are ");
    for (n, tool) in tools.iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        // Writing into a string cannot fail.
        write!(sentence, "{comma}`{}`", tool.name).ok();
    }
    sentence
}

/// Ids of calls: each is given once in what the model sees.
pub(super) struct CallIds {
    turn_id: TurnId,
    known: HashSet<CallId>,
    n_made: u32,
}

impl CallIds {
    pub fn new(turn_id: TurnId) -> Self {
        Self {
            turn_id,
            known: HashSet::new(),
            n_made: 0,
        }
    }

    /// Learns the ids of earlier turns: some providers begin to count anew with each answer.
    pub fn learn(&mut self, history: &[Item]) {
        self.known
            .extend(history.iter().filter_map(|item| match &item.body {
                ItemBody::ToolCall { call_id, .. } => Some(call_id.clone()),
                ItemBody::User { .. }
                | ItemBody::Assistant { .. }
                | ItemBody::Reasoning { .. }
                | ItemBody::ToolResult { .. }
                | ItemBody::Approval { .. }
                | ItemBody::Notice { .. }
                | ItemBody::Outcome { .. }
                | ItemBody::System { .. } => None,
            }));
    }

    /// The id the model gave, or one of ours when it gave none or one it gave before.
    fn unique(&mut self, given: String) -> CallId {
        if !given.is_empty() {
            let call_id = CallId::from(given);
            if self.known.insert(call_id.clone()) {
                return call_id;
            }
        }
        loop {
            let call_id = CallId::from(format!("{}-c{}", self.turn_id, self.n_made));
            self.n_made += 1;
            if self.known.insert(call_id.clone()) {
                return call_id;
            }
        }
    }
}
