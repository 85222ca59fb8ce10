//! The subcommands, one file a noun, and the way from words to one of them.

mod config;
mod dispatch;
mod doctor;
mod generate;
pub mod key;
pub mod model;
pub mod provider;

pub mod queue;
pub mod session;
pub mod usage;

pub use dispatch::main;
