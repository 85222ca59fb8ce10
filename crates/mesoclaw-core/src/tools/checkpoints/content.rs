//! Contents of files, kept once each under their SHA-256.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::images::hex;
use crate::tools::blocking;
use crate::tools::platform::{create_private_dir, create_private_file};

/// A directory of contents.
#[derive(Clone)]
pub(super) struct Contents {
    dir: PathBuf,
}

impl Contents {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps a content, durably; gives its hash.
    ///
    /// # Errors
    /// A sentence.
    pub async fn put(&self, content: Vec<u8>) -> Result<String, String> {
        let this = self.clone();
        blocking(move || this.put_now(&content)).await
    }

    /// A kept content.
    ///
    /// # Errors
    /// A sentence: it is gone, or no longer what its name says.
    pub async fn get(&self, hash: String) -> Result<Vec<u8>, String> {
        let path = self.path(&hash);
        blocking(move || {
            let content = std::fs::read(&path)
                .map_err(|error| format!("what it was before cannot be read ({error})"))?;
            if hash_of(&content) != hash {
                return Err("what it was before was damaged on the disk".to_owned());
            }
            Ok(content)
        })
        .await
    }

    /// Removes contents.
    pub async fn remove(&self, hashes: Vec<String>) {
        let paths: Vec<PathBuf> = hashes.iter().map(|hash| self.path(hash)).collect();
        blocking(move || {
            for path in paths {
                remove_file(&path);
            }
            Ok(())
        })
        .await
        .ok();
    }

    /// Removes every content but these.
    pub async fn retain(&self, hashes: BTreeSet<String>) {
        let dir = self.dir.clone();
        blocking(move || {
            let folders = std::fs::read_dir(&dir).into_iter().flatten().flatten();
            for folder in folders {
                let files = std::fs::read_dir(folder.path())
                    .into_iter()
                    .flatten()
                    .flatten();
                for file in files {
                    let is_kept = file
                        .file_name()
                        .to_str()
                        .is_some_and(|name| hashes.contains(name));
                    if !is_kept {
                        remove_file(&file.path());
                    }
                }
            }
            Ok(())
        })
        .await
        .ok();
    }

    fn put_now(&self, content: &[u8]) -> Result<String, String> {
        let hash = hash_of(content);
        let path = self.path(&hash);
        if path.exists() {
            return Ok(hash);
        }
        let kept = write_durably(&path, content);
        kept.map_err(|error| {
            format!(
                "what the file was before could not be kept ({error}), so it is not changed; \
                 is the disk full?"
            )
        })?;
        Ok(hash)
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.dir.join(hash.get(..2).unwrap_or("00")).join(hash)
    }
}

fn write_durably(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    create_private_dir(folder)?;
    let unfinished = folder.join(format!("unfinished-{}", mesoclaw_api::CallId::random()));
    let mut file = create_private_file(&unfinished)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        remove_file(&unfinished);
    }
    written
}

fn remove_file(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "a kept content was not removed");
    }
}

pub(super) fn hash_of(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}
