//! A request as rig makes it: our prompt in rig's types, rig's wire for the JSON and the URL.
//!
//! rig also makes the history one that strict servers take: messages of one role in a row are
//! joined, an empty tool result says so, a call without a result gets one, and arguments that are
//! not JSON are sent as the object that can be read from them.

use mesoclaw_agent::model::{
    GenerationParams, ModelError, ModelErrorKind, ModelMessage, ModelRequest, ToolDefinition,
};
use mesoclaw_api::error::chain;
use rig_core::completion::{CompletionRequest, ToolDefinition as RigTool};
use rig_core::message::{
    AssistantContent, AssistantMessage, CallId, Message, ToolCall, ToolFunction, ToolName,
    ToolResult, ToolResultContent,
};
use rig_core::operation::Completion;
use rig_core::providers::openai::wire::{Auth, BodyRewrite, Dialect, OutputCap, Quirks};
use rig_core::providers::openai::{OpenAIConfig, Route};
use rig_core::wire::{Body, Mode, Operation as _, Wire as _};
use serde_json::{Map, Value, json};

/// OpenAI's own dialect with the two spellings that compatible servers agree on.
const COMPATIBLE: Dialect = Dialect::gateway("openai-compatible", "", "").with_quirks(quirks());

/// `content` goes out as one string where it is only text: several servers know no part arrays
/// (rig keeps that rewrite under the name of the first provider that needed it). The output limit
/// is `max_tokens`, except for OpenAI's models that refuse the name. The key is added by the HTTP
/// client, rig never gets it.
const fn quirks() -> Quirks {
    let mut quirks = Quirks::openai();
    quirks.rewrite = BodyRewrite::Perplexity;
    quirks.output_cap = OutputCap::OpenAiReasoningFamilies;
    quirks.auth = Auth::OptionalBearer;
    quirks
}

/// What to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Outgoing {
    /// The whole address.
    pub(super) url: String,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// Makes the request for a streamed answer.
pub(super) fn encode(base_url: &str, request: ModelRequest) -> Result<Outgoing, ModelError> {
    let wire = OpenAIConfig::with_key(&COMPATIBLE, "")
        .with_base_url(base_url)
        .with_route(Route::Chat)
        .chat(request.model.as_str());
    let request = Completion::prepare(completion(request)?, &wire.describe())
        .map_err(|error| refused(chain(&error)))?;
    let encoded = wire
        .encode(request, Mode::Streaming)
        .map_err(|error| refused(error.to_string()))?;
    let (parts, body) = encoded.request.into_parts();
    match body {
        Body::Bytes(body) => Ok(Outgoing {
            url: parts.uri.to_string(),
            body,
        }),
        Body::Multipart(_) => Err(refused("a chat request came out as a form".to_owned())),
    }
}

fn refused(message: String) -> ModelError {
    ModelError::new(
        ModelErrorKind::Internal,
        format!("the request could not be made: {message}"),
    )
}

fn completion(request: ModelRequest) -> Result<CompletionRequest, ModelError> {
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

fn history(system: String, messages: Vec<ModelMessage>) -> Result<Vec<Message>, ModelError> {
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
            ModelMessage::User { text } => history.push(Message::user(text)),
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

fn tool(tool: ToolDefinition) -> Result<RigTool, ModelError> {
    Ok(RigTool::new(
        name(tool.name)?,
        tool.description,
        tool.parameters,
    ))
}

fn name(name: String) -> Result<ToolName, ModelError> {
    ToolName::new(name).map_err(|_| refused("a tool has no name".to_owned()))
}

/// What rig has no checked place for on every server, as plain fields of the body.
fn additional(params: &GenerationParams) -> Option<Value> {
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
fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[cfg(test)]
mod tests;
