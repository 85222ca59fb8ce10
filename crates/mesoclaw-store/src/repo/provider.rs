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
    /// What is spoken there.
    pub dialect: String,
    /// How the key is sent; `None` = as the dialect's maker does it.
    pub auth: Option<String>,
    /// Environment variable with the key.
    pub api_key_env: Option<String>,
    /// Whether it wants a key.
    pub requires_api_key: bool,
    /// `api-version` of an Azure address.
    pub api_version: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "id, name, base_url, api_key_env, created_at, dialect, auth, requires_api_key,
    api_version";

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
    add(conn, provider, "DO NOTHING")
}

/// Adds a provider, or changes everything but the time of one that is there.
pub fn upsert(conn: &Connection, provider: &ProviderRow) -> StoreResult<()> {
    add(
        conn,
        provider,
        "DO UPDATE
             SET name = excluded.name, base_url = excluded.base_url,
                 api_key_env = excluded.api_key_env, dialect = excluded.dialect,
                 auth = excluded.auth, requires_api_key = excluded.requires_api_key,
                 api_version = excluded.api_version",
    )?;
    Ok(())
}

/// Changes everything but the time of a provider. False when there is no such provider.
pub fn update(conn: &Connection, provider: &ProviderRow) -> StoreResult<bool> {
    if get(conn, &provider.id)?.is_none() {
        return Ok(false);
    }
    upsert(conn, provider)?;
    Ok(true)
}

/// Whether a row was added or changed.
fn add(conn: &Connection, provider: &ProviderRow, when_there: &str) -> StoreResult<bool> {
    let sql = format!(
        "INSERT INTO providers ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) {when_there}"
    );
    let n_changed = conn.prepare_cached(&sql)?.execute(params![
        provider.id,
        provider.name,
        provider.base_url,
        provider.api_key_env,
        provider.created_at.as_str(),
        provider.dialect,
        provider.auth,
        provider.requires_api_key,
        provider.api_version,
    ])?;
    Ok(n_changed > 0)
}

/// Removes a provider with its models. False, and nothing is removed, when there is no such
/// provider.
pub fn delete(conn: &Connection, id: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM providers WHERE id = ?1")?
        .execute([id])?;
    if n_deleted > 0 {
        conn.prepare_cached("DELETE FROM models WHERE provider_id = ?1")?
            .execute([id])?;
    }
    Ok(n_deleted > 0)
}

fn provider(row: &Row<'_>) -> StoreResult<ProviderRow> {
    Ok(ProviderRow {
        id: row.get("id")?,
        name: row.get("name")?,
        base_url: row.get("base_url")?,
        api_key_env: row.get("api_key_env")?,
        created_at: text(row, "created_at")?,
        dialect: row.get("dialect")?,
        auth: row.get("auth")?,
        requires_api_key: row.get("requires_api_key")?,
        api_version: row.get("api_version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::model::{self, ModelRow};
    use crate::repo::tests::{at, database};

    fn a_provider(id: &str, key: Option<&str>) -> ProviderRow {
        ProviderRow {
            id: id.into(),
            name: id.to_uppercase(),
            base_url: "http://127.0.0.1:8080/v1".into(),
            dialect: "openai_chat".into(),
            auth: None,
            api_key_env: key.map(Into::into),
            requires_api_key: key.is_some(),
            api_version: None,
            created_at: at(1),
        }
    }

    #[test]
    fn a_provider_is_added_once_and_removed_once() {
        let conn = database();
        let (b, a) = (a_provider("b", Some("B_KEY")), a_provider("a", None));
        assert!(insert(&conn, &b).unwrap());
        assert!(insert(&conn, &a).unwrap());
        assert!(!insert(&conn, &a_provider("b", None)).unwrap());
        assert_eq!(list(&conn).unwrap(), [a, b.clone()]);
        assert_eq!(get(&conn, "b").unwrap(), Some(b));
        assert!(delete(&conn, "b").unwrap());
        assert!(!delete(&conn, "b").unwrap());
        assert_eq!(get(&conn, "b").unwrap(), None);
    }

    #[test]
    fn a_provider_is_changed_and_keeps_its_time() {
        let conn = database();
        let changed = ProviderRow {
            base_url: "https://x.example.com".into(),
            dialect: "azure".into(),
            auth: Some("header:api-key".into()),
            requires_api_key: true,
            api_version: Some("2024-10-21".into()),
            created_at: at(9),
            ..a_provider("a", None)
        };
        assert!(!update(&conn, &changed).unwrap());
        assert_eq!(list(&conn).unwrap(), []);
        upsert(&conn, &a_provider("a", Some("A_KEY"))).unwrap();
        assert!(update(&conn, &changed).unwrap());
        let stored = ProviderRow {
            created_at: at(1),
            ..changed.clone()
        };
        assert_eq!(list(&conn).unwrap(), [stored]);
        upsert(&conn, &a_provider("a", None)).unwrap();
        assert_eq!(list(&conn).unwrap(), [a_provider("a", None)]);
    }

    #[test]
    fn the_models_of_a_provider_go_with_it() {
        let conn = database();
        insert(&conn, &a_provider("a", None)).unwrap();
        for provider in ["a", "builtin"] {
            let row = ModelRow {
                provider_id: provider.into(),
                model_id: "m".into(),
                display_name: "m".into(),
                context_limit: None,
                output_limit: None,
                supports_tools: None,
                supports_vision: None,
                price: None,
                created_at: at(1),
            };
            model::upsert(&conn, &row).unwrap();
        }
        // The provider is not in the table, so nothing is removed.
        assert!(!delete(&conn, "builtin").unwrap());
        assert_eq!(model::list_all(&conn).unwrap().len(), 2);
        assert!(delete(&conn, "a").unwrap());
        let left = model::list_all(&conn).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].provider_id, "builtin");
    }
}
