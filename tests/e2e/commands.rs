//! Every command of the program, with its result.

mod config;
mod daemon;
mod doctor;
mod general;
mod install;
mod model;
mod provider;
mod session;
