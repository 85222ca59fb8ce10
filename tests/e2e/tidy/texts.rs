//! What no file of the tree may contain: paths of one machine, and package sources of one network.

use super::assert_none;
use crate::tree;

/// Where absolute paths of a machine begin. In pieces, so that this file does not contain them.
const PLACES: &[&str] = &[
    concat!("/", "root/"),
    concat!("/", "work/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
];

/// Whose home may be in an example.
const EXAMPLE_USERS: &[&str] = &["a", "ada"];

/// Settings that take packages from somewhere else than where everybody takes them from.
const SOURCES: &[&str] = &[
    concat!("replace-", "with"),
    concat!("index", "-url="),
    concat!("index", "-url "),
    concat!("PIP_", "INDEX"),
    concat!("CARGO_", "REGISTRIES"),
    concat!("sparse", "+http"),
];

/// Words in the name of a host that is a copy of a registry.
const HOST_WORDS: &[&str] = &["artifactory", "mirror", "nexus", "proxy.", "registry."];

/// Absolute paths of a machine.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for place in PLACES {
            let is_there = line.match_indices(place).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let user = line[at + place.len()..].split('/').next().unwrap_or("");
                let user = user.split(|char: char| !char.is_alphanumeric()).next();
                // In the middle of a path it is no path of a machine.
                !before.is_some_and(|char| char.is_alphanumeric() || "._-/})".contains(char))
                    && !user.is_some_and(|user| EXAMPLE_USERS.contains(&user))
            });
            if is_there {
                complaints.push(format!("{path}:{}: a path under {place}", n + 1));
            }
        }
    }
    complaints
}

/// Places packages come from that not everybody has.
fn package_sources(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for word in SOURCES.iter().filter(|word| line.contains(**word)) {
            complaints.push(format!("{path}:{}: `{word}`", n + 1));
        }
        for host in hosts(line) {
            if HOST_WORDS.iter().any(|word| host.contains(word)) {
                complaints.push(format!("{path}:{}: the host {host}", n + 1));
            }
        }
    }
    complaints
}

/// The hosts of the addresses in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        let end = rest.find(|char: char| !(char.is_alphanumeric() || ".-_@:".contains(char)));
        let authority = &rest[..end.unwrap_or(rest.len())];
        authority.rsplit('@').next().unwrap_or(authority)
    })
}

#[test]
fn no_file_knows_one_machine_or_one_network() {
    let files = tree::files();
    assert!(files.len() > 150, "{} files", files.len());
    let mut complaints = Vec::new();
    for path in files {
        if let Some(text) = tree::text(&path) {
            complaints.extend(machine_paths(&path, &text));
            complaints.extend(package_sources(&path, &text));
        }
    }
    assert_none(complaints);
}

mod checks_can_fail {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        let check = |line: &str, is_found: bool| {
            let line = line.replace('~', "/");
            assert_eq!(!machine_paths("a", &line).is_empty(), is_found, "{line}");
        };
        check("path = \"~root~x\"", true);
        check("(~work~main)", true);
        check("~home~somebody~x", true);
        check("HOME=~home~bob", true);
        check("the file ~home~ada~x", false);
        check("the file ~home~adam~x", true);
        check("example.org~work~x", false);
        check("target~work~x", false);
        let found = machine_paths("a", &format!("x\n{}main", PLACES[1]));
        assert_eq!(found, [format!("a:2: a path under {}", PLACES[1])]);
    }

    #[test]
    fn a_package_source_of_one_network_is_found() {
        let check = |line: &str, expected: &[String]| {
            assert_eq!(package_sources("a", line), expected, "{line}");
        };
        check("https://github.com/rust-lang/crates.io-index", &[]);
        check("through a proxy or a mirror", &[]);
        let url = format!("https://me@{}.example.org/x", HOST_WORDS[1]);
        let host = format!("a:1: the host {}.example.org", HOST_WORDS[1]);
        check(&url, &[host]);
        let option = format!("pip --{}x", SOURCES[1]);
        check(&option, &[format!("a:1: `{}`", SOURCES[1])]);
    }
}
