//! The socket with a small real service: everything a client can do to it, over real sockets.

#![expect(clippy::panic, reason = "test helpers")]

mod service;

mod autostart;
mod bad_lines;
mod calls;
mod endpoint;
mod events;
mod handshake;
mod lock;
