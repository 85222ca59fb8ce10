//! Ollama's own dialect: `POST /api/chat`, answered by a JSON object a line.
//!
//! Ollama speaks chat completions as well, but there a request cannot say how long the context is
//! to be. Ollama's default is short, and it cuts a longer prompt from the front without a word:
//! the system text and the tools are the first to go. So a request names the context size
//! (`num_ctx`), and `show.rs` reads from the server what the model can take, once per model.
//!
//! rig-core makes the body and the address (`request.rs`): messages with bare base64 images,
//! results under the name of their tool, sampling under `options`. What it does not do is to ask
//! the server about the model. The answer is read here (`record.rs`) for the reasons
//! [`crate::openai_chat`] has; a call comes whole, with its arguments as an object.
//!
//! Not sent: `keep_alive`; how long a model stays loaded is the affair of who runs the server.

mod record;
pub(crate) mod request;
pub(crate) mod show;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use mesoclaw_agent::model::{ModelError, ModelRequest};
use tokio::time::timeout;

use self::record::Answer;
use self::show::Shown;
use crate::dialect::{Framing, Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;
use crate::http::Http;

/// Models that are known at a time. A client asks for one or two; more would be a fault somewhere.
const MAX_MODELS: usize = 64;

/// The dialect, with what the server told about its models.
#[derive(Default)]
pub(crate) struct Ollama {
    models: Mutex<HashMap<String, Shown>>,
}

impl Ollama {
    fn models(&self) -> MutexGuard<'_, HashMap<String, Shown>> {
        // Every change is one insertion: there is no half-made state to fear.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire for Ollama {
    fn prepare<'a>(&'a self, http: &'a Http, model: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if self.models().contains_key(model) {
                return;
            }
            // The first token is waited for once, so half of that time is left for the answer.
            let limit = show::LIMIT.min(http.endpoint.first_token_timeout / 2);
            // What could not be read is asked again before the next request.
            if let Ok(Some(shown)) = timeout(limit, show::ask(http, model)).await {
                let mut models = self.models();
                if models.len() >= MAX_MODELS {
                    models.clear();
                }
                models.insert(model.to_owned(), shown);
            }
        })
    }

    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        let shown = self.models().get(&request.model).cloned();
        let shown = shown.unwrap_or_default();
        request::check_length(endpoint, &shown, &request)?;
        request::encode(&endpoint.base_url, &shown, request)
    }

    fn lacks_tools(&self, model: &str) -> bool {
        let models = self.models();
        let can = models.get(model).and_then(|shown| shown.can("tools"));
        can == Some(false)
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

#[cfg(test)]
mod tests;
