//! Files outside the workspace that a command is to write and that are not there yet. They are made
//! before it runs, so that a right to the file is enough and its directory stays closed.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::Roots;

use super::bounds::is_delicate;
use crate::workspace::Place;

/// Files that were made for a command. Dropping it removes those that are still empty.
#[derive(Default)]
pub(super) struct Created {
    paths: Vec<PathBuf>,
}

impl Created {
    /// Makes those of the files that are missing. Blocking.
    pub(super) fn create(roots: &Roots, opened: &[PathBuf]) -> Self {
        let mut created = Self::default();
        for path in opened {
            let is_inside = [roots.workspace.as_ref(), Some(&roots.temp)]
                .into_iter()
                .flatten()
                .any(|root| path.starts_with(root));
            if !is_inside && is_creatable(path, roots) && make(path) {
                created.paths.push(path.clone());
            }
        }
        created
    }

    /// Leaves the files where they are when the command succeeded, and removes those that are still
    /// empty when it failed.
    pub(super) async fn settle(mut self, success: bool) {
        if success {
            self.paths.clear();
        }
        if self.paths.is_empty() {
            return;
        }
        // It breaks down only with the whole program.
        tokio::task::spawn_blocking(move || drop(self)).await.ok();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        for path in &self.paths {
            // A file that stays behind is empty, and harms nobody.
            remove_empty(path);
        }
    }
}

fn is_creatable(path: &Path, roots: &Roots) -> bool {
    path.symlink_metadata().is_err()
        && path
            .parent()
            .is_some_and(|parent| parent.is_dir() && !is_delicate(parent, roots))
}

/// Whether the file was made now: it takes the place of nothing, and no link is followed.
fn make(path: &Path) -> bool {
    Place::open(path).is_ok_and(|place| place.replace(&[], None).is_ok())
}

fn remove_empty(path: &Path) {
    let Ok(place) = Place::open(path) else {
        return;
    };
    if let Ok(Some(file)) = place.existing()
        && file.seen().identity.size_bytes == 0
    {
        place.remove(file.seen()).ok();
    }
}
