//! Line codec, local socket, server loop, client and autostart of mesoclaw.
//!
//! JSON-RPC 2.0, one object a line, over a Unix socket or a named pipe. Reading order: `codec.rs`,
//! `endpoint.rs`, `server.rs`, `connection.rs`, `outbox.rs`, `client.rs`, `autostart.rs`. What the
//! operations mean is not known here.

pub mod codec;

mod error;
mod limits;

pub mod endpoint;

pub mod peer;

pub mod lock;

pub mod server;

mod connection;
mod handshake;
mod outbox;
mod request;

pub mod client;

pub mod autostart;

#[cfg(unix)]
#[path = "unix.rs"]
mod platform;
#[cfg(not(unix))]
#[path = "windows.rs"]
mod platform;

pub use autostart::{StartPlan, connect_or_start};
pub use client::{Client, ClientOptions, Events, PendingHello};
pub use endpoint::{Endpoint, Listener, Stream};
pub use error::{Found, IpcError};
pub use lock::{DaemonLock, LockError, LockInfo};
pub use server::{ServerOptions, ServerStats, Service, serve};
