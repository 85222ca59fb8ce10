//! `content_search` over a large tree against `rg` through a pipe: same files, same rules, same
//! number of threads. The bench checks that both find the same number of lines, so neither finds
//! what is ignored.

use std::path::Path;
use std::time::{Duration, Instant};

use mesoclaw_agent::policy::{Roots, place};
use mesoclaw_tools::parts::{Query, grep, matcher};

use crate::bench::side_by_side::{compare, never};
use crate::file_tree::{FileTree, RARE};
use crate::ripgrep::Ripgrep;
use crate::row::{Row, mb, ms};
use crate::run::Setting;

/// Lines one search keeps: the tool's own default. `rg` prints all.
const MAX_RESULTS: usize = 100;

const CASES: [(&str, &str); 5] = [
    ("a rare word", RARE),
    ("a word of nearly every file", "harbour"),
    ("a regex that begins with a literal", r"id_[0-9]{3}\(TKT"),
    ("a regex without a literal", r"[A-Z]{3}-\d{3}7"),
    ("nothing", "no such text"),
];

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let rg = Ripgrep::find(setting);
    let n_files = setting.rounds(100_000, 10_000) as u64;
    let tree = FileTree::generate(n_files);
    let n_rounds = setting.rounds(11, 3);
    let mut rows = Vec::new();
    for (about, pattern) in CASES {
        let ours = || timed_lines(tree.path(), pattern);
        let theirs = || {
            let start = Instant::now();
            let args = ["--line-number", "--no-heading", "--regexp", pattern];
            let n_lines = rg.count(tree.path(), &args, |_| true);
            (start.elapsed(), n_lines)
        };
        rows.extend(compare(about, "rg", n_rounds, ours, theirs));
    }
    let starts = (0..n_rounds).map(|_| ms(rg.start())).collect();
    rows.push(Row::of("for comparison: `rg --version`", "ms", starts));
    rows.push(Row::one("bytes of the tree", "MB", mb(tree.n_bytes)));
    rows
}

fn timed_lines(root: &Path, pattern: &str) -> (Duration, usize) {
    let start = Instant::now();
    // What the tool asks of each file with a match before it shows it.
    let roots = Roots {
        workspace: Some(root.to_path_buf()),
        cwd: root.to_path_buf(),
        ..Roots::default()
    };
    let is_secret = |path: &Path| place(path, &roots).secret.is_some();
    let query = Query {
        matcher: matcher(pattern, false).expect("a pattern"),
        glob: None,
        context: 0,
        max_results: MAX_RESULTS,
    };
    let found = grep(root, &query, &is_secret, &never()).expect("a directory");
    (start.elapsed(), found.n_matches)
}
