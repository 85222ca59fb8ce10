//! `file_search` over a large tree against `rg --files` through a pipe.
//!
//! Both look at the same files, with the same rules and as many threads; the bench checks that
//! both find the same number. What is compared is a search inside this process and a run of
//! another program, so a row says what starting that program takes.

use std::path::Path;
use std::time::{Duration, Instant};

use mesoclaw_tools::parts::{NamePattern, find_names};
use mesoclaw_tools::workspace::Directory;

use crate::bench::side_by_side::{compare, never};
use crate::file_tree::FileTree;
use crate::ripgrep::Ripgrep;
use crate::row::{Row, ms};
use crate::run::Setting;

/// Names one search keeps: the tool's own default.
const MAX_NAMES: usize = 100;

/// A search.
struct Case {
    about: &'static str,
    /// The pattern of the tool.
    pattern: &'static str,
    /// The same on a path that `rg` prints.
    wants: fn(&[u8]) -> bool,
}

const CASES: [Case; 4] = [
    Case {
        about: "`*.toml`, every tenth file",
        pattern: "*.toml",
        wants: |path| path.ends_with(b".toml"),
    },
    Case {
        about: "`ledger_`, a part of a name",
        pattern: "ledger_",
        wants: |path| {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
            name.starts_with(b"ledger_")
        },
    },
    Case {
        about: "`docs/**/*.md`, a path",
        pattern: "docs/**/*.md",
        wants: |path| path.starts_with(b"docs/") && path.ends_with(b".md"),
    },
    Case {
        about: "`*_*`, every file",
        pattern: "*_*.*",
        wants: |_| true,
    },
];

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let rg = Ripgrep::find(setting);
    let n_files = setting.rounds(100_000, 10_000) as u64;
    let tree = FileTree::generate(n_files);
    let n_rounds = setting.rounds(15, 5);
    let mut rows = Vec::new();
    for case in &CASES {
        let pattern = NamePattern::new(case.pattern).expect("a pattern");
        let ours = || timed_names(tree.path(), &pattern);
        let theirs = || {
            let start = Instant::now();
            let n_matches = rg.count(tree.path(), &["--files"], case.wants);
            (start.elapsed(), n_matches)
        };
        rows.extend(compare(case.about, "rg --files", n_rounds, ours, theirs));
    }
    let starts = (0..n_rounds).map(|_| ms(rg.start())).collect();
    rows.push(Row::of("for comparison: `rg --version`", "ms", starts));
    rows
}

fn timed_names(root: &Path, pattern: &NamePattern) -> (Duration, usize) {
    let start = Instant::now();
    let root = Directory::open(root).expect("a directory");
    let found = find_names(&root, pattern, MAX_NAMES, &never());
    (start.elapsed(), found.n_matches)
}
