//! Compares `docs/api.md` with the table it is generated from; `UPDATE_DOCS=1` writes it.

use std::collections::BTreeSet;

use mesoclaw_api::{ErrorCode, operations};

use crate::api_document::{api_markdown, event_kinds};
use crate::tree;

const DOCUMENT: &str = "docs/api.md";

#[test]
fn docs_in_sync() {
    let path = tree::root().join(DOCUMENT);
    let expected = api_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{DOCUMENT} is out of date: \
         UPDATE_DOCS=1 cargo test -p mesoclaw-cli --test e2e docs_in_sync"
    );
}

#[test]
fn the_document_names_every_operation_error_and_event() {
    let markdown = api_markdown();
    let mut domains = BTreeSet::new();
    for row in operations() {
        let heading = format!("\n### `{}`\n\n{}\n", row.method, row.summary.trim());
        assert!(markdown.contains(&heading), "{}", row.method);
        domains.extend(row.method.split('.').next());
    }
    for domain in domains {
        let heading = format!("\n## `{domain}`\n");
        assert_eq!(markdown.matches(&heading).count(), 1, "{domain}");
    }
    for code in ErrorCode::ALL {
        let row = format!(
            "\n| `{}` | {} | {} | {} | ",
            code.wire(),
            code.http_status(),
            code.rpc_number(),
            code.exit_code()
        );
        assert!(markdown.contains(&row), "{code}");
    }
    let kinds = event_kinds();
    assert!(kinds.len() >= 19, "{kinds:?}");
    for (kind, must_deliver) in [("turn.finished", true), ("text.delta", false)] {
        let found = kinds.iter().find(|event| event.kind == kind);
        assert_eq!(found.map(|event| event.must_deliver), Some(must_deliver));
    }
}
