//! The table of `docs/attack-cases.md`: every case has a test that is there, or says which part will
//! bring it.

use std::collections::BTreeSet;

use crate::tree;

const TABLE: &str = "docs/attack-cases.md";

/// The numbers of the cases.
const NUMBERS: &[u32] = &[
    1, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16, 18, 19, 21, 22, 23, 25, 26, 27, 28, 29, 30, 32,
    34, 35, 36, 38, 39, 40, 42, 43, 44, 45, 47, 48, 49, 50, 52, 53, 54, 56, 57, 58, 59, 60, 61, 63,
    64, 65, 66, 67, 68, 70, 71, 72, 73, 75, 76, 77, 79, 80, 81, 82, 84, 85, 87, 88, 90, 91, 92, 94,
    95, 96, 97, 99, 100, 102, 104,
];

/// A row: the number and its last cell.
fn rows(text: &str) -> Vec<(u32, &str)> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim_matches(['|', ' ']);
            let number = line.split(" | ").next()?.trim().parse().ok()?;
            Some((number, line.rsplit(" | ").next()?))
        })
        .collect()
}

/// Names of tests in a cell: `` `path/file.rs`: `test_a`, `test_b` ``; `None` when the cell leaves
/// the case to a part that is not there yet.
fn named(cell: &str) -> Option<Vec<(&str, &str)>> {
    if cell.starts_with("later: ") {
        return None;
    }
    let mut file = "";
    let mut found = Vec::new();
    for word in cell.split('`').skip(1).step_by(2) {
        if word.contains('/') {
            file = word;
        } else {
            found.push((file, word));
        }
    }
    Some(found)
}

#[test]
fn every_case_names_a_test_that_is_there() {
    let text = tree::text(TABLE).expect("a text");
    let rows = rows(&text);
    let numbers: BTreeSet<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, NUMBERS.iter().copied().collect(), "numbers");
    assert_eq!(rows.len(), NUMBERS.len(), "a number twice");
    let mut complaints = Vec::new();
    for (number, cell) in rows {
        let Some(tests) = named(cell) else { continue };
        if tests.is_empty() {
            complaints.push(format!("case {number} names no test"));
        }
        for (file, test) in tests {
            let is_file = tree::files().iter().any(|path| path == file);
            let source = is_file.then(|| tree::text(file)).flatten();
            let has = source.is_some_and(|source| source.contains(&format!("fn {test}(")));
            if !has {
                complaints.push(format!("case {number}: no test {test} in {file}"));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_row_is_read() {
    let text = "| # | attack | tests |\n|---|---|---|\n\
                | 1 | quotes | `a/b.rs`: `t`, `u`; `x/c.rs`: `v` |\n| 68 | x | later: plugins |\n";
    let rows = rows(text);
    assert_eq!(rows[0].0, 1);
    let expected = vec![("a/b.rs", "t"), ("a/b.rs", "u"), ("x/c.rs", "v")];
    assert_eq!(named(rows[0].1), Some(expected));
    assert_eq!(named(rows[1].1), None);
}
