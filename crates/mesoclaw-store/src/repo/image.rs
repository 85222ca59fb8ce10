//! Images people sent, one row a content. Items and waiting messages refer to them by hash.
//!
//! An image goes when the last session that refers to it is deleted.

use mesoclaw_api::{SessionId, Timestamp};
use rusqlite::{Connection, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first, text, to_json};

/// How long an image may be there without anything that refers to it: its message may still be on
/// the way. Longer than any message takes.
const UNUSED_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// An image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageRow {
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// `image/png` and so on.
    pub media_type: String,
    /// The content.
    pub data: Vec<u8>,
    /// When it was last said.
    pub created_at: Timestamp,
}

/// Stores an image. One that is there keeps its content and gets the new time. To be called in the
/// transaction that stores the first message which refers to it, or before.
pub fn insert(conn: &Connection, image: &ImageRow) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO images (sha256, media_type, data, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (sha256) DO UPDATE SET created_at = excluded.created_at",
    )?
    .execute(params![
        image.sha256,
        image.media_type,
        image.data,
        image.created_at.as_str(),
    ])?;
    Ok(())
}

/// One image.
pub fn get(conn: &Connection, sha256: &str) -> StoreResult<Option<ImageRow>> {
    first(
        conn.prepare_cached(
            "SELECT sha256, media_type, data, created_at FROM images WHERE sha256 = ?1",
        )?
        .query([sha256])?,
        |row| {
            Ok(ImageRow {
                sha256: row.get("sha256")?,
                media_type: row.get("media_type")?,
                data: row.get("data")?,
                created_at: text(row, "created_at")?,
            })
        },
    )
}

/// The hashes of the images of a session, those of its waiting messages included.
pub(super) fn of_session(conn: &Connection, session: &SessionId) -> StoreResult<Vec<String>> {
    all(
        conn.prepare_cached(
            "SELECT image.value ->> '$.sha256'
             FROM items i, json_each(i.body, '$.images') image
             WHERE i.session_id = ?1 AND i.kind = 'user' AND i.body ->> '$.images' IS NOT NULL
             UNION
             SELECT image.value ->> '$.sha256' FROM queue q, json_each(q.images) image
             WHERE q.session_id = ?1",
        )?
        .query([session.as_str()])?,
        |row| Ok(row.get(0)?),
    )
}

/// Removes those of the images `hashes` nothing refers to any more, and every other that nothing
/// has referred to for a day. Says how many.
pub(super) fn delete_unused(
    conn: &Connection,
    hashes: &[String],
    now: &Timestamp,
) -> StoreResult<usize> {
    let ms = now.unix_ms().unwrap_or_default();
    let old = Timestamp::from_unix_ms(ms.saturating_sub(UNUSED_FOR_MS));
    let n_deleted = conn
        .prepare_cached(
            "DELETE FROM images
             WHERE (created_at < ?2 OR sha256 IN (SELECT value FROM json_each(?1)))
               AND sha256 NOT IN (
                   SELECT coalesce(image.value ->> '$.sha256', '')
                   FROM items i, json_each(i.body, '$.images') image
                   WHERE i.kind = 'user' AND i.body ->> '$.images' IS NOT NULL
                   UNION ALL
                   SELECT coalesce(image.value ->> '$.sha256', '')
                   FROM queue q, json_each(q.images) image)",
        )?
        .execute([to_json("hashes of images", &hashes)?.as_str(), old.as_str()])?;
    Ok(n_deleted)
}

#[cfg(test)]
mod tests;
