//! Model endpoints: the only crate of mesoclaw that knows rig.
//!
//! What goes out is built by rig, what comes in is read here:
//!
//! * rig-core's types and its chat-completions wire make every request: the JSON of messages,
//!   tool calls, results and tools, the dialect's field names, the URL.
//! * The answer is read by [`openai_chat`], which says why in its own text.
//!
//! Deliberately not here: retries and waiting (the driver around `ModelClient`), the choice of a
//! provider, where keys come from.

mod endpoint;
mod error;
mod http;
mod probe;

pub mod openai_chat;

pub use endpoint::{Endpoint, ProviderError};
pub use openai_chat::openai_compatible;
pub use probe::{Probe, list_models, probe};
