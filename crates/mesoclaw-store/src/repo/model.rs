//! Models a person added, or knows more of than the program.

use mesoclaw_api::Timestamp;
use mesoclaw_api::ops::provider::Price;
use rusqlite::{Connection, Row, named_params};

use crate::error::StoreResult;
use crate::repo::row::{all, text};

/// A model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelRow {
    /// The provider; it need not be one a person added.
    pub provider_id: String,
    /// The model as the provider names it.
    pub model_id: String,
    /// Name for people.
    pub display_name: String,
    /// Tokens of prompt and answer together; `None` = not known.
    pub context_limit: Option<u32>,
    /// Tokens of an answer; `None` = not known.
    pub output_limit: Option<u32>,
    /// Whether it calls tools by itself; `None` = not known.
    pub supports_tools: Option<bool>,
    /// Whether it sees images; `None` = not known.
    pub supports_vision: Option<bool>,
    /// What it costs; `None` = not known.
    pub price: Option<Price>,
    /// When it was added.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "provider_id, model_id, display_name, context_limit, output_limit,
    supports_tools, supports_vision, price_input, price_cached_input, price_cache_write,
    price_output, created_at";

/// Adds a model, or changes everything but the time of one that is there.
pub fn upsert(conn: &Connection, model: &ModelRow) -> StoreResult<()> {
    let price = model.price.as_ref();
    let sql = format!(
        "INSERT INTO models ({COLUMNS})
         VALUES (:provider, :model, :name, :context, :output, :tools, :vision, :price_input,
                 :price_cached_input, :price_cache_write, :price_output, :created)
         ON CONFLICT (provider_id, model_id) DO UPDATE
             SET display_name = excluded.display_name, context_limit = excluded.context_limit,
                 output_limit = excluded.output_limit, supports_tools = excluded.supports_tools,
                 supports_vision = excluded.supports_vision, price_input = excluded.price_input,
                 price_cached_input = excluded.price_cached_input,
                 price_cache_write = excluded.price_cache_write,
                 price_output = excluded.price_output"
    );
    conn.prepare_cached(&sql)?.execute(named_params! {
        ":provider": model.provider_id,
        ":model": model.model_id,
        ":name": model.display_name,
        ":context": model.context_limit,
        ":output": model.output_limit,
        ":tools": model.supports_tools,
        ":vision": model.supports_vision,
        ":price_input": price.map(|price| price.input),
        ":price_cached_input": price.and_then(|price| price.cached_input),
        ":price_cache_write": price.and_then(|price| price.cache_write),
        ":price_output": price.map(|price| price.output),
        ":created": model.created_at.as_str(),
    })?;
    Ok(())
}

/// Removes a model. False when there is no such model.
pub fn delete(conn: &Connection, provider_id: &str, model_id: &str) -> StoreResult<bool> {
    let n_deleted = conn
        .prepare_cached("DELETE FROM models WHERE provider_id = ?1 AND model_id = ?2")?
        .execute([provider_id, model_id])?;
    Ok(n_deleted > 0)
}

/// The models of one provider, by id.
pub fn list_of(conn: &Connection, provider_id: &str) -> StoreResult<Vec<ModelRow>> {
    let sql = format!("SELECT {COLUMNS} FROM models WHERE provider_id = ?1 ORDER BY model_id");
    all(conn.prepare_cached(&sql)?.query([provider_id])?, model)
}

/// The models of all providers, by provider and id.
pub fn list_all(conn: &Connection) -> StoreResult<Vec<ModelRow>> {
    let sql = format!("SELECT {COLUMNS} FROM models ORDER BY provider_id, model_id");
    all(conn.prepare_cached(&sql)?.query([])?, model)
}

fn model(row: &Row<'_>) -> StoreResult<ModelRow> {
    Ok(ModelRow {
        provider_id: row.get("provider_id")?,
        model_id: row.get("model_id")?,
        display_name: row.get("display_name")?,
        context_limit: row.get("context_limit")?,
        output_limit: row.get("output_limit")?,
        supports_tools: row.get("supports_tools")?,
        supports_vision: row.get("supports_vision")?,
        price: price(row)?,
        created_at: text(row, "created_at")?,
    })
}

fn price(row: &Row<'_>) -> StoreResult<Option<Price>> {
    let input: Option<u64> = row.get("price_input")?;
    let output: Option<u64> = row.get("price_output")?;
    let (Some(input), Some(output)) = (input, output) else {
        return Ok(None);
    };
    Ok(Some(Price {
        input,
        cached_input: row.get("price_cached_input")?,
        cache_write: row.get("price_cache_write")?,
        output,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::tests::{at, database};

    #[test]
    fn models_are_added_changed_and_removed() {
        let conn = database();
        let plain = |provider: &str, model: &str| ModelRow {
            provider_id: provider.into(),
            model_id: model.into(),
            display_name: model.to_uppercase(),
            context_limit: None,
            output_limit: None,
            supports_tools: None,
            supports_vision: None,
            price: None,
            created_at: at(1),
        };
        let full = ModelRow {
            context_limit: Some(u32::MAX),
            output_limit: Some(4096),
            supports_tools: Some(false),
            supports_vision: Some(true),
            price: Some(Price {
                input: 2_500_000,
                cached_input: Some(0),
                cache_write: None,
                output: 10_000_000,
            }),
            ..plain("b", "org/m:1")
        };
        for row in [&full, &plain("b", "a"), &plain("a", "z")] {
            upsert(&conn, row).unwrap();
        }
        let of_b = [plain("b", "a"), full.clone()];
        assert_eq!(list_of(&conn, "b").unwrap(), of_b);
        assert_eq!(list_of(&conn, "none").unwrap(), []);
        assert_eq!(
            list_all(&conn).unwrap(),
            [plain("a", "z"), plain("b", "a"), full.clone()]
        );
        let changed = ModelRow {
            created_at: at(9),
            ..full
        };
        let stored = ModelRow {
            created_at: at(1),
            ..changed.clone()
        };
        upsert(&conn, &changed).unwrap();
        upsert(
            &conn,
            &ModelRow {
                price: None,
                ..plain("a", "z")
            },
        )
        .unwrap();
        assert_eq!(list_of(&conn, "b").unwrap(), [plain("b", "a"), stored]);
        assert!(delete(&conn, "b", "a").unwrap());
        assert!(!delete(&conn, "b", "a").unwrap());
        assert!(!delete(&conn, "a", "org/m:1").unwrap());
        assert_eq!(list_all(&conn).unwrap().len(), 2);
    }
}
