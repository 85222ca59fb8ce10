//! Repositories: plain functions over a connection, one file a table. They know SQL and nothing
//! else; whoever calls them decides what belongs into one transaction.

mod row;

pub mod session;

pub mod turn;

pub mod item;

mod search;

pub mod queue;

pub mod client_message;

pub mod approval;

pub mod provider;

pub mod model;

pub mod key;

pub mod image;

pub mod setting;

pub mod model_call;

pub mod usage;

#[cfg(test)]
mod tests;
