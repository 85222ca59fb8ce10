//! Anthropic Messages: `POST {base}/v1/messages`.
//!
//! rig-core's Messages wire makes the request (`request.rs`), under a dialect of our own. Not
//! taken from its `anthropic` dialect, read in rig-core 0.44.0:
//!
//! * For models that bind their thinking to a prompt it asks for adaptive thinking and sends a
//!   beta header. We do not ask for thinking and do not send any back, so there is nothing to
//!   bind.
//! * Options it does not know for a model fail the request before it is sent; what a person set
//!   goes out, and the server says what it thinks of it.
//!
//! Thinking: never asked for. Models that think anyway are read (`thinking_delta`), their
//! signatures are not kept, and their thinking is not sent back; the prompt of the next round has
//! only text, calls and results.
//!
//! Caching: the last tool, the last block of the system text and the last block of the last
//! message carry `cache_control`, so a round reads what the round before has written. A server
//! looks back twenty blocks from a marker; after a round of many parallel calls the end of the
//! message before it is marked too (four markers are allowed). `ModelRequest::cache_key` has no
//! place in this protocol.
//!
//! Sampling: models refuse `temperature` and `top_p` together, so with a temperature `top_p` stays
//! at home. There is no seed.
//!
//! Arguments of calls: the maker itself is asked to stream them as they are made
//! (`eager_input_streaming`), since it holds a long one back otherwise. Other servers of this
//! protocol are not asked: strict ones refuse a field they do not know.
//!
//! The answer is read by our own reader (`event.rs`), for the reasons in
//! [`openai_chat`](crate::openai_chat).

mod event;
mod request;

use mesoclaw_agent::model::{ModelError, ModelRequest};

use self::event::Answer;
use crate::dialect::{Outgoing, Reader, Wire};
use crate::endpoint::Endpoint;

/// The dialect.
pub(crate) struct Anthropic;

impl Wire for Anthropic {
    fn encode(&self, endpoint: &Endpoint, request: ModelRequest) -> Result<Outgoing, ModelError> {
        request::encode(&endpoint.provider_id, &endpoint.base_url, request)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }
}

#[cfg(test)]
mod tests;
