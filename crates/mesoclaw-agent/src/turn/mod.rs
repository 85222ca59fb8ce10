//! One turn: user message to final answer, as a pure machine.

mod effect;
mod event;

pub use effect::{Call, Effect};
pub use event::{Context, Event};
