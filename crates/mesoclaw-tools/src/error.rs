//! `FileError`: what can fail between a judged path and its content. The texts are read by models
//! too, so they say what to do where that is clear.

use std::io;
use std::path::PathBuf;

/// A file could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("there is no `{}`", path.display())]
    Find {
        /// The path.
        path: PathBuf,
    },
    /// A link is on the way; judged paths have none.
    #[error("`{}` leads through a link that was not there when the call was checked, so it is not followed", path.display())]
    FollowLink {
        /// The path.
        path: PathBuf,
    },
    /// Neither a file nor a directory.
    #[error("`{}` is {kind}, not a file, so it is not opened", path.display())]
    OpenSpecial {
        /// The path.
        path: PathBuf,
        /// What it is: `a device`, `a named pipe`.
        kind: &'static str,
    },
    /// A directory where a file is wanted.
    #[error("`{}` is a directory, not a file; `file_list` shows what is in it", path.display())]
    OpenDirectory {
        /// The path.
        path: PathBuf,
    },
    /// Not a directory where one is wanted.
    #[error("`{}` is not a directory", path.display())]
    Enter {
        /// The path.
        path: PathBuf,
    },
    /// The system refused to open it.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refused to read it.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refused to write it; what was there is still there.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its permissions say that it is only to be read.
    #[error("`{}` is read-only; its permissions must be changed first", path.display())]
    WriteReadOnly {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else changed it meanwhile.
    #[error("`{}` was changed by something else since it was read; nothing was written. Read it again and repeat the change", path.display())]
    ReplaceChanged {
        /// The path.
        path: PathBuf,
    },
}

impl FileError {
    /// With its causes, as a sentence for a model.
    pub fn sentence(&self) -> String {
        let mut text = mesoclaw_api::error::chain(self);
        if let Some(first) = text.get(..1) {
            let first = first.to_uppercase();
            text.replace_range(..1, &first);
        }
        text.push('.');
        text
    }
}
