//! Providers a person added. Keys are not here, only the name of the variable that holds one.

use mesoclaw_api::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::error::StoreResult;
use crate::repo::row::{all, first, text};

/// A provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderRow {
    /// The part of `provider:model` before the colon.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where it answers.
    pub base_url: String,
    /// Environment variable with the key.
    pub api_key_env: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, name, base_url, api_key_env, created_at";

/// All providers, by id.
pub fn list(conn: &Connection) -> StoreResult<Vec<ProviderRow>> {
    let sql = format!("SELECT {COLUMNS} FROM providers ORDER BY id");
    all(conn.prepare_cached(&sql)?.query([])?, provider)
}

/// One provider.
pub fn get(conn: &Connection, id: &str) -> StoreResult<Option<ProviderRow>> {
    let sql = format!("SELECT {COLUMNS} FROM providers WHERE id = ?1");
    first(conn.prepare_cached(&sql)?.query([id])?, provider)
}

/// Adds a provider. False, and nothing is changed, when the id is taken.
pub fn insert(conn: &Connection, provider: &ProviderRow) -> StoreResult<bool> {
    let n_inserted = conn
        .prepare_cached(
            "INSERT INTO providers (id, name, base_url, api_key_env, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            provider.id,
            provider.name,
            provider.base_url,
            provider.api_key_env,
            provider.created_at.as_str(),
        ])?;
    Ok(n_inserted > 0)
}

/// Removes a provider. False when there is no such provider.
pub fn delete(conn: &Connection, id: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM providers WHERE id = ?1")?
        .execute([id])?;
    Ok(n_deleted > 0)
}

fn provider(row: &Row<'_>) -> StoreResult<ProviderRow> {
    Ok(ProviderRow {
        id: row.get("id")?,
        name: row.get("name")?,
        base_url: row.get("base_url")?,
        api_key_env: row.get("api_key_env")?,
        created_at: text(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::tests::{at, database};

    #[test]
    fn a_provider_is_added_once_and_removed_once() {
        let conn = database();
        let provider = |id: &str, key: Option<&str>| ProviderRow {
            id: id.into(),
            name: id.to_uppercase(),
            base_url: "http://127.0.0.1:8080/v1".into(),
            api_key_env: key.map(Into::into),
            created_at: at(1),
        };
        let (b, a) = (provider("b", Some("B_KEY")), provider("a", None));
        assert!(insert(&conn, &b).unwrap());
        assert!(insert(&conn, &a).unwrap());
        assert!(!insert(&conn, &provider("b", None)).unwrap());
        assert_eq!(list(&conn).unwrap(), [a, b.clone()]);
        assert_eq!(get(&conn, "b").unwrap(), Some(b));
        assert!(delete(&conn, "b").unwrap());
        assert!(!delete(&conn, "b").unwrap());
        assert_eq!(get(&conn, "b").unwrap(), None);
    }
}
