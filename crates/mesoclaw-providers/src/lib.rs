//! Model endpoints: the only crate of mesoclaw that knows rig.
//!
//! One module a dialect ([`Dialect`]): how a prompt becomes a request, mostly with rig's wires, and
//! how the events of an answer become deltas, always with a reader of our own (`openai_chat` says
//! why). What they share is beside them: the connection ([`client()`]), time-outs, framing, the
//! classes of errors. `docs/providers.md` has every dialect through every case, and each difference.
//!
//! Also here: the catalogue of known providers, the list of an endpoint's models, a try with a
//! model, and the search for servers on this machine.
//!
//! Deliberately not here: retries and waiting (the driver around `ModelClient`), the choice of a
//! provider, where keys come from.

mod answer;
pub mod catalog;
mod client;
mod deltas;
mod detect;
mod dialect;
mod endpoint;
mod error;
mod framing;
mod http;
mod models;
mod origin;
mod probe;
mod proxy;
mod rig_messages;

mod anthropic;
mod cohere;
mod gemini;
mod ollama;

mod azure;
mod openai_chat;
mod openai_responses;

#[cfg(test)]
mod test_support;

pub use client::client;
pub use detect::{DetectPorts, Detected, ServerKind, detect};
pub use dialect::{Auth, Dialect};
pub use endpoint::{Endpoint, ProviderError};
pub use models::{ListedModel, list_models};
pub use origin::{is_loopback, origin};
pub use probe::{Probe, probe};
