//! Connections and their settings.
//!
//! Memory is kept small on purpose: a daemon that does nothing holds a few pages. Files are not
//! mapped into memory, because a disk error under a mapping is a signal and not an error.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{StoreError, StoreResult};

/// How long a connection waits for another process (`doctor`, a backup tool) to let go.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The log is cut back to this size after a checkpoint.
const WRITER_SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -2000;
    PRAGMA journal_size_limit = 8388608;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
";

const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -1000;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
";

/// The one connection that writes.
pub(crate) fn open_writer(path: &Path) -> StoreResult<Connection> {
    let conn = open(path, WRITER_SETTINGS, 48)?;
    let failed = |source| StoreError::Open {
        path: path.to_owned(),
        source,
    };
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::NoWriteAheadLog {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(conn)
}

/// A connection that can only look.
pub(crate) fn open_reader(path: &Path) -> StoreResult<Connection> {
    open(path, READER_SETTINGS, 24)
}

fn open(path: &Path, settings: &str, statements: usize) -> StoreResult<Connection> {
    // Each connection stays on one thread, so SQLite's own lock on it is left out.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(path, flags)
        .and_then(|conn| {
            conn.busy_timeout(BUSY_TIMEOUT)?;
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            conn.execute_batch(settings)?;
            conn.set_prepared_statement_cache_capacity(statements);
            Ok(conn)
        })
        .map_err(|source| StoreError::Open {
            path: path.to_owned(),
            source,
        })
}

/// A look at a database that changes nothing on disk.
///
/// Without a write-ahead log beside it nobody has the file open, and it is read as it stands,
/// without the auxiliary files SQLite would make otherwise.
pub(crate) fn open_for_looking(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = if crate::file::beside(path, "-wal").exists() {
        Connection::open_with_flags(path, flags)?
    } else {
        open_unchanging(path)?
    };
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(conn)
}

/// Opens a file as if it were on a read-only disk: no lock, no log, no other file is touched.
pub(crate) fn open_unchanging(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable_uri(path), flags)
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(*byte));
            }
            other => {
                uri.push('%');
                for digit in [other >> 4, other & 15] {
                    uri.extend(char::from_digit(u32::from(digit), 16));
                }
            }
        }
    }
    uri.push_str("?immutable=1");
    uri
}
