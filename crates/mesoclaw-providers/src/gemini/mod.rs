//! The Gemini dialect: `POST /models/MODEL:streamGenerateContent`, answered by server-sent events.
//!
//! rig-core makes the body (`request.rs`): contents and their parts, declarations of functions
//! with the JSON schema as it is (`parametersJsonSchema` takes all of it, so nothing has to be
//! stripped), ids of calls for the models that take them. What it does not do, read in rig-core
//! 0.44.0:
//!
//! * Its address has the key in the query and the version in the path. Ours is made here; the key
//!   goes into a header.
//! * Signatures of calls come out of its own reader; ours come out of the conversation and are put
//!   where rig looks for them. A call without one (another model made it) gets rig's placeholder,
//!   which Gemini documents for this.
//! * It asks for no thoughts. We ask the models that think: without them such a model is silent
//!   for as long as it thinks, and nobody sees why.
//! * An image of a kind that Gemini does not read would become a line of text; here it is an error.
//!
//! The answer is read here (`chunk.rs`) for the reasons [`crate::openai_chat`] has. There is no
//! last event: an answer is whole when a finish reason was there and the body ends.
//!
//! Not sent back: signatures of parts that are no calls. Gemini recommends them, it does not
//! require them, and a conversation has no place for them.

mod chunk;
mod request;

use mesoclaw_agent::model::{ModelError, ModelRequest};

use self::chunk::Answer;
use crate::dialect::{Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;

/// The dialect.
pub(crate) struct Gemini;

impl Wire for Gemini {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        request::encode(&endpoint.base_url, request)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

#[cfg(test)]
mod tests;
