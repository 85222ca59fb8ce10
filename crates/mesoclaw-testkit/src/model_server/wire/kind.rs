//! The wire formats by name: where each is served, how it takes a key, and who writes it.

use serde_json::Value;

use super::super::check::{self, Refusal};
use super::super::script::Script;
use super::anthropic::{self, Anthropic};
use super::cohere::{self, Cohere};
use super::gemini::{self, Gemini};
use super::ollama::{self, Ollama};
use super::openai_chat::{self, OpenAiChat};
use super::openai_responses::{self, OpenAiResponses};
use super::{Asked, Wire, azure, local};

/// A wire format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WireKind {
    /// OpenAI chat completions, `POST /v1/chat/completions`.
    OpenAiChat,
    /// OpenAI Responses, `POST /v1/responses`.
    OpenAiResponses,
    /// Anthropic Messages, `POST /v1/messages`.
    Anthropic,
    /// Gemini, `POST /v1beta/models/{model}:streamGenerateContent?alt=sse`.
    Gemini,
    /// Cohere, `POST /v2/chat`.
    Cohere,
    /// Ollama's own, `POST /api/chat`.
    Ollama,
    /// Azure OpenAI, `POST /openai/deployments/{deployment}/chat/completions?api-version=...`.
    Azure,
}

/// Why an answer ends, where tests need the word of every maker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The answer is complete.
    End,
    /// The limit of the answer is reached.
    Length,
    /// A filter stopped it.
    Filter,
    /// Tools are called.
    Calls,
}

impl WireKind {
    /// Every wire format.
    pub const ALL: [Self; 7] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Cohere,
        Self::Ollama,
        Self::Azure,
    ];

    /// The maker's word for why an answer ends, for a finish step.
    pub fn stop_word(self, stop: Stop) -> &'static str {
        let [end, length, filter, calls] = match self {
            Self::OpenAiChat | Self::Azure => ["stop", "length", "content_filter", "tool_calls"],
            Self::OpenAiResponses => [
                "completed",
                "max_output_tokens",
                "content_filter",
                "completed",
            ],
            Self::Anthropic => ["end_turn", "max_tokens", "refusal", "tool_use"],
            Self::Gemini => ["STOP", "MAX_TOKENS", "SAFETY", "STOP"],
            Self::Cohere => ["COMPLETE", "MAX_TOKENS", "ERROR", "TOOL_CALL"],
            Self::Ollama => ["stop", "length", "stop", "stop"],
        };
        match stop {
            Stop::End => end,
            Stop::Length => length,
            Stop::Filter => filter,
            Stop::Calls => calls,
        }
    }

    /// What the makers give as base URL, below the address of the server.
    pub(in super::super) fn base_path(self) -> &'static str {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => "/v1",
            Self::Gemini => "/v1beta",
            Self::Anthropic | Self::Cohere | Self::Ollama | Self::Azure => "",
        }
    }

    /// Somebody who writes an answer in this format.
    pub(in super::super) fn writer(self, asked: &Asked) -> Box<dyn Wire> {
        match self {
            Self::OpenAiChat => Box::new(OpenAiChat::new(asked, false)),
            Self::Azure => Box::new(OpenAiChat::new(asked, true)),
            Self::OpenAiResponses => Box::new(OpenAiResponses::new(asked)),
            Self::Anthropic => Box::new(Anthropic::new(asked)),
            Self::Gemini => Box::new(Gemini::new(asked)),
            Self::Cohere => Box::new(Cohere::new(asked)),
            Self::Ollama => Box::new(Ollama::new(asked)),
        }
    }

    /// Whether a request asks for a stream. Gemini says it in the path instead.
    pub(in super::super) fn wants_stream(self, body: &Value) -> bool {
        match self {
            Self::Ollama => body["stream"] != false,
            _ => body["stream"] == true,
        }
    }

    /// Refuses what the maker would refuse.
    pub(in super::super) fn check(self, body: &Value, script: &Script) -> Result<(), Refusal> {
        match self {
            Self::OpenAiChat => check::openai_chat(body, true),
            Self::Azure => check::openai_chat(body, false),
            Self::OpenAiResponses => check::openai_responses(body),
            Self::Anthropic => check::anthropic(body),
            Self::Gemini => check::gemini(body),
            Self::Cohere => check::cohere(body),
            Self::Ollama => check::ollama(body, &script.capabilities()),
        }
    }

    /// The maker's error object for a status.
    pub(in super::super) fn error(self, status: u16, retry_after: Option<&str>) -> Value {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => openai_chat::error(status),
            Self::Azure => azure::error(status),
            Self::Anthropic => anthropic::error(status),
            Self::Gemini => gemini::error(status, retry_after),
            Self::Cohere => cohere::error(status),
            Self::Ollama => ollama::error(status),
        }
    }

    /// The maker's error object for a request it does not take.
    pub(in super::super) fn refused(self, refusal: &Refusal) -> Value {
        let message = refusal.message.as_str();
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Azure => {
                openai_chat::refused(message, refusal.param.as_deref(), refusal.code)
            }
            Self::Anthropic => anthropic::refused(message),
            Self::Gemini => gemini::refused(message),
            Self::Cohere => cohere::refused(message),
            Self::Ollama => ollama::refused(message),
        }
    }

    /// The maker's error object for a prompt that is too long.
    pub(in super::super) fn context_length(self, script: &Script) -> Value {
        if let Some(error) = local::context_length(script) {
            return error;
        }
        match self {
            Self::OpenAiChat | Self::Azure => openai_chat::context_length(),
            Self::OpenAiResponses => openai_responses::context_length(),
            Self::Anthropic => anthropic::context_length(),
            Self::Gemini => gemini::context_length(),
            Self::Cohere => cohere::context_length(),
            Self::Ollama => ollama::context_length(),
        }
    }

    /// The answer to a path that the maker does not have.
    pub(in super::super) fn not_found(self) -> Value {
        match self {
            Self::Azure => azure::not_found(),
            Self::Ollama => Value::from("404 page not found"),
            _ => self.error(404, None),
        }
    }

    /// The answer to a missing key, with its status.
    pub(in super::super) fn no_key(self) -> (u16, Value) {
        match self {
            Self::Anthropic => (401, anthropic::no_key()),
            Self::Gemini => (403, gemini::error(403, None)),
            _ => (401, self.error(401, None)),
        }
    }

    /// The answer to a wrong key, with its status.
    pub(in super::super) fn wrong_key(self) -> (u16, Value) {
        match self {
            Self::Gemini => gemini::wrong_key(),
            _ => (401, self.error(401, None)),
        }
    }

    /// The list of models.
    pub(in super::super) fn models(self, script: &Script) -> Value {
        let (ids, context) = (script.model_ids(), script.context_tokens());
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Azure => local::models(script),
            Self::Anthropic => anthropic::models(&ids, context),
            Self::Gemini => gemini::models(&ids, context),
            Self::Cohere => cohere::models(&ids, context),
            Self::Ollama => ollama::tags(script),
        }
    }
}
