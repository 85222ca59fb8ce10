//! A prompt without tools that says the same.

use std::fmt::Write;

use serde_json::json;

use crate::model::{ModelCall, ModelMessage, ModelRequest, ToolDefinition};
use crate::prompted_tools::{CLOSE, OPEN};

/// Whether a request has anything a model without tools would not understand.
pub fn needs_rewriting(request: &ModelRequest) -> bool {
    let speaks_of_tools = |message: &ModelMessage| match message {
        ModelMessage::User { .. } => false,
        ModelMessage::Assistant { calls, .. } => !calls.is_empty(),
        ModelMessage::ToolResult { .. } => true,
    };
    !request.tools.is_empty() || request.messages.iter().any(speaks_of_tools)
}

/// The same request in plain text.
pub(super) fn rewritten(mut request: ModelRequest) -> ModelRequest {
    let tools = std::mem::take(&mut request.tools);
    if !tools.is_empty() {
        if !request.system.is_empty() {
            request.system.push_str("\n\n");
        }
        request.system.push_str(&instructions(&tools));
    }
    let mut messages: Vec<ModelMessage> = Vec::with_capacity(request.messages.len());
    for message in request.messages {
        match message {
            ModelMessage::User { text, images } => {
                // Models want user and assistant in turn, so results and a message are one.
                if let Some(ModelMessage::User {
                    text: before,
                    images: known,
                }) = messages.last_mut()
                {
                    paragraph(before, &text);
                    known.extend(images);
                } else {
                    messages.push(ModelMessage::User { text, images });
                }
            }
            ModelMessage::Assistant { mut text, calls } => {
                for call in &calls {
                    line(&mut text, &written(call));
                }
                messages.push(ModelMessage::Assistant {
                    text,
                    calls: Vec::new(),
                });
            }
            ModelMessage::ToolResult { tool, output, .. } => {
                let result = format!("<tool_result name=\"{tool}\">\n{output}\n</tool_result>");
                if let Some(ModelMessage::User { text, .. }) = messages.last_mut() {
                    paragraph(text, &result);
                } else {
                    messages.push(ModelMessage::User {
                        text: result,
                        images: Vec::new(),
                    });
                }
            }
        }
    }
    request.messages = messages;
    request
}

fn instructions(tools: &[ToolDefinition]) -> String {
    let mut text = format!(
        "You can use tools. To call one, write this on lines of its own and nothing after it:\n\
         {OPEN}\n{{\"name\": \"NAME\", \"arguments\": {{...}}}}\n{CLOSE}\n\
         The arguments are one JSON object that fits the tool's schema. Several calls may follow \
         each other. The results come in the next message, inside <tool_result>. Answer in plain \
         text when no tool is needed.\n\nThe tools:"
    );
    for tool in tools {
        // Writing into a string cannot fail.
        write!(
            text,
            "\n- {}: {} Schema: {}",
            tool.name, tool.description, tool.parameters
        )
        .ok();
    }
    text
}

fn written(call: &ModelCall) -> String {
    let object = json!({"name": call.tool, "arguments": call.args});
    format!("{OPEN}\n{object}\n{CLOSE}")
}

fn line(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

fn paragraph(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}
