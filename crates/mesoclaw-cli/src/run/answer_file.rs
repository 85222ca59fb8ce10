//! Where the answer goes: stdout, or the file of `-o`.
//!
//! A file is written beside its target as the answer comes and renamed when the turn completed. A
//! turn that did not complete leaves the old file alone and keeps its part under the other name.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

use crate::exit::{CliError, CliResult};
use crate::run::stops::{Stop, Stops};
use crate::term::write_stdout;

/// How long a reader that takes nothing is left alone before the next try.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Where the answer goes.
#[derive(Debug)]
pub enum Target {
    /// Stdout.
    Stdout,
    /// A file that is renamed at the end.
    Part {
        /// The open part.
        file: File,
        /// Its name.
        part: PathBuf,
        /// The name it gets.
        path: PathBuf,
    },
    /// Something that cannot be renamed: a device, a pipe with a name.
    Special {
        /// The open file.
        file: File,
        /// Its name.
        path: PathBuf,
    },
}

impl Target {
    /// Opens the file of `-o`.
    ///
    /// # Errors
    /// It is a directory, or its directory is not writable.
    pub fn open(path: &Path) -> CliResult<Self> {
        // A link stays a link: what it leads to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Err(CliError::usage_hint(
                format!("{} is a directory", path.display()),
                "name a file: -o FILE",
            )),
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(&path);
                let file = file.map_err(|error| CliError::file("open", &path, &error))?;
                Ok(Self::Special { file, path })
            }
            Ok(_) => Self::open_part(path),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::open_part(path),
            Err(error) => Err(CliError::file("look at", &path, &error)),
        }
    }

    fn open_part(path: PathBuf) -> CliResult<Self> {
        let Some(name) = path.file_name() else {
            return Err(CliError::usage(format!(
                "{} is not the name of a file",
                path.display()
            )));
        };
        let mut part_name = name.to_owned();
        part_name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(part_name);
        let file = OpenOptions::new().write(true).create_new(true).open(&part);
        let file = file.map_err(|error| CliError::file("create", &part, &error))?;
        Ok(Self::Part { file, part, path })
    }

    /// Writes bytes; `Some` when a stop came while the reader took nothing.
    ///
    /// # Errors
    /// The reader is gone, or the disk is full.
    pub async fn write(&mut self, bytes: &[u8], stops: &mut Stops) -> CliResult<Option<Stop>> {
        match self {
            Self::Stdout => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    if let Some(count) = write_stdout(rest)? {
                        rest = rest.get(count..).unwrap_or_default();
                        continue;
                    }
                    tokio::select! {
                        () = sleep(BETWEEN_TRIES) => {}
                        stop = stops.next() => return Ok(Some(stop)),
                    }
                }
            }
            Self::Part { file, part, .. } => file
                .write_all(bytes)
                .map_err(|error| CliError::file("write", part, &error))?,
            Self::Special { file, path } => match file.write_all(bytes) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    return Err(CliError::BrokenPipe);
                }
                result => result.map_err(|error| CliError::file("write", path, &error))?,
            },
        }
        Ok(None)
    }

    /// Puts the file in its place, or keeps the part; says in words where a part was kept.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn close(self, is_complete: bool) -> CliResult<Option<String>> {
        let Self::Part { file, part, path } = self else {
            return Ok(None);
        };
        if is_complete {
            file.sync_all()
                .map_err(|error| CliError::file("write", &part, &error))?;
            std::fs::rename(&part, &path)
                .map_err(|error| CliError::file("put in place", &path, &error))?;
            return Ok(None);
        }
        let is_empty = file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty {
            // An empty part that cannot be removed harms nobody.
            std::fs::remove_file(&part).ok();
            return Ok(None);
        }
        Ok(Some(format!(
            "the unfinished answer is kept in {}",
            part.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(target: &mut Target, text: &str) {
        match target {
            Target::Part { file, .. } | Target::Special { file, .. } => {
                file.write_all(text.as_bytes()).unwrap();
            }
            Target::Stdout => unreachable!(),
        }
    }

    #[test]
    fn file_appears_when_the_answer_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answer.txt");
        std::fs::write(&path, "old").unwrap();
        let mut target = Target::open(&path).unwrap();
        write(&mut target, "new");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(target.close(true).unwrap(), None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn unfinished_answer_is_kept_beside_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answer.txt");
        std::fs::write(&path, "old").unwrap();
        let mut target = Target::open(&path).unwrap();
        write(&mut target, "half");
        let note = target.close(false).unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        let part = note.rsplit(' ').next().unwrap();
        assert_eq!(std::fs::read_to_string(part).unwrap(), "half");
    }

    #[test]
    fn empty_part_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answer.txt");
        let target = Target::open(&path).unwrap();
        assert_eq!(target.close(false).unwrap(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Target::open(dir.path()).unwrap_err().exit_code(), 2);
        let missing = dir.path().join("no/such/file");
        assert_eq!(Target::open(&missing).unwrap_err().exit_code(), 1);
    }
}
