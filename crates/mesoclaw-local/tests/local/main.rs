//! The engine and its files with the real model; one binary, so that the model is had once.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test helpers: a failure here is a failed test"
)]

mod answers;
mod model_files;
mod server;
mod support;
#[path = "../tool_prompts/mod.rs"]
mod tool_prompts;
mod tools;
