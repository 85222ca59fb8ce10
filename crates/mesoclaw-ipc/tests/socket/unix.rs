//! The socket with a small real service: everything a client can do to it, over real sockets.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test helpers")]
#![expect(clippy::panic, reason = "test helpers")]

mod service;

mod autostart;
mod bad_lines;
mod calls;
mod endpoint;
mod events;
mod handshake;
mod lock;
