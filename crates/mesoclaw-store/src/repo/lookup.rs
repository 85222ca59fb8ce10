//! Rows by their id or the beginning of it, the way people name them.

use rusqlite::{Connection, Row};

use crate::error::StoreResult;
use crate::repo::row::all;

/// Fewer characters name nothing but an id that is no longer itself.
const SHORTEST_BEGINNING: usize = 4;

/// What a name led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup<T> {
    /// The one thing of that name.
    Found(T),
    /// Several begin like that.
    Ambiguous,
    /// Nothing is called that.
    NotFound,
}

/// The row of `select` (everything before `WHERE`) whose `id` is `name`, else the only one whose
/// `id` begins with it.
pub(super) fn lookup<T>(
    conn: &Connection,
    select: &str,
    name: &str,
    read: impl Fn(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<Lookup<T>> {
    let condition = if name.chars().count() < SHORTEST_BEGINNING {
        "id = ?1"
    } else {
        "id >= ?1 AND id < ?1 || char(1114111)"
    };
    let sql = format!("{select} WHERE {condition} ORDER BY id LIMIT 2");
    let found = all(conn.prepare_cached(&sql)?.query([name])?, |row| {
        let id: String = row.get("id")?;
        Ok((id == name, read(row)?))
    })?;
    let n_found = found.len();
    // The whole id sorts before all that only begin with it.
    Ok(match found.into_iter().next() {
        Some((is_exact, value)) if is_exact || n_found == 1 => Lookup::Found(value),
        Some(_) => Lookup::Ambiguous,
        None => Lookup::NotFound,
    })
}
