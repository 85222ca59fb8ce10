//! Where a key may go, and which variables of the environment may be used. Keys are not here.

use mesoclaw_api::Timestamp;
use rusqlite::{Connection, Row};

use crate::error::StoreResult;
use crate::repo::row::{all, first, text};

/// The one address the key of a provider goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyBinding {
    /// The provider.
    pub provider_id: String,
    /// Scheme, host and port.
    pub origin: String,
    /// When somebody said so.
    pub created_at: Timestamp,
}

/// Where the key of a provider may go. `None` when nobody has said.
pub fn binding_get(conn: &Connection, provider_id: &str) -> StoreResult<Option<KeyBinding>> {
    first(
        conn.prepare_cached(
            "SELECT provider_id, origin, created_at FROM key_bindings WHERE provider_id = ?1",
        )?
        .query([provider_id])?,
        binding,
    )
}

/// All bindings, by provider.
pub fn binding_list(conn: &Connection) -> StoreResult<Vec<KeyBinding>> {
    all(
        conn.prepare_cached(
            "SELECT provider_id, origin, created_at FROM key_bindings ORDER BY provider_id",
        )?
        .query([])?,
        binding,
    )
}

/// Lets the key of a provider go to this address and to no other.
pub fn binding_set(
    conn: &Connection,
    provider_id: &str,
    origin: &str,
    now: &Timestamp,
) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO key_bindings (provider_id, origin, created_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (provider_id) DO UPDATE
             SET origin = excluded.origin, created_at = excluded.created_at",
    )?
    .execute([provider_id, origin, now.as_str()])?;
    Ok(())
}

/// Forgets where the key of a provider may go. False when nobody had said.
pub fn binding_delete(conn: &Connection, provider_id: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM key_bindings WHERE provider_id = ?1")?
        .execute([provider_id])?;
    Ok(n_deleted > 0)
}

/// The variables that may be used, by name.
pub fn consent_list(conn: &Connection) -> StoreResult<Vec<String>> {
    all(
        conn.prepare_cached("SELECT variable FROM key_consents ORDER BY variable")?
            .query([])?,
        |row| Ok(row.get(0)?),
    )
}

/// Allows the use of a variable. False when it was allowed already.
pub fn consent_set(conn: &Connection, variable: &str, now: &Timestamp) -> StoreResult<bool> {
    let n_inserted = conn
        .prepare_cached(
            "INSERT INTO key_consents (variable, created_at) VALUES (?1, ?2)
             ON CONFLICT (variable) DO NOTHING",
        )?
        .execute([variable, now.as_str()])?;
    Ok(n_inserted > 0)
}

/// Forbids the use of a variable again. False when it was not allowed.
pub fn consent_delete(conn: &Connection, variable: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM key_consents WHERE variable = ?1")?
        .execute([variable])?;
    Ok(n_deleted > 0)
}

fn binding(row: &Row<'_>) -> StoreResult<KeyBinding> {
    Ok(KeyBinding {
        provider_id: row.get("provider_id")?,
        origin: row.get("origin")?,
        created_at: text(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::tests::{at, database};

    #[test]
    fn a_key_is_bound_to_the_last_address_somebody_named() {
        let conn = database();
        let bound = |provider: &str, origin: &str, n| KeyBinding {
            provider_id: provider.into(),
            origin: origin.into(),
            created_at: at(n),
        };
        assert_eq!(binding_get(&conn, "p").unwrap(), None);
        binding_set(&conn, "p", "https://a", &at(1)).unwrap();
        binding_set(&conn, "o", "https://c", &at(2)).unwrap();
        binding_set(&conn, "p", "https://b:8443", &at(3)).unwrap();
        let p = bound("p", "https://b:8443", 3);
        assert_eq!(binding_get(&conn, "p").unwrap(), Some(p.clone()));
        assert_eq!(
            binding_list(&conn).unwrap(),
            [bound("o", "https://c", 2), p]
        );
        assert!(binding_delete(&conn, "p").unwrap());
        assert!(!binding_delete(&conn, "p").unwrap());
        assert_eq!(binding_get(&conn, "p").unwrap(), None);
    }

    #[test]
    fn a_variable_is_used_between_consent_and_its_end() {
        let conn = database();
        assert_eq!(consent_list(&conn).unwrap(), [] as [&str; 0]);
        assert!(consent_set(&conn, "B_KEY", &at(1)).unwrap());
        assert!(consent_set(&conn, "A_KEY", &at(2)).unwrap());
        assert!(!consent_set(&conn, "B_KEY", &at(3)).unwrap());
        assert_eq!(consent_list(&conn).unwrap(), ["A_KEY", "B_KEY"]);
        assert!(consent_delete(&conn, "B_KEY").unwrap());
        assert!(!consent_delete(&conn, "B_KEY").unwrap());
        assert_eq!(consent_list(&conn).unwrap(), ["A_KEY"]);
    }
}
