//! How tool calls look in the prompt and in an answer: JSON between two tags, the form Hermes and
//! Qwen models were trained on. Models that know no tools are told it in the system text.

mod reader;

use std::fmt::Write;
use std::rc::Rc;

use mesoclaw_agent::model::{ModelCall, ToolDefinition};
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::grammar::{Grammar, NodeId};
use crate::schema;

pub(crate) use reader::{CallReader, Said};

/// Begins a call.
pub(crate) const OPENER: &str = "<tool_call>";
/// Ends a call.
pub(crate) const CLOSER: &str = "</tool_call>";
/// Calls one answer may make.
const MAX_CALLS: u32 = 8;

/// A call as it stands between the tags.
#[derive(Deserialize)]
pub(crate) struct WireCall {
    pub(crate) name: String,
    pub(crate) arguments: Box<RawValue>,
}

/// The grammar of everything behind an opener, to the closer.
pub(crate) fn grammar(tools: &[ToolDefinition]) -> (Rc<Grammar>, NodeId) {
    let mut grammar = Grammar::default();
    let line = grammar.literal("\n");
    let line = grammar.optional(line);
    let space = grammar.literal(" ");
    let space = grammar.optional(space);
    let open = grammar.literal("{\"name\":");
    let arguments_key = grammar.literal("\"arguments\":");
    let choices: Vec<NodeId> = tools
        .iter()
        .map(|tool| {
            let name = grammar.literal(&format!("{},", Value::from(tool.name.as_str())));
            let arguments = schema::arguments(&mut grammar, &tool.parameters);
            grammar.sequence(&[name, space, arguments_key, space, arguments])
        })
        .collect();
    let call = grammar.choice(&choices);
    let close = grammar.literal("}");
    let closer = grammar.literal(CLOSER);
    let root = grammar.sequence(&[line, open, space, call, close, line, closer]);
    (Rc::new(grammar), root)
}

/// The tools in the form chat templates expect them.
pub(crate) fn for_template(tools: &[ToolDefinition]) -> Vec<Value> {
    let function = |tool: &ToolDefinition| {
        let parameters = match &tool.parameters {
            Value::Null => json!({"type": "object", "properties": {}}),
            parameters => parameters.clone(),
        };
        json!({
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters,
            },
        })
    };
    tools.iter().map(function).collect()
}

/// The system text with the tools in it, for models whose template does not take tools.
pub(crate) fn system_text(system: &str, tools: &[ToolDefinition]) -> String {
    let mut text = system.to_owned();
    if tools.is_empty() {
        return text;
    }
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str("# Tools\n\nYou may call one or more of these tools:\n<tools>\n");
    for tool in for_template(tools) {
        text.push_str(&spaced(&tool));
        text.push('\n');
    }
    text.push_str("</tools>\n\nTo call a tool, answer with its name and its arguments as JSON:\n");
    text.push_str(OPENER);
    text.push_str("\n{\"name\": <name of the tool>, \"arguments\": <object of its arguments>}\n");
    text.push_str(CLOSER);
    text.push_str("\nWithout need of a tool, answer in plain text.");
    text
}

/// An earlier answer with its calls, as the model would have written it.
pub(crate) fn answer_text(text: &str, calls: &[ModelCall]) -> String {
    let mut said = text.to_owned();
    for call in calls {
        if !said.is_empty() {
            said.push('\n');
        }
        let name = Value::from(call.tool.as_str());
        let arguments = spaced(&call.args);
        // Writing into a string cannot fail.
        write!(
            said,
            "{OPENER}\n{{\"name\": {name}, \"arguments\": {arguments}}}\n{CLOSER}"
        )
        .ok();
    }
    said
}

/// What a tool said, for templates without a role for it.
pub(crate) fn result_text(output: &str) -> String {
    format!("<tool_response>\n{output}\n</tool_response>")
}

/// An answer taken apart.
#[derive(PartialEq, Debug)]
pub(crate) struct Answered {
    /// The text before the first call, without white space at its end.
    pub(crate) text: Vec<u8>,
    /// Names and arguments.
    pub(crate) calls: Vec<(String, Value)>,
    /// Where the last call ends.
    pub(crate) end: usize,
}

/// Takes an answer apart; what follows the last whole call is left out.
pub(crate) fn take_apart(answer: &[u8]) -> Answered {
    let start = find(answer, OPENER.as_bytes()).unwrap_or(answer.len());
    let (text, mut rest) = answer.split_at(start);
    let mut answered = Answered {
        text: text.trim_ascii_end().to_vec(),
        calls: Vec::new(),
        end: start,
    };
    while let Some(inside) = rest.trim_ascii_start().strip_prefix(OPENER.as_bytes()) {
        let mut values = serde_json::Deserializer::from_slice(inside).into_iter::<WireCall>();
        let Some(Ok(call)) = values.next() else {
            break;
        };
        let (_, behind) = inside.split_at(values.byte_offset());
        let Some(behind) = behind.trim_ascii_start().strip_prefix(CLOSER.as_bytes()) else {
            break;
        };
        let Ok(arguments) = serde_json::from_str(call.arguments.get()) else {
            break;
        };
        answered.calls.push((call.name, arguments));
        answered.end = answer.len() - behind.len();
        rest = behind;
    }
    answered
}

/// JSON with a space behind commas and colons, as models have mostly seen it.
pub(crate) fn spaced(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Spaced);
    match value.serialize(&mut serializer) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        // A JSON value can always be written; anything else that cannot says nothing.
        Err(_) => "null".to_owned(),
    }
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        is_first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if is_first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        is_first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if is_first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Where a needle begins.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests;
