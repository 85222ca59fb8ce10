//! The policy from outside: attack cases, properties, and what real shells do.
#![expect(clippy::unwrap_used, reason = "test support")]

mod attacks;
mod gaps;
mod imagined_disk;
mod properties;
mod reality;
