//! The table, one file a domain, in reading order. Each file holds the wire types of its domain
//! and then its rows.

pub mod daemon;

pub mod events;

pub mod session;

pub mod chat;

pub mod approval;

pub mod grant;

pub mod policy;

pub mod tool;

pub mod audit;

pub mod checkpoint;

pub mod system;

pub mod config;

pub mod provider;

pub mod credential;

pub mod model;

pub mod usage;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of an operation that needs none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The answer of an operation that has nothing to tell but that it is done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Done {}
