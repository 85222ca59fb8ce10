//! Files on systems without `openat`: each part of a path is looked at for links before it is
//! opened, and the handle is looked at once more. A swap in the moment between is not prevented
//! here, unlike on Unix.

mod directory;
mod metadata;
mod place;

pub use directory::{Directory, OpenFile};
pub use place::Place;

pub(crate) use metadata::{
    identity_of, is_executable, kind_of_special, links, others_may_write, own_by_others,
    user_may_write,
};
