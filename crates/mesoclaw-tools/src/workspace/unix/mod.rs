//! Files by handle on Unix.

mod directory;
mod metadata;
mod place;
mod walk;

pub use directory::{Directory, OpenFile};
pub use place::Place;

#[cfg(test)]
pub(in crate::workspace) use walk::step_by_step;

pub(crate) use metadata::{
    identity_of, is_executable, kind_of_special, links, others_may_write, own_by_others,
    user_may_write,
};
