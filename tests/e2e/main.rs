//! End to end tests: the real program in a temporary home, and the checks of the tree itself.
//! Nothing here looks inside a crate; what it sees is files, processes and the socket.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test helpers: a failure here is a failed test"
)]

mod tree;

mod api_document;
mod docs_in_sync;
mod tidy;

mod desk;
mod fixture;
mod process;
mod rpc;

mod counts;

mod multi_client;
mod protocol;
mod restart;
mod slow_client;

mod weights;

mod attacks;
mod chat;
mod commands;
mod foreign_server;
mod keys;
mod local_model;
mod pipe;
mod tools;
