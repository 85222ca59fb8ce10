//! Every command of the program, with its result.

mod config;
mod daemon;
mod doctor;
mod files;
mod general;
mod install;
mod key;
mod model;
mod provider;
mod session;
mod setup;
mod usage;
