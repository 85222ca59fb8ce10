//! A look at a database for `doctor`: reads, repairs nothing, works with and without a daemon.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{StoreError, StoreResult};
use crate::file::{self, Found};
use crate::migrate::SCHEMA_VERSION;
use crate::{conn, migrate, platform};

/// What is known about a database of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// The mark of the program that made it, as it stands in the file.
    pub application_id: u32,
    /// Its schema version.
    pub schema_version: u32,
    /// The schema version this program writes.
    pub supported_version: u32,
    /// What SQLite's quick check complains about; empty when all is well.
    pub problems: Vec<String>,
    /// Size of the file, without its log.
    pub size_bytes: u64,
    /// Sessions in it; `None` when the schema is not one this program knows.
    pub sessions: Option<u64>,
}

/// Looks at a database without changing it.
///
/// # Errors
/// [`StoreError::Missing`] when there is none or the file is empty, the refusals of [`crate::Store::open`] for links, other files and other programs' databases,
/// and what SQLite says about a file it cannot read.
pub fn inspect(path: &Path) -> StoreResult<Inspection> {
    match file::look(path)? {
        Found::Nothing => {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        Found::Ours { .. } => {}
    }
    let path = platform::with_real_directory(path)
        .map_err(|source| file::failed("find the directory of", path, source))?;
    let size_bytes = std::fs::metadata(&path)
        .map_err(|source| file::failed("look at", &path, source))?
        .len();
    let conn = conn::open_for_looking(&path).map_err(|source| StoreError::Open { path, source })?;
    let schema_version = migrate::version(&conn)?;
    let is_known = (1..=SCHEMA_VERSION).contains(&schema_version);
    Ok(Inspection {
        application_id: conn.query_row("PRAGMA application_id", [], |row| row.get(0))?,
        schema_version,
        supported_version: SCHEMA_VERSION,
        problems: problems(&conn, "PRAGMA quick_check")?,
        size_bytes,
        sessions: if is_known {
            Some(conn.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))?)
        } else {
            None
        },
    })
}

/// Runs one of SQLite's checks; empty when all is well.
pub(crate) fn problems(conn: &Connection, check: &str) -> StoreResult<Vec<String>> {
    let mut statement = conn.prepare(check)?;
    let lines = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}
