//! Opening the database: refuse what is not ours, make what is missing, migrate what is old.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::conn;
use crate::error::{StoreError, StoreResult};
use crate::file::{self, APPLICATION_ID, Found, beside};
use crate::{migrate, platform};

/// What opening found and did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenReport {
    /// Whether the database was made just now.
    pub created: bool,
    /// The schema version it had, if it was an older one.
    pub migrated_from: Option<u32>,
    /// The copy made before the schema was changed.
    pub backup: Option<PathBuf>,
}

/// A database ready for use.
pub(crate) struct Opened {
    /// The connection that writes.
    pub writer: Connection,
    /// The path for more connections.
    pub path: PathBuf,
    /// What happened.
    pub report: OpenReport,
}

/// Opens or makes the database at `path` and brings it to the newest of `migrations`.
pub(crate) fn open(path: &Path, migrations: &[&str]) -> StoreResult<Opened> {
    let found = file::look(path)?;
    if let Some(parent) = path.parent()
        && matches!(found, Found::Nothing)
    {
        platform::create_private_directory(parent).map_err(|source| {
            StoreError::CreateDirectory {
                path: parent.to_owned(),
                source,
            }
        })?;
    }
    let path = platform::with_real_directory(path)
        .map_err(|source| file::failed("find the directory of", path, source))?;
    match found {
        Found::Nothing => open_new(path, migrations),
        // Told before SQLite opens the file, so that a newer database stays as it is.
        Found::Ours { schema_version } => {
            refuse_newer(&path, schema_version, migrations)?;
            open_existing(path, migrations)
        }
    }
}

fn open_new(path: PathBuf, migrations: &[&str]) -> StoreResult<Opened> {
    create(&path, migrations)?;
    Ok(Opened {
        writer: conn::open_writer(&path)?,
        path,
        report: OpenReport {
            created: true,
            migrated_from: None,
            backup: None,
        },
    })
}

fn open_existing(path: PathBuf, migrations: &[&str]) -> StoreResult<Opened> {
    platform::make_private(&path).map_err(|source| file::failed("restrict", &path, source))?;
    let mut writer = conn::open_writer(&path)?;
    let found = migrate::version(&writer)?;
    refuse_newer(&path, found, migrations)?;
    let mut report = OpenReport {
        created: false,
        migrated_from: None,
        backup: None,
    };
    if found < migrations.len() as u32 {
        report.backup = Some(migrate::back_up(&writer, &path, found)?);
        migrate::migrate(&mut writer, migrations)?;
        report.migrated_from = Some(found);
    }
    Ok(Opened {
        writer,
        path,
        report,
    })
}

fn refuse_newer(path: &Path, found: u32, migrations: &[&str]) -> StoreResult<()> {
    let supported = migrations.len() as u32;
    if found <= supported {
        return Ok(());
    }
    Err(StoreError::NewerSchema {
        path: path.to_owned(),
        found,
        supported,
    })
}

/// Makes the database under another name and renames it when it is whole and on disk. That costs
/// one wait for the disk where a rollback journal would cost several, and a power cut leaves no
/// half of a database.
fn create(path: &Path, migrations: &[&str]) -> StoreResult<()> {
    set_orphans_aside(path)?;
    let unfinished = beside(path, ".new");
    file::remove_if_there(&unfinished)?;
    platform::create_private_file(&unfinished)
        .map_err(|source| file::failed("create", &unfinished, source))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let failed = |source| StoreError::Open {
        path: unfinished.clone(),
        source,
    };
    let mut conn = Connection::open_with_flags(&unfinished, flags).map_err(failed)?;
    conn.execute_batch(&format!(
        "PRAGMA synchronous = OFF;
         PRAGMA journal_mode = MEMORY;
         PRAGMA application_id = {APPLICATION_ID};"
    ))
    .map_err(failed)?;
    migrate::migrate(&mut conn, migrations)?;
    // The mode is written in the file, so that the next connection need not change it.
    conn.execute_batch("PRAGMA journal_mode = WAL;")
        .map_err(failed)?;
    conn.close().map_err(|(_, source)| failed(source))?;
    file::rename_durably(&unfinished, path)
}

/// A log left by a database that was removed would be played into the new one.
fn set_orphans_aside(path: &Path) -> StoreResult<()> {
    for suffix in ["-wal", "-journal", "-shm"] {
        let orphan = beside(path, suffix);
        if std::fs::symlink_metadata(&orphan).is_err() {
            continue;
        }
        let aside = beside(&orphan, ".orphan");
        std::fs::rename(&orphan, &aside)
            .map_err(|source| file::failed("rename", &orphan, source))?;
        tracing::warn!(file = %aside.display(), "a log without its database was set aside");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
