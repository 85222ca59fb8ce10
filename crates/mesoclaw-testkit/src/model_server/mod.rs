//! A model provider that plays scripts: real HTTP, real streams in the wire formats of every maker
//! at once, refusals of requests they would refuse, and the faults real providers have.

mod answer;
mod body;
mod check;
mod echo;
mod obedient;
mod player;
mod record;
mod reply;
mod route;
mod script;
mod server;
mod server_kind;
mod wire;

#[cfg(test)]
mod tests;

pub use record::{Ending, RecordedRequest};
pub use script::{CallScript, Reply, Script, Step};
pub use server::ModelServer;
pub use server_kind::{LineEnding, ServerKind};
pub use wire::{Stop, WireKind};
