//! Local time is not read here: the system keeps it elsewhere.

/// Nothing: the caller tells UTC.
pub(in super::super) fn local(_unix_ms: i64, _tz: Option<&str>) -> Option<String> {
    None
}
