//! OpenAI Responses: `POST {base}/responses`, without state at the server.
//!
//! rig-core shapes the history (`Completion::prepare`: a call without a result gets one, ids are
//! spelled as the protocol wants them, calls without tools are told as text); the body is written
//! here (`request.rs`). rig's own body does not serve, read in rig-core 0.44.0:
//!
//! * With `store: false` it always asks for `reasoning.encrypted_content`. Models that do not
//!   reason refuse that, and of the others we would throw it away: reasoning is not sent back.
//! * A text and the images said with it become one message each.
//! * What the model said gets ids that are made up (`msg_rig_0`).
//!
//! `store` is false and the whole history is sent every time, so a provider keeps nothing we
//! could not delete and every provider of this protocol works. `ModelRequest::cache_key` goes out
//! as `prompt_cache_key`.
//!
//! Not in this protocol: stop texts and seed. They are left out; a model that has a stop text set
//! and does not stop there is better than one that cannot be used. `max_output_tokens` is at
//! least 16, what the maker accepts. Reasoning summaries are not asked for (the maker gives them
//! only to some accounts), but read where a server sends them.
//!
//! The answer is read by our own reader (`answer.rs`), for the reasons in
//! [`openai_chat`](crate::openai_chat).

mod answer;
mod event;
mod request;

use mesoclaw_agent::model::{ModelError, ModelRequest};

use self::answer::Answer;
use crate::dialect::{Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;

/// The dialect.
pub(crate) struct OpenAiResponses;

impl Wire for OpenAiResponses {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        request::encode(&endpoint.base_url, request)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

#[cfg(test)]
mod tests;
