//! Every dialect through every case, against the scripted provider: real HTTP, real faults. The
//! results are the table of `docs/providers.md`; a case that fails fails this test.
//!
//! `UPDATE_DOCS=1 cargo test -p mesoclaw-providers --test dialects` writes the document.

#![expect(clippy::unwrap_used, reason = "a test: what cannot go on stops here")]

mod answers;
mod case;
mod document;
mod faults;
mod spoken;
mod statuses;

use std::path::Path;

use case::{CASES, Outcome};
use document::markdown;
use spoken::Spoken;

#[tokio::test]
async fn every_dialect_passes_every_case() {
    let mut results = Vec::new();
    let mut failures = Vec::new();
    for case in &CASES {
        let mut row = Vec::new();
        for spoken in Spoken::ALL {
            let outcome = (case.run)(spoken).await;
            if let Err(what) = &outcome {
                failures.push(format!(
                    "{} / {}: {what}",
                    spoken.dialect.as_str(),
                    case.name
                ));
            }
            row.push(outcome.unwrap_or(Outcome::Passes));
        }
        results.push((case.name, row));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let expected = markdown(&results);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/providers.md is out of date: \
         UPDATE_DOCS=1 cargo test -p mesoclaw-providers --test dialects"
    );
}
