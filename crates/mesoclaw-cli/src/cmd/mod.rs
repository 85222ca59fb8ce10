//! The subcommands, one file a noun, and the way from words to one of them.

mod approval;
mod audit;
mod config;
mod dispatch;
mod doctor;
mod generate;
mod grant;
pub mod key;
pub mod model;
pub mod policy;
pub mod provider;
mod tool;

pub mod queue;
pub mod session;
pub mod undo;
pub mod usage;

pub use dispatch::main;
