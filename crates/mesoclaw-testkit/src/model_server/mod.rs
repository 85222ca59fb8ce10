//! A model provider that plays scripts: real HTTP, real server-sent events, the wire format of
//! OpenAI chat completions, and the faults real providers have.

mod player;
mod record;
mod script;
mod server;
mod whole;
mod wire;

#[cfg(test)]
mod tests;

pub use record::{Ending, RecordedRequest};
pub use script::{CallScript, Reply, Script, Step};
pub use server::ModelServer;
