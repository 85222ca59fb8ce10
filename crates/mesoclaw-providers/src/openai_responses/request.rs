//! A Responses request: rig's shaping of the history, our own body.

use mesoclaw_agent::model::{ModelError, ModelRequest};
use mesoclaw_api::error::chain;
use rig_core::completion::{CompletionRequest, ToolDefinition};
use rig_core::message::{
    AssistantContent, DocumentSourceKind, Image, Message, MimeType as _, ToolResult,
    ToolResultContent, UserContent,
};
use rig_core::operation::Completion;
use rig_core::providers::openai::OpenAIConfig;
use rig_core::providers::openai::responses_api::wire::Responses;
use rig_core::providers::openai::wire::Dialect;
use rig_core::wire::{Operation as _, Wire as _};
use serde::Serialize;
use serde_json::Value;

use crate::dialect::Outgoing;
use crate::rig_messages::{completion, refused, widen};

/// Only names the protocol for the shaping of the history.
const PLAIN: Dialect = Dialect::gateway("responses", "", "");

/// Smallest output limit that is accepted.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// Longest cache key that is accepted, in characters.
const MAX_CACHE_KEY_CHARS: usize = 64;

#[derive(Serialize)]
struct Body {
    model: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    instructions: String,
    input: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    prompt_cache_key: String,
    store: bool,
    stream: bool,
}

/// One piece of the conversation.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    Message {
        role: &'static str,
        content: Vec<Part>,
    },
    FunctionCall {
        call_id: String,
        name: String,
        arguments: String,
    },
    FunctionCallOutput {
        call_id: String,
        output: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    InputText {
        text: String,
    },
    InputImage {
        detail: &'static str,
        image_url: String,
    },
    OutputText {
        text: String,
    },
}

/// `strict` is always said: left out, the maker tries to be strict, which not every schema bears.
#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    description: String,
    parameters: Value,
    strict: bool,
}

/// Makes the request for a streamed answer.
pub(super) fn encode(base_url: &str, mut request: ModelRequest) -> Result<Outgoing, ModelError> {
    let instructions = std::mem::take(&mut request.system);
    let prompt_cache_key = request
        .cache_key
        .chars()
        .take(MAX_CACHE_KEY_CHARS)
        .collect();
    let top_p = request.params.top_p.map(widen);
    let model = request.model.clone();
    let completion = shaped(&model, completion(request)?)?;
    let mut input = Vec::with_capacity(completion.chat_history.len());
    for message in completion.chat_history {
        add(&mut input, message)?;
    }
    let body = Body {
        model,
        instructions,
        input,
        tools: completion.tools.into_iter().map(tool).collect(),
        max_output_tokens: completion
            .max_tokens
            .map(|limit| limit.max(MIN_OUTPUT_TOKENS)),
        temperature: completion.temperature,
        top_p,
        prompt_cache_key,
        store: false,
        stream: true,
    };
    Ok(Outgoing {
        url: format!("{}/responses", base_url.trim_end_matches('/')),
        headers: Vec::new(),
        body: serde_json::to_vec(&body).map_err(|failure| refused(&chain(&failure)))?,
    })
}

/// The request with a history that a strict server takes.
fn shaped(model: &str, request: CompletionRequest) -> Result<CompletionRequest, ModelError> {
    let wire = Responses::new(OpenAIConfig::with_key(&PLAIN, ""), model);
    Completion::prepare(request, &wire.describe()).map_err(|failure| refused(&chain(&failure)))
}

fn add(input: &mut Vec<Item>, message: Message) -> Result<(), ModelError> {
    match message {
        Message::System { content } => input.push(Item::Message {
            role: "system",
            content: vec![Part::InputText { text: content }],
        }),
        Message::User { content } => add_user(input, content)?,
        Message::Assistant(turn) => {
            for block in turn.content {
                add_assistant(input, block)?;
            }
        }
    }
    Ok(())
}

/// Text and images are one message, results are items of their own.
fn add_user(input: &mut Vec<Item>, content: Vec<UserContent>) -> Result<(), ModelError> {
    let mut parts = Vec::new();
    for part in content {
        match part {
            UserContent::Text(text) if text.text.trim().is_empty() => {}
            UserContent::Text(text) => parts.push(Part::InputText { text: text.text }),
            UserContent::Image(image) => parts.push(self::image(image)?),
            UserContent::ToolResult(result) => input.push(output(result)?),
            UserContent::Audio(_) | UserContent::Video(_) | UserContent::Document(_) => {
                return Err(not_made());
            }
        }
    }
    if !parts.is_empty() {
        input.push(Item::Message {
            role: "user",
            content: parts,
        });
    }
    Ok(())
}

fn add_assistant(input: &mut Vec<Item>, block: AssistantContent) -> Result<(), ModelError> {
    input.push(match block {
        AssistantContent::Text(text) => Item::Message {
            role: "assistant",
            content: vec![Part::OutputText { text: text.text }],
        },
        AssistantContent::ToolCall(call) => Item::FunctionCall {
            call_id: call.id.wire().into_owned(),
            name: call.function.name.as_str().to_owned(),
            arguments: call.function.arguments_value().to_string(),
        },
        _ => return Err(not_made()),
    });
    Ok(())
}

fn image(image: Image) -> Result<Part, ModelError> {
    match (image.data, image.media_type) {
        (DocumentSourceKind::Base64(data), Some(media_type)) => Ok(Part::InputImage {
            detail: "auto",
            image_url: format!("data:{};base64,{data}", media_type.to_mime_type()),
        }),
        _ => Err(not_made()),
    }
}

fn output(result: ToolResult) -> Result<Item, ModelError> {
    let mut text = String::new();
    for part in result.content {
        match part {
            ToolResultContent::Text(part) => text.push_str(&part.text),
            ToolResultContent::Json { .. } | ToolResultContent::Image(_) => return Err(not_made()),
        }
    }
    Ok(Item::FunctionCallOutput {
        call_id: result.call.wire().into_owned(),
        output: text,
    })
}

fn tool(tool: ToolDefinition) -> Tool {
    Tool {
        kind: "function",
        name: tool.name.as_str().to_owned(),
        description: tool.description,
        parameters: tool.parameters,
        strict: false,
    }
}

/// Something that our prompts do not have and rig's shaping does not add.
fn not_made() -> ModelError {
    refused("the prompt has a part that is not sent")
}

#[cfg(test)]
mod tests;
