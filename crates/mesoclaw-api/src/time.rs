//! The clock: the only place of the workspace that reads the time of day.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in UTC with millisecond precision, RFC 3339 on the wire and in the database.
///
/// The text form has a fixed width, so comparing texts compares times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// Now.
    pub fn now() -> Self {
        Self::from_unix_ms(unix_ms())
    }

    /// The moment `ms` milliseconds after 1970-01-01T00:00:00Z; out of range moments become the epoch.
    pub fn from_unix_ms(ms: i64) -> Self {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self(format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.millisecond()
        ))
    }

    /// Milliseconds after 1970-01-01T00:00:00Z; `None` when the text is not a time.
    pub fn unix_ms(&self) -> Option<i64> {
        let moment = OffsetDateTime::parse(&self.0, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
    }

    /// The moment so much later; the epoch when this text is no time.
    pub fn plus(&self, after: std::time::Duration) -> Self {
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_ms(self.unix_ms().unwrap_or(0).saturating_add(after_ms))
    }

    /// The RFC 3339 text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Timestamp {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Milliseconds after 1970-01-01T00:00:00Z, now.
pub fn unix_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    let nanos = OffsetDateTime::now_utc().unix_timestamp_nanos();
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_milliseconds_agree() {
        for ms in [0, 1, 1_700_000_000_123, 4_102_444_800_000] {
            assert_eq!(Timestamp::from_unix_ms(ms).unix_ms(), Some(ms));
        }
        assert_eq!(
            Timestamp::from_unix_ms(1_700_000_000_123).as_str(),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(Timestamp::from("yesterday".to_owned()).unix_ms(), None);
    }
}
