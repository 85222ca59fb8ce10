//! What a dialect is: how a prompt becomes a request, and how events become an answer. One module
//! for each is beside this one; everything they share (connection, time-outs, framing, error
//! classes) is not their business.

use std::collections::VecDeque;

use futures_util::future::{BoxFuture, ready};
use mesoclaw_agent::model::{ModelDelta, ModelError, ModelRequest};
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::http::Http;

/// The protocols that are spoken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI chat completions, and everything compatible with it.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// OpenAI Responses.
    #[serde(rename = "openai_responses")]
    OpenAiResponses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini `streamGenerateContent`.
    Gemini,
    /// Cohere chat, version 2.
    Cohere,
    /// Ollama's own `/api/chat`.
    Ollama,
    /// Chat completions under Azure's addresses.
    Azure,
    /// The embedded engine: not spoken over a network.
    Local,
}

impl Dialect {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Cohere,
        Self::Ollama,
        Self::Azure,
        Self::Local,
    ];

    /// The word in catalogue, database and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
            Self::Azure => "azure",
            Self::Local => "local",
        }
    }

    /// The dialect of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == word)
    }

    /// How the dialect's maker takes a key.
    pub fn auth(self) -> Auth {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::Cohere | Self::Ollama => Auth::Bearer,
            Self::Anthropic => Auth::Header("x-api-key".to_owned()),
            Self::Gemini => Auth::Header("x-goog-api-key".to_owned()),
            Self::Azure => Auth::Header("api-key".to_owned()),
            Self::Local => Auth::None,
        }
    }
}

/// How a key is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// In a header of this name, bare.
    Header(String),
    /// Not at all.
    None,
}

impl Auth {
    /// The word in catalogue and database: `bearer`, `header:NAME`, `none`.
    pub fn word(&self) -> String {
        match self {
            Self::Bearer => "bearer".to_owned(),
            Self::Header(name) => format!("header:{name}"),
            Self::None => "none".to_owned(),
        }
    }

    /// The style of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "bearer" => Some(Self::Bearer),
            "none" => Some(Self::None),
            _ => {
                let name = word.strip_prefix("header:")?;
                HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some(Self::Header(name.to_owned()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::from_word(&word)
            .ok_or_else(|| serde::de::Error::custom(format!("`{word}` is no way to send a key")))
    }
}

/// A request ready to go, but for the key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Outgoing {
    /// The whole address.
    pub(crate) url: String,
    /// Headers of the dialect, without key and content type.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON.
    pub(crate) body: Vec<u8>,
}

/// How a body is cut into events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// Server-sent events; only their `data:` is kept.
    Sse,
    /// One JSON value a line.
    Lines,
}

/// One dialect.
pub(crate) trait Wire: Send + Sync {
    /// Asks the server what a request for this model depends on; most dialects ask nothing. What
    /// cannot be learned is no failure: the request is then made without.
    fn prepare<'a>(&'a self, _http: &'a Http, _model: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    /// Makes the request for a streamed answer.
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError>;

    /// Whether the server said that this model takes no tools: they are then put into the prompt.
    fn lacks_tools(&self, _model: &str) -> bool {
        false
    }

    /// How the answer is cut into events.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Reads one answer.
    fn reader(&self) -> Box<dyn Reader>;
}

/// What an event means for the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// More may follow.
    More,
    /// The answer is over; [`Reader::finish`] comes next.
    Last,
}

/// Why an event ends the stream.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is not an event of this dialect; in words.
    NotUnderstood(String),
    /// The provider reports an error inside the stream; the object that says so.
    Reported(Value),
}

/// The reading of one answer.
pub(crate) trait Reader: Send + Sync {
    /// Takes the data of one event, or a whole answer of a server that does not stream, and
    /// appends what it says to `out`. Events of an unknown kind say nothing.
    fn take(&mut self, event: &[u8], out: &mut VecDeque<ModelDelta>) -> Result<Taken, Fault>;

    /// Whether the provider said why the answer ends: then a closed connection is no failure.
    fn is_finished(&self) -> bool;

    /// The last words: usage where it was told, and `Stop`.
    fn finish(&mut self, out: &mut VecDeque<ModelDelta>);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_word(dialect.as_str()), Some(dialect));
            assert_eq!(
                serde_json::to_value(dialect).unwrap(),
                Value::from(dialect.as_str())
            );
            assert_eq!(
                Auth::from_word(&dialect.auth().word()),
                Some(dialect.auth())
            );
        }
        for word in ["", "header:", "header:a b", "basic"] {
            assert_eq!(Auth::from_word(word), None, "{word}");
        }
    }
}
