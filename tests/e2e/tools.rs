//! Tools as a new user meets them: asked for in words, judged, asked about, run, written down,
//! undone.

mod audit;
mod commands;
mod first_steps;
mod limits;
mod restarts;
mod sandbox;
mod scopes;
mod taint;
mod unasked;
mod undo;
mod waiting;
