//! The core from outside: operations in, events, stored items and requests to providers out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test helpers"
)]

mod approvals;
mod audits;
mod bad_days;
mod budgets;
mod capabilities;
mod checkpoints;
mod executed_tools;
mod fallbacks;
mod grants;
mod images;
mod key_origins;
mod keys;
mod lent_keys;
mod policies;
mod provider_tests;
mod providers;
mod rotation;
mod routing;
mod sessions;
mod support;
mod taint;
mod tool_secrets;
mod usage;
mod workspaces;
