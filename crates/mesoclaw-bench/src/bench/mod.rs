//! The benches, one a file, in the order they run.

pub(crate) mod daemon_start;

pub(crate) mod idle;

pub(crate) mod pipe;

pub(crate) mod stream;

pub(crate) mod dialects;

pub(crate) mod dialect_memory;

pub(crate) mod sessions;

pub(crate) mod clients;

pub(crate) mod local;

pub(crate) mod sizes;

pub(crate) mod store;

pub(crate) mod policy;

pub(crate) mod sandbox;

mod side_by_side;

pub(crate) mod file_search;

pub(crate) mod content_search;
