//! The table of programs is read, and scripts of `sed` are told apart.

use super::sed::is_simple;
use super::*;

#[test]
fn table_is_read_and_names_are_unique() {
    let text = include_str!("../../../policy/programs.toml");
    table::parse(text).unwrap();
    let known = known_programs();
    let mut names: Vec<_> = known.iter().map(|program| &program.name).collect();
    names.dedup();
    assert_eq!(names.len(), known.len());
    assert!(known.iter().all(|program| !program.note.is_empty()));
    assert!(find("cat").is_some() && is_forbidden("sudo") && is_builtin("eval"));
}

#[test]
fn only_scripts_that_print_and_replace_are_simple() {
    for script in [
        "p",
        "1,20p",
        "$p",
        "/a b/d",
        "s/a/b/",
        "s/a/b/gI",
        "s|a|b|2p",
        "1d;$d",
        "s/a\\/b/c/",
        "/a/,/b/p",
        "1~2p",
        "5q",
        "y/ab/cd/",
        "/x/!d",
        "s/[a-z]*/x/",
        "2,+3p",
    ] {
        assert!(is_simple(script), "{script}");
    }
    for script in [
        "e",
        "1e id",
        "s/a/b/e",
        "s/a/b/w x",
        "w x",
        "r x",
        "R x",
        "W x",
        "{p}",
        "s/a/b/;e",
        "s/[/]/b/e",
        "s/a/b\n/e",
        "a text",
        "/a/e",
        "s/a/b/ge",
        "F",
        "b",
        "s/a/b",
        "s/[]/]/x/;e/",
        "\\,a,e",
        "s\nab\ncd\ne",
        "1,e",
        "p e",
        "s/a/b/m",
        "M",
    ] {
        assert!(!is_simple(script), "{script}");
    }
}

/// Rows whose programs were compared: all of them take the same options, or are of medium risk at
/// least and judge what could be a value and what could be an argument alike.
const SHARED: [&str; 23] = [
    "head tail",
    "grep egrep fgrep",
    "fd fdfind",
    "ls dir vdir",
    "status is-active is-enabled is-failed list-units list-unit-files show cat",
    "log whatchanged",
    "diff show diff-tree diff-index diff-files",
    "blame annotate",
    "branch tag",
    "push save pop apply branch",
    "merge cherry-pick revert",
    "reset restore clean rm gc prune worktree apply am filter-branch update-index update-ref read-tree checkout-index notes replace",
    "fetch pull push clone ls-remote submodule remote-update send-email request-pull svn p4 archive",
    "build b check c test t run r clippy bench doc d fmt nextest tree metadata package fix miri expand",
    "add remove rm update fetch generate-lockfile vendor install uninstall publish login logout owner yank search info new init audit outdated upgrade binstall",
    "rustc rustdoc rustfmt clippy-driver",
    "test t run run-script start build lint ls list",
    "tsc eslint prettier jest vitest mocha biome",
    "pytest py.test",
    "ruff black mypy flake8 isort pylint pyright tox nox",
    "list show freeze check",
    "make gmake ninja just task",
    "build test vet fmt run list doc",
];

#[test]
fn rows_with_several_names_and_options_with_values_were_compared() {
    fn look(entry: &table::Entry, found: &mut Vec<String>) {
        let takes_value = |list: &table::List| !list.0.is_empty();
        let mut lists = entry.lists().into_iter();
        if entry.names().len() > 1
            && lists.any(|(name, list)| name != "flags" && name != "medium" && takes_value(list))
        {
            found.push(entry.names().join(" "));
        }
        for sub in entry.subs() {
            look(sub, found);
        }
    }
    let mut found = Vec::new();
    for entry in table::parse(include_str!("../../../policy/programs.toml")).unwrap() {
        look(&entry, &mut found);
    }
    let unknown: Vec<_> = found
        .iter()
        .filter(|names| !SHARED.contains(&names.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn no_option_stands_in_two_lists_of_a_row() {
    fn look(entry: &table::Entry, wrong: &mut Vec<String>) {
        let mut seen = std::collections::BTreeSet::new();
        for (list, options) in entry.lists() {
            for option in &options.0 {
                if !seen.insert(option) {
                    wrong.push(format!("{:?} {list} {option}", entry.names()));
                }
                let is_word = option.trim_start_matches('-').len() > 1;
                let reads_words = entry.long_dash || entry.special == Some(special::Special::Find);
                if !option.starts_with("--") && is_word && !reads_words {
                    wrong.push(format!(
                        "{:?} {option} is a word with one dash",
                        entry.names()
                    ));
                }
            }
        }
        for option in &entry.deep.0 {
            if option != "always" && !seen.contains(option) {
                wrong.push(format!(
                    "{:?} {option} is deep and not known",
                    entry.names()
                ));
            }
        }
        for sub in entry.subs() {
            look(sub, wrong);
        }
    }
    let mut wrong = Vec::new();
    for entry in table::parse(include_str!("../../../policy/programs.toml")).unwrap() {
        look(&entry, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
