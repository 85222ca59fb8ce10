//! Taking over a model file: from a path of this machine, or from a finished download.
//!
//! Nothing gets its final name before the header, the architecture, the hash and a trial load
//! by the engine were fine.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use mesoclaw_api::Timestamp;
use sha2::{Digest, Sha256};

use crate::catalog;
use crate::engine;
use crate::error::LocalError;
use crate::files::{self, Files, Note};
use crate::platform;

const COPY_BYTES: usize = 1024 * 1024;

/// Copies a file of this machine into the folder; gives its id.
pub(crate) fn import(files: &Files, path: &Path, id: Option<String>) -> Result<String, LocalError> {
    let id = id.unwrap_or_else(|| id_from(path));
    files::check_id(&id)?;
    if files.is_installed(&id) {
        return Err(LocalError::AlreadyInstalled { id });
    }
    let mut source = open(path)?;
    files::inspect(path)?;
    files.make_dir()?;
    let temporary = Temporary::new(
        files
            .dir()
            .join(format!(".import-{id}-{}", std::process::id())),
    );
    let sha256 = copy(path, &mut source, temporary.path(), files.dir())?;
    if let Some(expected) = catalog::entry(&id).and_then(|entry| entry.sha256.as_ref())
        && *expected != sha256
    {
        // The id stands for one file; another one needs another id.
        return Err(LocalError::HashMismatch {
            expected: expected.clone(),
            actual: sha256,
        });
    }
    let source = path.display().to_string();
    accept(files, &id, temporary.path(), sha256, &source).map_err(|error| match error {
        // People know their file, not our copy.
        LocalError::Refused { .. } => LocalError::Refused {
            path: path.to_owned(),
        },
        error => error,
    })?;
    Ok(id)
}

/// Checks a whole file in the folder and makes it the model of this id.
pub(crate) fn accept(
    files: &Files,
    id: &str,
    ready: &Path,
    sha256: String,
    source: &str,
) -> Result<(), LocalError> {
    let header = files::inspect(ready)?;
    try_load(ready)?;
    let read = |source| LocalError::Read {
        path: ready.to_owned(),
        source,
    };
    let note = Note {
        sha256,
        size_bytes: std::fs::metadata(ready).map_err(read)?.len(),
        source: source.to_owned(),
        date: Timestamp::now(),
        architecture: header.architecture,
        name: header.name,
        context_tokens: header.context_tokens,
    };
    files.install(id, ready, &note)
}

/// Lets llama.cpp read metadata, vocabulary and the shapes of all tensors, without the weights.
fn try_load(path: &Path) -> Result<(), LocalError> {
    let backend = engine::backend()?;
    let params = LlamaModelParams::default()
        .with_n_gpu_layers(0)
        .with_no_alloc(true);
    match LlamaModel::load_from_file(&backend, path, &params) {
        Ok(_) => Ok(()),
        Err(_) => Err(LocalError::Refused {
            path: path.to_owned(),
        }),
    }
}

fn open(path: &Path) -> Result<File, LocalError> {
    let not_a_file = |problem| LocalError::NotAFile {
        path: path.to_owned(),
        problem,
    };
    let read = |source| LocalError::Read {
        path: path.to_owned(),
        source,
    };
    if !path.is_absolute() {
        return Err(not_a_file("is not an absolute path"));
    }
    let found = std::fs::symlink_metadata(path).map_err(read)?;
    if found.is_symlink() {
        return Err(not_a_file("is a symbolic link: name the file it points to"));
    }
    if found.is_dir() {
        return Err(not_a_file("is a directory: name a GGUF file in it"));
    }
    if !found.is_file() {
        return Err(not_a_file("is a device, pipe or socket, not a file"));
    }
    let file = platform::open_without_links(path).map_err(read)?;
    if file.metadata().map_err(read)?.is_file() {
        Ok(file)
    } else {
        Err(not_a_file("is no ordinary file"))
    }
}

fn copy(from: &Path, source: &mut File, to: &Path, dir: &Path) -> Result<String, LocalError> {
    let read = |source| LocalError::Read {
        path: from.to_owned(),
        source,
    };
    let write = |source| LocalError::Write {
        path: to.to_owned(),
        source,
    };
    check_space(dir, source.metadata().map_err(read)?.len())?;
    let mut target = platform::private_file()
        .write(true)
        .create_new(true)
        .open(to)
        .map_err(write)?;
    let mut digest = Sha256::new();
    let mut buf = vec![0; COPY_BYTES];
    loop {
        let n_bytes = source.read(&mut buf).map_err(read)?;
        let (bytes, _) = buf.split_at(n_bytes);
        if bytes.is_empty() {
            break;
        }
        digest.update(bytes);
        target.write_all(bytes).map_err(write)?;
    }
    target.sync_all().map_err(write)?;
    Ok(files::hex(digest))
}

/// Whether the disk can take so many bytes more.
pub(crate) fn check_space(dir: &Path, needed_bytes: u64) -> Result<(), LocalError> {
    match platform::free_bytes(dir) {
        Some(free_bytes) if free_bytes < needed_bytes => Err(LocalError::DiskFull {
            needed_bytes,
            free_bytes,
        }),
        Some(_) | None => Ok(()),
    }
}

/// An id made of the file name.
fn id_from(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().to_lowercase());
    let id: String = stem
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(64)
        .collect();
    id
}

/// A file that is deleted unless it was renamed.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new(path: PathBuf) -> Self {
        // One left by a process of the same number that was killed.
        files::forget(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        files::forget(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_comes_from_the_file_name() {
        for (path, expected) in [
            (
                "/m/SmolLM2-135M-Instruct.Q4_1.gguf",
                "smollm2-135m-instruct.q4_1",
            ),
            ("/m/My model (1).gguf", "my-model--1-"),
            ("/m/..gguf", ""),
            ("/m/-x.gguf", "x"),
        ] {
            assert_eq!(id_from(Path::new(path)), expected, "{path}");
        }
    }
}
