//! Entries of the audit as comma-separated values.

use mesoclaw_api::ops::audit::AuditEntry;
use serde_json::Value;

use crate::output::push;

/// The columns, in the order of the chain's own fields.
const COLUMNS: [&str; 14] = [
    "id",
    "at",
    "kind",
    "surface",
    "session_id",
    "turn_id",
    "call_id",
    "tool",
    "text",
    "digest",
    "outcome",
    "rule",
    "duration_ms",
    "prev_hash",
];

/// The first line.
pub(super) fn heading() -> String {
    format!("{},hash\n", COLUMNS.join(","))
}

/// One entry.
pub(super) fn line(entry: &AuditEntry) -> String {
    // The names of the columns are those of the wire.
    let value = serde_json::to_value(entry).unwrap_or_default();
    let mut line = String::new();
    for name in COLUMNS {
        push(&mut line, format_args!("{},", cell(value.get(name))));
    }
    push(&mut line, format_args!("{}\n", cell(value.get("hash"))));
    line
}

fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    quoted(&text)
}

/// A cell that a spreadsheet takes as text: one that begins like a formula gets an apostrophe.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let lead = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{lead}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("ls", "ls"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("=1+1", "\"'=1+1\""),
            ("-x", "\"'-x\""),
            ("@sum", "\"'@sum\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
