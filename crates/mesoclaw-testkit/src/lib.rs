//! Test tools of mesoclaw: a scripted provider server, a web site, a temporary home, a daemon as a
//! child process, and a PTY with a screen. Only tests and benches depend on it. Unix only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test helpers: a failure here is a failed test"
)]

pub mod daemon;
pub mod home;
pub mod model_server;
pub mod pty;
pub mod site;

mod wait;
