//! Checks the chain of the audit from its first entry to its head, one row at a time.

use mesoclaw_api::ops::audit::Verified;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::StoreResult;
use crate::repo::audit::hash::{Hashed, ZERO_HASH, of};
use crate::repo::audit::{COLUMNS, head};

/// Checks every entry, the links between them and the head, and tells the first thing that does
/// not fit. `noted` is a head that was written down earlier: its entry must still be there.
///
/// It reads the whole table once and holds one row in memory.
pub fn verify(conn: &Connection, noted: Option<&str>) -> StoreResult<Verified> {
    let noted = noted.map(|noted| noted.trim().to_ascii_lowercase());
    let mut chain = Chain::new(noted.as_deref());
    let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY id");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        chain.add(row)?;
    }
    chain.end(head(conn).ok().flatten());
    Ok(Verified {
        is_intact: chain.fault.is_none(),
        entries: chain.n_entries,
        head: chain.last_hash,
        fault: chain.fault,
    })
}

struct Chain<'a> {
    noted: Option<&'a str>,
    is_noted_found: bool,
    n_entries: u64,
    last_id: i64,
    last_hash: String,
    fault: Option<String>,
}

impl<'a> Chain<'a> {
    fn new(noted: Option<&'a str>) -> Self {
        Self {
            noted,
            is_noted_found: noted.is_none_or(|noted| noted == ZERO_HASH),
            n_entries: 0,
            last_id: 0,
            last_hash: ZERO_HASH.to_owned(),
            fault: None,
        }
    }

    fn add(&mut self, row: &Row<'_>) -> StoreResult<()> {
        self.n_entries += 1;
        let id = row.get_ref("id")?.as_i64().unwrap_or_default();
        let stored = Stored::read(row, id);
        if self.fault.is_none() {
            self.fault = self.fault_of(id, stored.as_ref())?;
        }
        self.last_id = id;
        self.last_hash.clear();
        if let Some(stored) = stored {
            self.is_noted_found |= self.noted == Some(stored.hash);
            self.last_hash.push_str(stored.hash);
        }
        Ok(())
    }

    fn fault_of(&self, id: i64, stored: Option<&Stored<'_>>) -> StoreResult<Option<String>> {
        let expected = self.last_id.saturating_add(1);
        if id != expected {
            return Ok(Some(if id < expected {
                format!("entry {id} has a number that no entry has")
            } else {
                missing(expected, id.saturating_sub(1))
            }));
        }
        let Some(stored) = stored else {
            return Ok(Some(format!("entry {id} cannot be read")));
        };
        if stored.prev_hash != self.last_hash {
            return Ok(Some(format!(
                "entry {id} does not follow the one before it"
            )));
        }
        if of(stored.prev_hash, &stored.hashed)? != stored.hash {
            return Ok(Some(format!("entry {id} was changed")));
        }
        Ok(None)
    }

    fn end(&mut self, head: Option<(i64, String)>) {
        if self.fault.is_some() {
            return;
        }
        let last = self.last_id;
        self.fault = match head {
            None => Some("the head of the chain is missing".to_owned()),
            Some((n, _)) if n > last => Some(missing(last.saturating_add(1), n)),
            Some((n, _)) if n < last => Some(format!(
                "entry {} was added by something else",
                n.saturating_add(1)
            )),
            Some((_, hash)) if hash != self.last_hash => Some(format!(
                "entry {last} is another one than the head of the chain says"
            )),
            Some(_) if !self.is_noted_found => Some(
                "no entry has the head that was noted: entries were cut off or written anew"
                    .to_owned(),
            ),
            Some(_) => None,
        };
    }
}

fn missing(first: i64, last: i64) -> String {
    if first == last {
        format!("entry {first} is missing")
    } else {
        format!("entries {first} to {last} are missing")
    }
}

/// A row as it stands there, with words nobody knows too: they are what is looked for.
struct Stored<'a> {
    hashed: Hashed<'a>,
    prev_hash: &'a str,
    hash: &'a str,
}

impl<'a> Stored<'a> {
    /// `None` when a column holds something no entry has.
    fn read(row: &'a Row<'_>, id: i64) -> Option<Self> {
        Some(Self {
            hashed: Hashed {
                at: text(row, "at")?,
                call_id: text_or_none(row, "call_id").ok()?,
                digest: text_or_none(row, "digest").ok()?,
                duration_ms: match row.get_ref("duration_ms").ok()? {
                    ValueRef::Null => None,
                    value => Some(value.as_i64().ok()?),
                },
                id,
                kind: text(row, "kind")?,
                outcome: text(row, "outcome")?,
                rule: text_or_none(row, "rule").ok()?,
                session_id: text_or_none(row, "session_id").ok()?,
                surface: text(row, "surface")?,
                text: text(row, "text")?,
                tool: text_or_none(row, "tool").ok()?,
                turn_id: text_or_none(row, "turn_id").ok()?,
            },
            prev_hash: text(row, "prev_hash")?,
            hash: text(row, "hash")?,
        })
    }
}

fn text<'a>(row: &'a Row<'_>, column: &str) -> Option<&'a str> {
    row.get_ref(column).ok()?.as_str().ok()
}

/// An error when the column holds something no entry has.
fn text_or_none<'a>(row: &'a Row<'_>, column: &str) -> StoreResult<Option<&'a str>> {
    let value = row.get_ref(column)?;
    Ok(value.as_str_or_null().map_err(rusqlite::Error::from)?)
}
