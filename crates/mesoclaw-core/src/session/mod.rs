//! How a turn flows through this folder.
//!
//! `registry.rs` finds or starts the actor of a session. `actor.rs` owns the mailbox and the queue
//! (`queue.rs`) and runs one turn at a time; `turn.rs` runs that turn: it feeds the pure machine of
//! `mesoclaw-agent` and executes its effects. `model_call.rs` drives one model call with retries.
//! `teller.rs` stores and tells in order: durable first, then told.

mod actor;
mod command;
mod first_write;
mod happening;
mod model_call;
mod queue;
mod registry;
mod teller;
mod title;
mod tools;
mod turn;
mod turn_start;
mod write;

pub(crate) use command::{Command, Message};
pub(crate) use model_call::CallParts;
pub(crate) use registry::{Registry, SessionParts};
pub(crate) use title::title_from;
