//! The policy: whether a call may run, and why. One pure function for calls of the model, of
//! `tool.execute`, of plugins and of jobs.
//!
//! A tool says what a call would do ([`Action`]). [`Inquiry::new`] reads commands and lists what
//! must be known about the disk ([`Questions`]). Somebody else looks that up ([`Facts`]), and
//! [`decide`] judges. Nothing here reads the disk, the clock or the environment.

mod action;
mod autonomy;
mod decide;
mod decision;
mod digest;
mod environment;
mod facts;
mod git_config;
mod given;
mod glob;
mod grant;
mod inquiry;
mod judge;
mod paths;
mod pattern;
mod programs;
mod rules;
mod shell;
mod show;

pub use action::Action;
pub use autonomy::Autonomy;
pub use decide::{Situation, decide};
pub use decision::{Decision, Effect, Step, Verdict};
pub use environment::{CHILD_ENVIRONMENT, CHILD_ENVIRONMENT_INHERITED, SHELL_ARGS};
pub use facts::{
    BELOW_MAX, Below, Facts, FileIdentity, GLOB_MATCHES_MAX, GlobMatch, PathFact, PathKind,
    ProgramFact, RepositoryFact, Roots, SandboxFact,
};
pub use git_config::git_config_runs;
pub use given::{GivenError, check_given};
pub use grant::{Coverage, would_cover};
pub use inquiry::{Inquiry, PathQuestion, Questions};
pub use paths::{Area, NotAWorkspace, Place, check_workspace, place};
pub use pattern::{Pattern, PatternError};
pub use programs::{KnownProgram, known_programs};
pub use rules::{RuleInfo, rules};
pub use show::{escaped, shell_words};
