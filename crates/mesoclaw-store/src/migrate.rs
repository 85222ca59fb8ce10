//! Migrations: numbered files, each in a transaction of its own. A released one is never edited.

use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::{StoreError, StoreResult};
use crate::file::{self, beside};
use crate::platform;

/// The migrations in order; number `n` of the list makes schema version `n`, from 1.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_init.sql"),
    include_str!("../migrations/0002_providers.sql"),
    include_str!("../migrations/0003_tools.sql"),
];

/// The schema version this program writes.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// The schema version of a database.
pub(crate) fn version(conn: &Connection) -> Result<u32, rusqlite::Error> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Runs every migration the database does not have yet.
pub(crate) fn migrate(conn: &mut Connection, migrations: &[&str]) -> StoreResult<()> {
    let current = version(conn)?;
    for (sql, version) in migrations.iter().zip(1u32..) {
        if version > current {
            apply(conn, sql, version).map_err(|source| StoreError::Migrate { version, source })?;
        }
    }
    Ok(())
}

/// Foreign keys are off meanwhile, because a table that is rebuilt would take its children along;
/// they are checked before the commit instead.
fn apply(conn: &mut Connection, sql: &str, version: u32) -> Result<(), rusqlite::Error> {
    conn.execute_batch("PRAGMA foreign_keys = OFF")?;
    let result = apply_in_transaction(conn, sql, version);
    conn.execute_batch("PRAGMA foreign_keys = ON")?;
    result
}

fn apply_in_transaction(
    conn: &mut Connection,
    sql: &str,
    version: u32,
) -> Result<(), rusqlite::Error> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    let dangling = transaction
        .prepare("PRAGMA foreign_key_check")?
        .exists([])?;
    if dangling {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
        return Err(rusqlite::Error::SqliteFailure(code, None));
    }
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// Copies the database to `<path>.backup-v<version>`, complete or not at all.
pub(crate) fn back_up(conn: &Connection, path: &Path, version: u32) -> StoreResult<PathBuf> {
    let copy = beside(path, &format!(".backup-v{version}"));
    let unfinished = beside(&copy, ".new");
    file::remove_if_there(&unfinished)?;
    platform::create_private_file(&unfinished)
        .map_err(|source| file::failed("create", &unfinished, source))?;
    copy_into(conn, &unfinished).map_err(|source| StoreError::BackUp {
        path: copy.clone(),
        source,
    })?;
    file::rename_durably(&unfinished, &copy)?;
    Ok(copy)
}

fn copy_into(conn: &Connection, target: &Path) -> Result<(), rusqlite::Error> {
    let mut copy = Connection::open(target)?;
    // All pages in one step: nobody else writes while the store opens.
    Backup::new(conn, &mut copy)?.step(-1)?;
    copy.close().map_err(|(_, error)| error)
}
