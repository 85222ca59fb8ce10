//! A tree of source-like files, the same one every time: nested directories, rules of what is
//! ignored, some binary files and some very long lines. It lies in a directory of its own, which
//! goes with the value.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A line that stands in few files: one in 5,000.
pub(crate) const RARE: &str = "saltmarsh_lantern";
/// Files of one directory.
const FILES_IN_DIR: u64 = 24;
/// One file in so many is ignored, on top of the others.
const IGNORED_OF: u64 = 10;

const WORDS: [&str; 32] = [
    "harbour", "return", "vessel", "let", "keeper", "match", "tide", "value", "signal", "north",
    "buffer", "anchor", "None", "Some", "error", "record", "column", "fn", "index", "impl",
    "window", "crate", "self", "struct", "ready", "ledger", "window", "mut", "stream", "token",
    "parse", "result",
];

/// A tree on disk.
pub(crate) struct FileTree {
    dir: TempDir,
    /// Bytes of all files.
    pub(crate) n_bytes: u64,
}

impl FileTree {
    /// Writes `n_files` files, and a tenth as many again that are ignored.
    pub(crate) fn generate(n_files: u64) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("mesoclaw-bench-tree-")
            .tempdir()
            .expect("a temporary directory");
        let mut tree = Self { dir, n_bytes: 0 };
        // Without a repository, ripgrep heeds no .gitignore.
        tree.write(Path::new(".git/HEAD"), b"ref: refs/heads/main\n");
        tree.write(Path::new(".gitignore"), b"/target/\n*.log\nnode_modules/\n");
        for number in 0..n_files {
            let path = place(number / FILES_IN_DIR).join(name(number));
            let content = content(number);
            tree.write(&path, &content);
            if number % IGNORED_OF == 0 {
                tree.write(&ignored(number), &content);
            }
        }
        tree
    }

    /// Its root.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&mut self, relative: &Path, content: &[u8]) {
        let path = self.path().join(relative);
        let parent = path.parent().expect("a file lies in a directory");
        if !parent.is_dir() {
            fs::create_dir_all(parent).expect("a directory");
            // Some directories have rules of their own.
            if relative.to_string_lossy().contains("part_7") {
                fs::write(parent.join(".gitignore"), "*.tmp\n!kept.tmp\n/made/\n").expect("a file");
            }
        }
        fs::write(&path, content).expect("a file");
        self.n_bytes += content.len() as u64;
    }
}

/// The directory of this number: two to five levels down.
fn place(number: u64) -> PathBuf {
    let mut path = PathBuf::from(["src", "lib", "docs", "tests"][(number % 4) as usize]);
    path.push(format!("module_{}", number % 40));
    let mut rest = number / 40;
    while rest > 0 {
        path.push(format!("part_{}", rest % 9));
        rest /= 9;
    }
    path
}

fn name(number: u64) -> String {
    let word = WORDS[(mixed(number) % WORDS.len() as u64) as usize].to_lowercase();
    format!("{word}_{number}.{}", end(number))
}

fn end(number: u64) -> &'static str {
    match mixed(number ^ 0x5bd1) % 100 {
        0..50 => "rs",
        50..65 => "md",
        65..75 => "toml",
        75..85 => "json",
        85..95 => "txt",
        95..98 => "py",
        _ => "bin",
    }
}

/// Where an ignored file lies: in a directory that is ignored, or by its own name.
fn ignored(number: u64) -> PathBuf {
    let dir = number / FILES_IN_DIR;
    match number / IGNORED_OF % 3 {
        0 => PathBuf::from(format!("target/debug/deps_{}", dir % 97)).join(name(number)),
        1 => place(dir).join("node_modules/package").join(name(number)),
        _ => place(dir).join(format!("trace_{number}.log")),
    }
}

fn content(number: u64) -> Vec<u8> {
    let mut state = mixed(number);
    let mut next = || {
        state = mixed(state);
        state
    };
    if end(number) == "bin" {
        let bytes = (0..512).flat_map(|_| next().to_le_bytes());
        return [0_u8, 1, 2, 3].into_iter().chain(bytes).collect();
    }
    // Most files are small, few are large.
    let n_lines = match next() % 100 {
        0..60 => 10 + next() % 30,
        60..95 => 30 + next() % 90,
        _ => 200 + next() % 600,
    };
    let mut text = String::new();
    for line in 0..n_lines {
        write!(text, "{:indent$}", "", indent = (next() % 4 * 4) as usize).expect("a string");
        for _ in 0..3 + next() % 6 {
            text.push_str(WORDS[(next() % WORDS.len() as u64) as usize]);
            text.push(' ');
        }
        if next() % 50 == 0 {
            write!(text, "id_{}(TKT-{:04})", next() % 1000, next() % 10_000).expect("a string");
        }
        if line == 5 && number % 5_000 == 17 {
            text.push_str(RARE);
        }
        text.push('\n');
    }
    if number % 1_000 == 3 {
        // What a minifier writes.
        text.push_str(&"window.a=function(b){return b};".repeat(3_000));
        text.push('\n');
    }
    text.into_bytes()
}

/// Numbers that look random and are the same everywhere (`SplitMix64`).
fn mixed(number: u64) -> u64 {
    let mut n = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_the_same_every_time() {
        let sizes: Vec<u64> = (0..2).map(|_| FileTree::generate(200).n_bytes).collect();
        assert_eq!(sizes[0], sizes[1]);
        assert!(content(17).ends_with(b"\n") && name(17) == name(17));
    }
}
