//! The agent without the world: the turn machine, prompt assembly, policy, and the traits behind
//! which models, model files and tools live.
//!
//! Invariant: no clock, no I/O, no runtime. `async` appears in trait signatures only.

pub mod model;
pub mod model_files;
pub mod policy;
pub mod prompt;
pub mod prompted_tools;
pub mod tool;
pub mod turn;
