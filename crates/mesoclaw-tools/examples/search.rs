//! Times a search by name and a search by content, beside ripgrep:
//! `search DIRECTORY PATTERN [ROUNDS]`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints and may break down"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesoclaw_agent::model_files::CancelToken;
use mesoclaw_tools::Stop;
use mesoclaw_tools::parts::{NamePattern, Query, find_names, grep, matcher};
use mesoclaw_tools::workspace::Directory;

struct Never;

impl CancelToken for Never {
    fn is_cancelled(&self) -> bool {
        false
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let directory = args.next().unwrap();
    let pattern = args.next().unwrap();
    let rounds: usize = args.next().map_or(11, |rounds| rounds.parse().unwrap());
    let path = Path::new(&directory).canonicalize().unwrap();
    let ours = |_: usize| {
        let root = Directory::open(&path).unwrap();
        let all = NamePattern::new("*").unwrap();
        find_names(&root, &all, 100, &stop()).n_matches
    };
    let theirs = |_: usize| rg(&path, &["--files", "--hidden", "--no-require-git"]);
    compare("file_search", rounds, ours, theirs);
    let ours = |_: usize| {
        let query = Query {
            matcher: matcher(&pattern, false).unwrap(),
            glob: None,
            context: 0,
            max_results: 100,
        };
        grep(&path, &query, &|_| false, &stop()).unwrap().n_matches
    };
    let theirs = |_: usize| rg(&path, &["--hidden", "--no-require-git", "-n", &pattern]);
    compare("content_search", rounds, ours, theirs);
}

fn stop() -> Stop {
    Stop::new(Arc::new(Never), Duration::from_mins(10))
}

/// Lines that ripgrep prints; it writes into a pipe that is read, as a caller would.
fn rg(path: &Path, args: &[&str]) -> usize {
    let output = Command::new("rg")
        .args(args)
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    output.stdout.split(|byte| *byte == b'\n').count() - 1
}

fn compare(
    name: &str,
    rounds: usize,
    ours: impl Fn(usize) -> usize,
    theirs: impl Fn(usize) -> usize,
) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let (mut n_ours, mut n_theirs) = (0, 0);
    for round in 0..rounds {
        let started = Instant::now();
        n_ours = ours(round);
        a.push(started.elapsed());
        let started = Instant::now();
        n_theirs = theirs(round);
        b.push(started.elapsed());
    }
    a.sort();
    b.sort();
    let (a, b) = (a[rounds / 2], b[rounds / 2]);
    let ratio = a.as_secs_f64() / b.as_secs_f64();
    println!("{name}: ours {a:?} ({n_ours}), rg {b:?} ({n_theirs}), ratio {ratio:.2}");
}
