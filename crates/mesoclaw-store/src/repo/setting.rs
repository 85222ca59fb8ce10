//! Settings the daemon keeps for itself, as JSON by key. The configuration file is elsewhere.

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::error::StoreResult;
use crate::repo::row::{first, from_json, to_json};

/// The value of a key.
pub fn get(conn: &Connection, key: &str) -> StoreResult<Option<Value>> {
    first(
        conn.prepare_cached("SELECT value FROM settings WHERE key = ?1")?
            .query([key])?,
        |row| from_json("a setting", &row.get::<_, String>(0)?),
    )
}

/// Gives a key a value, in place of the one it had.
pub fn set(conn: &Connection, key: &str, value: &Value) -> StoreResult<()> {
    conn.prepare_cached(
        "INSERT INTO settings (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![key, to_json("a setting", value)?])?;
    Ok(())
}

/// Removes a key. False when it was not there.
pub fn delete(conn: &Connection, key: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM settings WHERE key = ?1")?
        .execute([key])?;
    Ok(n_deleted > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::repo::tests::database;

    #[test]
    fn a_setting_has_its_last_value_until_it_is_removed() {
        let conn = database();
        assert_eq!(get(&conn, "k").unwrap(), None);
        for value in [json!(null), json!("text"), json!({"a": [1, 2.5, true]})] {
            set(&conn, "k", &value).unwrap();
            assert_eq!(get(&conn, "k").unwrap(), Some(value));
        }
        assert!(delete(&conn, "k").unwrap());
        assert!(!delete(&conn, "k").unwrap());
        assert_eq!(get(&conn, "k").unwrap(), None);
    }
}
