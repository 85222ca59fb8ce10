//! Cohere's own dialect: `POST /v2/chat`, answered by server-sent events.
//!
//! rig-core makes the body and the address (`request.rs`). What it does not do, read in rig-core
//! 0.44.0:
//!
//! * It sends images only to models of its own list and to those with `vision` in their name; to
//!   all others it sends a line of text instead, and says nothing. Which model sees is decided
//!   before the request, so here every image is sent.
//! * A `p` of 1 it refuses, since Cohere does; here it is the largest `p` there is.
//!
//! The answer is read here (`event.rs`) for the reasons [`crate::openai_chat`] has. What a model
//! plans before its calls (`tool_plan`) is told as reasoning and not sent back.

mod event;
mod request;

use mesoclaw_agent::model::{ModelError, ModelRequest};

use self::event::Answer;
use crate::dialect::{Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;

/// The dialect.
pub(crate) struct Cohere;

impl Wire for Cohere {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        request::encode(&endpoint.base_url, request)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

#[cfg(test)]
mod tests;
