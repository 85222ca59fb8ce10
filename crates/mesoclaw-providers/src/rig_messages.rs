//! Our prompt in rig's types, and rig's wires for the JSON and the address: what every dialect
//! whose requests rig makes has in common.
//!
//! rig also makes the history one that strict servers take: messages of one role in a row are
//! joined, an empty tool result says so, a call without a result gets one, and arguments that are
//! not JSON are sent as the object that can be read from them.
//!
//! Signatures of calls are not carried over: which provider wants them back, and in which field,
//! is the dialect's business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesoclaw_agent::model::{
    GenerationParams, Image, ModelError, ModelErrorKind, ModelMessage, ModelRequest, ToolDefinition,
};
use mesoclaw_api::error::chain;
use rig_core::completion::{CompletionRequest, ToolDefinition as RigTool};
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId, ImageMediaType, Message, MimeType as _, ToolCall,
    ToolFunction, ToolName, ToolResult, ToolResultContent, UserContent,
};
use rig_core::operation::Completion;
use rig_core::wire::{Body, Encoded, Mode, Operation as _, Wire};
use serde_json::{Map, Value, json};

use crate::dialect::Outgoing;

/// Makes the request for a streamed answer as rig's `wire` writes it. Headers that rig adds (a
/// key, a content type) are left out: `answer.rs` and `http.rs` add their own.
pub(crate) fn encode_completion<W>(
    wire: &W,
    request: CompletionRequest,
) -> Result<Outgoing, ModelError>
where
    W: Wire<Op = Completion, Payload = Encoded>,
{
    let request = Completion::prepare(request, &wire.describe())
        .map_err(|failure| refused(&chain(&failure)))?;
    let encoded = wire
        .encode(request, Mode::Streaming)
        .map_err(|failure| refused(&chain(&failure)))?;
    let (parts, body) = encoded.request.into_parts();
    match body {
        Body::Bytes(body) => Ok(Outgoing {
            url: parts.uri.to_string(),
            headers: Vec::new(),
            body,
        }),
        Body::Multipart(_) => Err(refused("a chat request came out as a form")),
    }
}

/// A request that cannot be made.
pub(crate) fn refused(message: &str) -> ModelError {
    ModelError::new(
        ModelErrorKind::Internal,
        format!("the request could not be made: {message}"),
    )
}

/// The request in rig's types.
pub(crate) fn completion(request: ModelRequest) -> Result<CompletionRequest, ModelError> {
    let mut completion = CompletionRequest::new("");
    completion.chat_history = history(request.system, request.messages)?;
    completion.tools = request
        .tools
        .into_iter()
        .map(tool)
        .collect::<Result<_, _>>()?;
    let params = request.params;
    completion.max_tokens = params.max_tokens.map(u64::from);
    completion.temperature = params.temperature.map(widen);
    completion.additional_params = additional(&params);
    completion.model = Some(request.model);
    Ok(completion)
}

/// System text and conversation; results in a row are one message.
pub(crate) fn history(
    system: String,
    messages: Vec<ModelMessage>,
) -> Result<Vec<Message>, ModelError> {
    let mut history = Vec::with_capacity(messages.len() + 1);
    if !system.is_empty() {
        history.push(Message::system(system));
    }
    let mut results = Vec::new();
    for message in messages {
        if let ModelMessage::ToolResult {
            call_id,
            tool,
            output,
        } = message
        {
            results.push(ToolResult {
                call: CallId::from_wire(call_id.as_str()),
                name: name(tool)?,
                content: vec![ToolResultContent::text(output)],
                is_error: false,
            });
            continue;
        }
        flush(&mut history, &mut results);
        match message {
            ModelMessage::User { text, images } => history.push(user(text, &images)?),
            ModelMessage::Assistant { text, calls } => {
                let mut content = Vec::with_capacity(calls.len() + 1);
                if !text.is_empty() {
                    content.push(AssistantContent::text(text));
                }
                for call in calls {
                    content.push(AssistantContent::ToolCall(ToolCall::new(
                        CallId::from_wire(call.call_id.as_str()),
                        ToolFunction::new(name(call.tool)?, call.args),
                    )));
                }
                // A turn that was cut before its first word is no message to any server.
                if !content.is_empty() {
                    history.push(Message::Assistant(AssistantMessage::new(content)));
                }
            }
            ModelMessage::ToolResult { .. } => {}
        }
    }
    flush(&mut history, &mut results);
    Ok(history)
}

fn flush(history: &mut Vec<Message>, results: &mut Vec<ToolResult>) {
    if !results.is_empty() {
        history.push(Message::tool_results(std::mem::take(results)));
    }
}

/// A text alone stays one text; images follow it in their order.
fn user(text: String, images: &[Image]) -> Result<Message, ModelError> {
    if images.is_empty() {
        return Ok(Message::user(text));
    }
    let mut content = Vec::with_capacity(images.len() + 1);
    if !text.is_empty() {
        content.push(UserContent::text(text));
    }
    for image in images {
        content.push(self::image(image)?);
    }
    Ok(Message::User { content })
}

fn image(image: &Image) -> Result<UserContent, ModelError> {
    let Some(media_type) = image_media_type(&image.media_type) else {
        return Err(ModelError::new(
            ModelErrorKind::Capability,
            format!("images of the kind `{}` are not sent", image.media_type),
        )
        .with_hint("use a PNG, JPEG, GIF or WebP file"));
    };
    Ok(UserContent::image_base64(
        base64(&image.data),
        Some(media_type),
        None,
    ))
}

/// The four kinds that every provider with vision takes.
fn image_media_type(media_type: &str) -> Option<ImageMediaType> {
    ImageMediaType::from_mime_type(media_type).filter(|media_type| {
        matches!(
            media_type,
            ImageMediaType::PNG | ImageMediaType::JPEG | ImageMediaType::GIF | ImageMediaType::WEBP
        )
    })
}

/// Standard base64 with padding.
pub(crate) fn base64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

fn tool(tool: ToolDefinition) -> Result<RigTool, ModelError> {
    Ok(RigTool::new(
        name(tool.name)?,
        tool.description,
        tool.parameters,
    ))
}

fn name(name: String) -> Result<ToolName, ModelError> {
    ToolName::new(name).map_err(|_| refused("a tool has no name"))
}

/// What rig has no checked place for on every server, as plain fields of the body, under the
/// names of OpenAI. A dialect with other names or another place sets `additional_params` itself.
pub(crate) fn additional(params: &GenerationParams) -> Option<Value> {
    let mut fields = Map::new();
    if let Some(top_p) = params.top_p {
        fields.insert("top_p".to_owned(), json!(widen(top_p)));
    }
    if let Some(seed) = params.seed {
        fields.insert("seed".to_owned(), json!(seed));
    }
    if !params.stop.is_empty() {
        fields.insert("stop".to_owned(), json!(params.stop));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// `0.7`, not `0.699999988079071`.
pub(crate) fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
