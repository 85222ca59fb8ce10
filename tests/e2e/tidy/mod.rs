//! Checks of the tree that no compiler makes. Each check is a function from text to complaints,
//! with a bad example beside it that shows it can fail.

mod advice;
mod arrows;
mod code;
mod sources;
mod texts;

/// Fails with all complaints at once.
fn assert_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
