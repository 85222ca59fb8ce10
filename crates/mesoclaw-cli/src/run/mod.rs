//! What talks to the agent: one question (`pipe.rs`), a conversation (`chat.rs`), the daemon's life
//! (`daemon.rs`), the first set-up (`setup.rs`).
//!
//! Reading order: `plan.rs`, `input.rs`, `view.rs` (what a turn shows), `render.rs` (how it looks),
//! `follow.rs` (the loop), `approve.rs` (the question about a call), `pipe.rs`.

pub mod answer_file;
pub mod approve;
pub mod attach;
pub mod audience;
pub mod background;
pub mod chat;
pub mod conversation;
pub mod daemon;
pub mod editor;
pub mod follow;
pub mod input;
pub mod logs;
pub mod offer;
pub mod pipe;
pub mod plan;
pub mod pull;
pub mod question;
pub mod render;
pub mod service;
pub mod setup;
pub mod slash;
pub mod stops;
pub mod view;
