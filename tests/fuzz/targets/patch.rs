//! Patches of any kind, and the way back: a difference that is shown can be applied.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mesoclaw_tools::parts::{LineKind, apply, parse, unified};

fuzz_target!(|input: (&str, &str)| {
    let (first, second) = input;
    if let Ok(patch) = parse(first) {
        let count = |kind: LineKind| {
            let lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
            lines.filter(|line| line.kind == kind).count()
        };
        let n_lines = |text: &str| text.split_inclusive('\n').count();
        if let Ok(applied) = apply(&patch, second) {
            assert_eq!(applied.found_at.len(), patch.hunks.len());
            let expected = n_lines(second) + count(LineKind::Added);
            assert_eq!(
                n_lines(&applied.text) + count(LineKind::Removed),
                expected,
                "{patch:?}"
            );
        }
    }

    let diff = unified("name", Some(first.as_bytes()), Some(second.as_bytes()));
    if !diff.is_empty() && diff.len() < 200_000 {
        let patch = parse(&diff).unwrap_or_else(|error| panic!("{}: {diff}", error.sentence()));
        let applied = apply(&patch, first);
        let applied = applied.unwrap_or_else(|error| panic!("{}: {diff}", error.sentence()));
        assert_eq!(applied.text, second, "{diff}");
    }
});
