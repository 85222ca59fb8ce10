//! Attacks on the whole daemon, by their numbers in `docs/attack-cases.md`. What one crate can show
//! alone stands in that crate; the table there says where.

mod files;
mod injections;
mod machine;
mod map;
mod network;
mod shell;
