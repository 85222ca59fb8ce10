//! Repositories: plain functions over a connection, one file a table. They know SQL and nothing
//! else; whoever calls them decides what belongs into one transaction.

mod row;

mod lookup;

pub mod session;

pub mod turn;

pub mod item;

mod search;

pub mod tool_call;

pub mod queue;

pub mod client_message;

pub mod approval;

pub mod grant;

pub mod audit;

pub mod checkpoint;

pub mod provider;

pub mod model;

pub mod key;

pub mod image;

pub mod setting;

pub mod model_call;

pub mod usage;

pub use lookup::Lookup;

#[cfg(test)]
mod tests;
