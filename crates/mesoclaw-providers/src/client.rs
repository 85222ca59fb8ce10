//! A model client of an endpoint: its dialect over its connection.

use std::sync::Arc;

use mesoclaw_agent::model::{ModelClient, ModelRequest, ModelStream};

use crate::answer;
use crate::anthropic::Anthropic;
use crate::azure::Azure;
use crate::cohere::Cohere;
use crate::dialect::{Dialect, Wire};
use crate::endpoint::{Endpoint, ProviderError};
use crate::gemini::Gemini;
use crate::http::Http;
use crate::ollama::Ollama;
use crate::openai_chat::OpenAiChat;
use crate::openai_responses::OpenAiResponses;

/// A model client over one endpoint.
pub(crate) struct RemoteModel {
    pub(crate) http: Arc<Http>,
    pub(crate) wire: Arc<dyn Wire>,
}

impl ModelClient for RemoteModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        answer::start(Arc::clone(&self.http), &self.wire, request)
    }
}

/// A model client for an endpoint.
///
/// Nothing is connected, read or allocated for the network before the first request; the
/// connections are then kept for the life of the client, so keep it.
///
/// # Errors
/// When address or key cannot be used; the network is not touched.
pub fn client(endpoint: Endpoint) -> Result<Arc<dyn ModelClient>, ProviderError> {
    let wire = wire(&endpoint)?;
    Ok(Arc::new(RemoteModel {
        http: Arc::new(Http::new(endpoint)?),
        wire,
    }))
}

fn wire(endpoint: &Endpoint) -> Result<Arc<dyn Wire>, ProviderError> {
    Ok(match endpoint.dialect {
        Dialect::OpenAiChat => Arc::new(OpenAiChat),
        Dialect::Azure => Arc::new(Azure),
        Dialect::OpenAiResponses => Arc::new(OpenAiResponses),
        Dialect::Anthropic => Arc::new(Anthropic),
        Dialect::Gemini => Arc::new(Gemini),
        Dialect::Cohere => Arc::new(Cohere),
        Dialect::Ollama => Arc::new(Ollama::default()),
        Dialect::Local => {
            return Err(ProviderError::AcceptDialect {
                provider_id: endpoint.provider_id.clone(),
            });
        }
    })
}

#[cfg(test)]
mod tests;
