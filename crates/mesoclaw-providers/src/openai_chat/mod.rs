//! The chat-completions dialect: any server that speaks OpenAI's `POST /chat/completions`.
//!
//! rig-core makes the request (`request.rs`): its message and tool types, the preparation of the
//! history, the JSON body with the dialect's field names, the URL. The answer does not go
//! through rig's client. What that client cannot give, read in rig-core 0.44.0:
//!
//! * Cost: every chunk is parsed three times (error envelope, value, rebuilt document) and the
//!   whole answer is kept twice; ours is parsed once into the fields we use.
//! * Tool calls: its events carry neither the provider's id before the end of the call nor the
//!   index, and arguments that are not JSON are repaired. A turn needs the pieces as they came.
//! * Endings: an unknown `finish_reason` fails the whole turn, `[DONE]` without one counts as cut
//!   off. Compatible servers do both.
//! * Time-outs: it has none for the first token or between two.
//! * Servers that answer a streaming request with one JSON object are refused by content type.
//! * Its bundled HTTP client is one for all and follows redirects; ours is made per endpoint at
//!   the first request (`http.rs`).
//!
//! Status, headers and error bodies do come through rig's client; they are read here too since
//! the answer is.
//!
//! Not sent: `ModelRequest::cache_key`; compatible servers match prefixes by themselves, and
//! strict ones refuse fields they do not know.

mod chunk;
mod request;
mod sse;
mod stream;

use std::sync::Arc;

use mesoclaw_agent::model::{ModelClient, ModelRequest, ModelStream};

use crate::endpoint::{Endpoint, ProviderError};
use crate::http::Http;

/// A client of one compatible endpoint.
pub(crate) struct OpenAiCompatible {
    pub(crate) http: Arc<Http>,
}

impl OpenAiCompatible {
    pub(crate) fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        Ok(Self {
            http: Arc::new(Http::new(endpoint)?),
        })
    }
}

impl ModelClient for OpenAiCompatible {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        stream::start(Arc::clone(&self.http), request)
    }
}

/// A model client for an endpoint that speaks the OpenAI chat completions protocol.
///
/// Nothing is connected, read or allocated for the network before the first request; the
/// connections are then kept for the life of the client, so keep it.
///
/// # Errors
/// When address or key cannot be used; the network is not touched.
pub fn openai_compatible(endpoint: Endpoint) -> Result<Arc<dyn ModelClient>, ProviderError> {
    Ok(Arc::new(OpenAiCompatible::new(endpoint)?))
}

#[cfg(test)]
mod tests;
