//! From rows to values and back: JSON columns, words of enums, lists.

use rusqlite::{Row, Rows};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{StoreError, StoreResult};

/// All rows.
pub(super) fn all<T>(
    mut rows: Rows<'_>,
    read: impl Fn(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<Vec<T>> {
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// The first row, if there is one.
pub(super) fn first<T>(
    mut rows: Rows<'_>,
    read: impl Fn(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<Option<T>> {
    rows.next()?.map(read).transpose()
}

/// A value as JSON text.
pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|source| StoreError::Encode { what, source })
}

/// A value from JSON text.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|source| StoreError::Decode { what, source })
}

/// The word an enum without fields is on the wire.
pub(super) fn to_word<T: Serialize>(what: &'static str, value: &T) -> StoreResult<String> {
    serde_json::from_value(to_value(what, value)?)
        .map_err(|source| StoreError::Encode { what, source })
}

/// An enum from its word.
pub(super) fn from_word<T: DeserializeOwned>(what: &'static str, word: String) -> StoreResult<T> {
    serde_json::from_value(Value::String(word))
        .map_err(|source| StoreError::Decode { what, source })
}

fn to_value<T: Serialize>(what: &'static str, value: &T) -> StoreResult<Value> {
    serde_json::to_value(value).map_err(|source| StoreError::Encode { what, source })
}

/// A number as it is stored. Providers may send any number, and a sum over many must not overflow.
pub(super) fn bounded(number: u64) -> u64 {
    const MOST: u64 = 1_000_000_000_000;
    number.min(MOST)
}

/// An id or a time from its column.
pub(super) fn text<T: From<String>>(row: &Row<'_>, column: &str) -> StoreResult<T> {
    Ok(T::from(row.get::<_, String>(column)?))
}

/// An id or a time from a column that may be empty.
pub(super) fn text_or_none<T: From<String>>(row: &Row<'_>, column: &str) -> StoreResult<Option<T>> {
    Ok(row.get::<_, Option<String>>(column)?.map(T::from))
}
