//! What stands at the path of the database, told without SQLite and without touching it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::conn;
use crate::error::{StoreError, StoreResult};
use crate::platform;

/// `application_id` of our databases: "MESO" in ASCII.
pub(crate) const APPLICATION_ID: u32 = 0x4D45_534F;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;
/// Where the numbers stand in the header, big endian.
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// The `user_version`s the earlier system wrote.
const EARLIER_VERSIONS: std::ops::RangeInclusive<u32> = 9..=15;

/// What may be opened.
pub(crate) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A database of ours.
    Ours {
        /// Its schema version, as far as the file without its log tells.
        schema_version: u32,
    },
}

/// Says what stands there.
///
/// # Errors
/// For everything that must be left alone: a link, a directory, a file that is no database, a
/// database of somebody else.
pub(crate) fn look(path: &Path) -> StoreResult<Found> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(failed("look at", path, source)),
    };
    let path = path.to_owned();
    if meta.is_symlink() {
        return Err(StoreError::SymbolicLink { path });
    }
    if !meta.is_file() {
        return Err(StoreError::NotAFile { path });
    }
    if meta.len() == 0 {
        return Ok(Found::Nothing);
    }
    let Some(header) = read_header(&path).map_err(|source| failed("read", &path, source))? else {
        return Err(StoreError::NotADatabase { path });
    };
    if header.application_id == APPLICATION_ID {
        return Ok(Found::Ours {
            schema_version: header.user_version,
        });
    }
    if is_of_earlier_system(&path, &header) {
        return Err(StoreError::EarlierSystem {
            path,
            version: header.user_version,
        });
    }
    Err(StoreError::ForeignDatabase {
        path,
        application_id: header.application_id,
    })
}

/// The path with something after its name: `x.db` and `-wal` make `x.db-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Turns an error of a file into one of the store.
pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

struct Header {
    user_version: u32,
    application_id: u32,
}

/// `None` when the file does not begin like a database.
fn read_header(path: &Path) -> io::Result<Option<Header>> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    File::open(path)?
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)?;
    if !bytes.starts_with(MAGIC) {
        return Ok(None);
    }
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(four))
    };
    Ok(number(USER_VERSION_AT).zip(number(APPLICATION_ID_AT)).map(
        |(user_version, application_id)| Header {
            user_version,
            application_id,
        },
    ))
}

fn is_of_earlier_system(path: &Path, header: &Header) -> bool {
    if header.application_id != 0 || !EARLIER_VERSIONS.contains(&header.user_version) {
        return false;
    }
    // A database that cannot be read this way is still refused, only with another sentence.
    let tables = conn::open_unchanging(path).and_then(|conn| {
        conn.query_row(
            "SELECT count(*) FROM sqlite_schema
             WHERE type = 'table' AND name IN ('ai_providers', 'memories_fts')",
            [],
            |row| row.get::<_, u32>(0),
        )
    });
    tables.is_ok_and(|n| n == 2)
}

/// Removes a file, or a link without what it points at, if it is there.
pub(crate) fn remove_if_there(path: &Path) -> StoreResult<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Gives a finished file its name, so that it is there whole after a power cut or not at all.
pub(crate) fn rename_durably(from: &Path, to: &Path) -> StoreResult<()> {
    File::open(from)
        .and_then(|file| file.sync_all())
        .map_err(|source| failed("synchronise", from, source))?;
    std::fs::rename(from, to).map_err(|source| failed("rename", from, source))?;
    match to.parent() {
        Some(parent) => {
            platform::sync_directory(parent).map_err(|source| failed("synchronise", parent, source))
        }
        None => Ok(()),
    }
}
