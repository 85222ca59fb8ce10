//! Bytes of the binaries and crates in the tree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::row::{Row, mb};
use crate::run::Setting;

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let size = |path: &Path| mb(path.metadata().expect("a binary").len());
    let mut rows = vec![
        Row::one("binary, all features", "MB", size(&setting.mesoclaw))
            .goal("≤ 20 MB")
            .peers("38.7 MB (daemon and CLI)", "41.4 MB"),
    ];
    if let Some(small) = &setting.small {
        rows.push(Row::one("binary without the engine", "MB", size(small)).goal("≤ 12 MB"));
    }
    rows.push(
        Row::one("crates, normal and build", "", crates(&[]))
            .goal("≤ 350")
            .peers("460 (daemon alone 420)", "361"),
    );
    rows.push(Row::one(
        "crates without the engine",
        "",
        crates(&["--no-default-features"]),
    ));
    rows
}

/// Distinct packages that build `mesoclaw-cli`, this workspace's own among them.
fn crates(more: &[&str]) -> f64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("cargo")
        .current_dir(root)
        .args("tree --offline --locked -e normal,build -p mesoclaw-cli --prefix none".split(' '))
        .args(more)
        .output()
        .expect("cargo is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {said}");
    count(&String::from_utf8_lossy(&output.stdout)) as f64
}

/// A package stands once for each place it is used; what follows its version differs.
fn count(tree: &str) -> usize {
    let packages: BTreeSet<_> = tree
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            (words.next(), words.next())
        })
        .filter(|(name, _)| name.is_some())
        .collect();
    packages.len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_package_counts_once_and_two_versions_twice() {
        let tree = "a v1.0.0 (/dir)\nb v1.0.0\nb v1.0.0 (*)\n\nb v2.0.0\nc v1.0.0 (proc-macro)\n\
                    c v1.0.0 (proc-macro) (*)\n";
        assert_eq!(super::count(tree), 4);
    }
}
