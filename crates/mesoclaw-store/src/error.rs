//! What can go wrong with the store.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What functions of this crate answer.
pub type StoreResult<T> = Result<T, StoreError>;

/// An action of the store that failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory of the database could not be made.
    #[error("cannot create the directory {}", path.display())]
    CreateDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be made, read, renamed or restricted.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A symbolic link stands where the database should be.
    #[error("refused to open {}: it is a symbolic link", path.display())]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// A directory or device stands where the database should be.
    #[error("refused to open {}: it is not a regular file", path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{} is not a database; set db_path to another file or move it", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database was made by the system that came before this one.
    #[error(
        "{} is the database of an earlier system (schema version {version}); it is left as it is: \
         set db_path to another file or move it",
        path.display()
    )]
    EarlierSystem {
        /// The file.
        path: PathBuf,
        /// Its `user_version`.
        version: u32,
    },
    /// The database was made by another program.
    #[error(
        "{} is the database of another program (application id {application_id:#010x}); it is \
         left as it is: set db_path to another file or move it",
        path.display()
    )]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
        /// What its header says.
        application_id: u32,
    },
    /// The database was made by a newer version of this program.
    #[error(
        "{} has schema version {found}, this program knows up to {supported}; use a newer program",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
    /// There is no database to look at.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// SQLite could not open the file.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file system does not allow readers beside a writer.
    #[error(
        "the file system of {} does not allow write-ahead logging (journal mode stays {mode}); \
         set db_path to a local disk",
        path.display()
    )]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
        /// The mode SQLite stays in.
        mode: String,
    },
    /// The copy before a migration could not be made.
    #[error("cannot copy the database to {} before changing its schema", path.display())]
    BackUp {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A migration failed; nothing of it is in the database.
    #[error("cannot bring the database to schema version {version}")]
    Migrate {
        /// The version it would have had.
        version: u32,
        /// Why.
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread of the store")]
    StartThread {
        /// Why.
        source: io::Error,
    },
    /// A statement failed.
    #[error("a statement on the database failed")]
    Statement(#[from] rusqlite::Error),
    /// The transaction shared by several writes could not begin or be made durable; none of
    /// them is stored.
    #[error("cannot commit to the database")]
    Commit {
        /// Why; shared by all writes of the transaction.
        source: Arc<rusqlite::Error>,
    },
    /// SQLite gave up the shared transaction because of another write in it.
    #[error("the write was undone together with a failing one; try again")]
    Undone,
    /// A value could not be written as JSON.
    #[error("cannot encode {what} for the database")]
    Encode {
        /// What it was.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A stored value could not be understood.
    #[error("cannot understand {what} in the database")]
    Decode {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The row that says where the audit ends is gone, so nothing can be added to it.
    #[error("the head of the audit is missing: something else changed the database")]
    NoAuditHead,
    /// An item with this id is part of another session.
    #[error("item {item_id} is part of another session")]
    ItemElsewhere {
        /// The item.
        item_id: String,
    },
    /// The code that was to run on the database panicked; nothing of it is stored.
    #[error("an operation on the database panicked")]
    Panicked,
    /// The store is closed, or is closing.
    #[error("the database is closed")]
    Closed,
}
