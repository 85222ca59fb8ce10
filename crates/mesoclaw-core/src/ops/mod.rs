//! Handlers of operations, one file a domain: check, call the service, convert.

mod approval;
mod chat;
mod config;
mod credential;
mod daemon;
mod events;
mod model;
mod provider;
mod session;
mod usage;

pub(crate) use chat::new_session;
