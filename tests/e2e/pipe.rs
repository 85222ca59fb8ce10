//! Pipe mode: one question in, the answer alone on stdout, an exit code for every ending.

mod endings;
mod files;
mod forms;
mod input;
mod sessions;
mod stops;
