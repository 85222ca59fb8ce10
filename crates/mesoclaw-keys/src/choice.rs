//! `keystore.json`: the place a person chose for keys.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::KeyError;
use crate::status::Backend;

const FILE: &str = "keystore.json";
const LIMIT_BYTES: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Choice {
    backend: Backend,
}

/// What was chosen, or `None` when nobody did.
pub(crate) fn read(directory: &Path) -> Result<Option<Backend>, KeyError> {
    let path = path(directory);
    let Some(bytes) = disk::read_private(&path, LIMIT_BYTES)? else {
        return Ok(None);
    };
    match serde_json::from_slice::<Choice>(&bytes) {
        Ok(choice) => Ok(Some(choice.backend)),
        Err(source) => Err(KeyError::DecodeChoice { path, source }),
    }
}

/// Writes it down. The caller holds the lock of the directory.
pub(crate) fn write(directory: &Path, backend: Backend) -> Result<(), KeyError> {
    let path = path(directory);
    match serde_json::to_vec(&Choice { backend }) {
        Ok(bytes) => disk::write_private(&path, &bytes),
        Err(source) => Err(KeyError::DecodeChoice { path, source }),
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}
