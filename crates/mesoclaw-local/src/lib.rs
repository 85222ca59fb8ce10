//! The embedded model engine of mesoclaw: GGUF chat models in this process, catalogue and pull.
//!
//! It answers prompts with llama.cpp and keeps model files; it knows nothing of sessions, turns
//! or configuration. Models can call tools, but it does not run them.

mod answer;
mod architectures;
mod calls;
mod catalog;
mod engine;
mod error;
mod files;
mod generate;
mod gguf;
mod grammar;
mod http;
mod import;
mod local;
mod outbox;
mod pip;
mod progress;
mod prompt;
mod pull;
mod sampler;
mod schema;
mod source;
mod stats;
mod template;
mod text;
mod vocabulary;
mod wheel;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

pub use catalog::FLOOR_MODEL;
pub use engine::LocalOptions;
pub use error::LocalError;
pub use gguf::GgufError;
pub use local::LocalEngine;
pub use stats::{AnswerTimes, EngineStats};
