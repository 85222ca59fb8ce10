//! Putting a file back as it was: by handle, never through a link, and only over what was looked at.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::FileError;
use crate::workspace::{Place, Seen};

/// Largest file that is read to find out whether it changed.
const MAX_BYTES: u64 = 1 << 30;

/// What is at a path now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Now {
    /// Nothing.
    Nothing,
    /// A file.
    File {
        /// SHA-256 of its content.
        sha256: [u8; 32],
        /// Which file exactly.
        seen: Seen,
    },
}

/// What is at an absolute, resolved path now.
///
/// # Errors
/// A sentence: a link or something else that is no file is there.
pub fn look(path: &Path) -> Result<Now, String> {
    let place = match Place::open(path) {
        Err(FileError::Find { .. }) => return Ok(Now::Nothing),
        place => place.map_err(|error| error.sentence())?,
    };
    let file = place.existing().map_err(|error| error.sentence())?;
    let Some(mut file) = file else {
        return Ok(Now::Nothing);
    };
    let seen = *file.seen();
    if seen.identity.size_bytes > MAX_BYTES {
        return Err("it is too large to be compared".to_owned());
    }
    let content = file
        .read_up_to(MAX_BYTES)
        .map_err(|error| error.sentence())?;
    Ok(Now::File {
        sha256: Sha256::digest(&content).into(),
        seen,
    })
}

/// Puts a content with its permission bits where `now` was looked at, or removes what is there.
///
/// # Errors
/// A sentence: it changed since it was looked at, or the disk refused.
pub fn put_back(
    path: &Path,
    before: Option<(Vec<u8>, Option<u32>)>,
    now: &Now,
) -> Result<(), String> {
    let put = || -> Result<(), FileError> {
        match (before, now) {
            (None, Now::Nothing) => Ok(()),
            (None, Now::File { seen, .. }) => Place::open(path)?.remove(seen),
            (Some((content, mode)), now) => {
                let place = Place::create(path)?;
                let seen = match now {
                    Now::Nothing => None,
                    Now::File { seen, .. } => Some(seen),
                };
                place.replace(&content, seen)?;
                set_mode(&place, mode);
                Ok(())
            }
        }
    };
    put().map_err(|error| error.sentence())
}

/// The content is back already; only its permission bits may be others then.
#[cfg(unix)]
fn set_mode(place: &Place, mode: Option<u32>) {
    use std::os::unix::fs::PermissionsExt;
    let Some(mode) = mode else {
        return;
    };
    if let Ok(Some(file)) = place.existing() {
        let permissions = std::fs::Permissions::from_mode(mode & 0o7777);
        if let Err(error) = file.file().set_permissions(permissions) {
            tracing::warn!(%error, "permission bits not put back");
        }
    }
}

#[cfg(not(unix))]
fn set_mode(_place: &Place, _mode: Option<u32>) {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_removed_file_comes_back_with_its_permission_bits() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap().join("dir/run.sh");
        assert_eq!(look(&path), Ok(Now::Nothing));
        let before = Some((b"#!/bin/sh\n".to_vec(), Some(0o750)));
        assert_eq!(put_back(&path, before, &Now::Nothing), Ok(()));
        assert_eq!(std::fs::read(&path).unwrap(), b"#!/bin/sh\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
    }

    #[test]
    fn what_changed_since_the_look_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap().join("a");
        std::fs::write(&path, "one").unwrap();
        let now = look(&path).unwrap();
        std::fs::write(&path, "another").unwrap();
        assert!(put_back(&path, None, &now).is_err());
        assert!(put_back(&path, Some((b"zero".to_vec(), None)), &now).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"another");
        let now = look(&path).unwrap();
        assert_eq!(put_back(&path, None, &now), Ok(()));
        assert!(!path.exists());
    }
}
