//! Settings of a script that are not about the answer: which program the server passes for, and
//! how its bytes are cut into lines.

use serde::{Deserialize, Serialize};

/// Which program a scripted server passes for.
///
/// It decides which paths exist beside the answers themselves, and what the list of models looks
/// like where several makers share its path.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerKind {
    /// Every wire format at once, as the hosted makers speak them, and Ollama's.
    #[default]
    Any,
    /// Cohere alone: `GET /v1/models` is Cohere's list, not OpenAI's.
    Cohere,
    /// A llama.cpp server: `/health`, `/props`, a list of models with `meta`.
    LlamaCpp,
    /// LM Studio: `/api/v0/models`.
    LmStudio,
    /// vLLM: `/version`, `/health`, a list of models with `max_model_len`.
    Vllm,
    /// Ollama alone: `/api/...`, and `/v1/...` beside it.
    Ollama,
}

/// How a stream ends its lines.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnding {
    /// A line feed.
    #[default]
    Lf,
    /// Carriage return and line feed. The bytes of a raw step stay as they are.
    Crlf,
}
