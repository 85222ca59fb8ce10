//! Handlers of operations, one file a domain: check, call the service, convert.

mod approval;
mod audit;
pub(crate) mod chat;
mod checkpoint;
mod config;
mod credential;
mod daemon;
mod events;
mod grant;
mod model;
pub(crate) mod policy;
mod provider;
mod session;
mod system;
mod tool;
mod usage;

pub(crate) use chat::new_session;
