//! The mesoclaw command.
fn main() {}
