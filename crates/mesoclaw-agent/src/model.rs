//! `ModelClient`: the one seam to everything that answers prompts, and what goes through it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use mesoclaw_api::{CallId, ErrorCode, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model streams.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelDelta, ModelError>> + Send>>;

/// Something that answers prompts: a cloud endpoint, a local server, the embedded engine.
pub trait ModelClient: Send + Sync {
    /// Starts an answer. The stream ends after [`ModelDelta::Stop`] or after an error.
    ///
    /// # Cancellation
    /// Dropping the stream stops the answer: a request is closed, the embedded engine stops
    /// before its next token or prompt chunk.
    fn stream(&self, request: ModelRequest) -> ModelStream;
}

/// A prompt with everything that shapes the answer.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelRequest {
    /// The model as its provider names it (the part after the colon).
    pub model: String,
    /// Stable name of the conversation, for prompt caches.
    pub cache_key: String,
    /// System text.
    pub system: String,
    /// The conversation, oldest first; ends with a user message or tool results.
    pub messages: Vec<ModelMessage>,
    /// Tools the model may call, in a fixed order.
    pub tools: Vec<ToolDefinition>,
    /// How to sample.
    pub params: GenerationParams,
}

impl ModelRequest {
    /// Bytes of text that the model will read, images apart.
    pub fn text_bytes(&self) -> u64 {
        let messages = self.messages.iter().map(|message| match message {
            ModelMessage::User { text, .. } => text.len(),
            ModelMessage::Assistant { text, calls } => {
                let calls = calls.iter().map(|call| call.args.to_string().len());
                text.len() + calls.sum::<usize>()
            }
            ModelMessage::ToolResult { output, .. } => output.len(),
        });
        let tools = self
            .tools
            .iter()
            .map(|tool| tool.description.len() + tool.parameters.to_string().len());
        (self.system.len() + messages.sum::<usize>() + tools.sum::<usize>()) as u64
    }
}

/// One message of a prompt.
#[derive(Clone, PartialEq, Debug)]
pub enum ModelMessage {
    /// From the person.
    User {
        /// The text.
        text: String,
        /// Images said with it, in order; only for models that see.
        images: Vec<Image>,
    },
    /// From the model.
    Assistant {
        /// The text; may be empty when there are calls.
        text: String,
        /// The calls it made, in order.
        calls: Vec<ModelCall>,
    },
    /// The answer of a tool.
    ToolResult {
        /// The call.
        call_id: CallId,
        /// Name of the tool.
        tool: String,
        /// What it said.
        output: String,
    },
}

/// An image inside a prompt.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// The content of the file.
    pub data: Arc<[u8]>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type, self.data.len())
    }
}

/// A tool call inside a prompt.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelCall {
    /// The call.
    pub call_id: CallId,
    /// Name of the tool.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// What this very model sent with the call and wants back, see [`ModelDelta::CallSignature`].
    pub signature: Option<String>,
}

/// A tool as a model sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct ToolDefinition {
    /// Name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON schema of the arguments.
    pub parameters: Value,
}

/// How to sample. `None` leaves the choice to the provider.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct GenerationParams {
    /// Output tokens at most.
    pub max_tokens: Option<u32>,
    /// 0 to 2; 0 = always the likeliest token.
    pub temperature: Option<f32>,
    /// Above 0 to 1.
    pub top_p: Option<f32>,
    /// Same seed, same answer, where the provider can.
    pub seed: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
}

/// A piece of an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum ModelDelta {
    /// Text of the answer.
    Text(String),
    /// Text of the model's thinking.
    Reasoning(String),
    /// A piece of a tool call. Pieces with the same `index` belong together; id and name come
    /// with the first piece, arguments are concatenated.
    ToolCall {
        /// Number of the call in this answer.
        index: u32,
        /// Id given by the provider; empty when it gives none or gave it before.
        id: String,
        /// Name of the tool; empty when it was given before.
        name: String,
        /// More of the arguments' JSON text.
        arguments: String,
    },
    /// What the provider wants back with call `index`, unread by us (Gemini's thought signatures).
    CallSignature {
        /// Number of the call in this answer.
        index: u32,
        /// The text to send back.
        signature: String,
    },
    /// Tokens used by this request; the last one counts.
    Usage(Usage),
    /// The answer is over.
    Stop(StopReason),
}

/// Why an answer is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopReason {
    /// The model was done.
    End,
    /// The output limit cut it.
    Length,
    /// The model wants tools to run.
    ToolCalls,
    /// The provider withheld the rest.
    Filtered,
}

/// Why a model gave no (whole) answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// The class of the failure.
    pub kind: ModelErrorKind,
    /// For people.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
}

/// The class of a model failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// Nothing is set up, or the model file is not installed.
    NotConfigured,
    /// 401 or 403.
    Auth,
    /// 404, or a code that says the model is unknown.
    ModelNotFound,
    /// The prompt is longer than the context.
    ContextLength,
    /// 402, or a code that says that the account has nothing left to pay with.
    Payment,
    /// 429.
    RateLimited,
    /// Not reached: name, connection, TLS.
    Connection,
    /// No answer, or no next token, in time.
    Timeout,
    /// 5xx.
    Server,
    /// Another 4xx.
    Rejected,
    /// The stream broke off or was not understood.
    BrokenStream,
    /// The model cannot do what was asked (tools, images).
    Capability,
    /// The engine or adapter failed inside.
    Internal,
}

impl ModelErrorKind {
    /// Whether the same request may go well a moment later.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::RateLimited
            | Self::Connection
            | Self::Timeout
            | Self::Server
            | Self::BrokenStream => true,
            Self::NotConfigured
            | Self::Auth
            | Self::ModelNotFound
            | Self::ContextLength
            | Self::Payment
            | Self::Rejected
            | Self::Capability
            | Self::Internal => false,
        }
    }

    /// The code of the API.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::NotConfigured => ErrorCode::AgentNotConfigured,
            Self::Auth => ErrorCode::AgentAuth,
            Self::ModelNotFound => ErrorCode::AgentModelNotFound,
            Self::ContextLength => ErrorCode::AgentContextLength,
            Self::RateLimited => ErrorCode::AgentRateLimit,
            Self::Connection | Self::BrokenStream => ErrorCode::AgentConnection,
            Self::Timeout => ErrorCode::AgentTimeout,
            Self::Payment | Self::Server | Self::Rejected => ErrorCode::Agent,
            Self::Capability => ErrorCode::ModelCapability,
            Self::Internal => ErrorCode::Internal,
        }
    }
}

impl ModelError {
    /// An error without a hint.
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            retry_after: None,
        }
    }

    /// The same error with a hint what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
