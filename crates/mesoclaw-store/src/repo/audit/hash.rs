//! The hash of an entry of the audit. A released definition never changes: old entries keep theirs.

use mesoclaw_api::ops::audit::AuditEntry;
use mesoclaw_api::{CallId, SessionId, TurnId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{StoreError, StoreResult};

/// What stands for the hash before the first entry.
pub const ZERO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is hashed of an entry. The fields stand in the order of the alphabet, and serde writes
/// them in the order they stand here.
#[derive(Serialize)]
pub(super) struct Hashed<'a> {
    pub at: &'a str,
    pub call_id: Option<&'a str>,
    pub digest: Option<&'a str>,
    pub duration_ms: Option<i64>,
    pub id: i64,
    pub kind: &'a str,
    pub outcome: &'a str,
    pub rule: Option<&'a str>,
    pub session_id: Option<&'a str>,
    pub surface: &'a str,
    pub text: &'a str,
    pub tool: Option<&'a str>,
    pub turn_id: Option<&'a str>,
}

/// The hash of an entry that follows one with the hash `prev_hash`, as 64 lower-case hexadecimal
/// digits.
///
/// It is the SHA-256 of the bytes of `prev_hash` (its 64 digits; zeros for the first entry)
/// followed by the bytes of a JSON text. That is one object with exactly the keys `at`, `call_id`,
/// `digest`, `duration_ms`, `id`, `kind`, `outcome`, `rule`, `session_id`, `surface`, `text`, `tool`
/// and `turn_id`, in this order, without white space. What is missing is `null`, numbers are
/// decimal, texts are UTF-8 in which only `"` and `\` (with a `\` before them) and the characters
/// below U+0020 (as `\b`, `\t`, `\n`, `\f`, `\r`, else `\u00` and two lower-case digits) are
/// escaped.
pub(super) fn of(prev_hash: &str, entry: &Hashed<'_>) -> StoreResult<String> {
    let json = serde_json::to_vec(entry).map_err(|source| StoreError::Encode {
        what: "an entry of the audit",
        source,
    })?;
    let digest = Sha256::new()
        .chain_update(prev_hash.as_bytes())
        .chain_update(json)
        .finalize();
    let mut text = String::with_capacity(ZERO_HASH.len());
    for byte in digest {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    Ok(text)
}

/// The hash of an entry, given the words of its kind and its surface.
pub(super) fn of_entry(entry: &AuditEntry, kind: &str, surface: &str) -> StoreResult<String> {
    let hashed = Hashed {
        at: entry.at.as_str(),
        call_id: entry.call_id.as_ref().map(CallId::as_str),
        digest: entry.digest.as_deref(),
        // The store keeps no number that does not fit.
        duration_ms: entry.duration_ms.map(u64::cast_signed),
        id: entry.id,
        kind,
        outcome: &entry.outcome,
        rule: entry.rule.as_deref(),
        session_id: entry.session_id.as_ref().map(SessionId::as_str),
        surface,
        text: &entry.text,
        tool: entry.tool.as_deref(),
        turn_id: entry.turn_id.as_ref().map(TurnId::as_str),
    };
    of(&entry.prev_hash, &hashed)
}
