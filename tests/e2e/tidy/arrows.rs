//! Which crate may depend on which: the table of `docs/architecture.md` as data.

use std::process::Command;

use serde_json::Value;

use super::assert_none;
use crate::tree;

/// A crate and the crates of this workspace it may use. The bench measures all of them.
const ARROWS: &[(&str, &[&str])] = &[
    ("mesoclaw-api", &[]),
    ("mesoclaw-config", &[]),
    ("mesoclaw-ipc", &["mesoclaw-api"]),
    ("mesoclaw-keys", &["mesoclaw-api"]),
    ("mesoclaw-store", &["mesoclaw-api"]),
    ("mesoclaw-agent", &["mesoclaw-api"]),
    ("mesoclaw-providers", &["mesoclaw-api", "mesoclaw-agent"]),
    ("mesoclaw-local", &["mesoclaw-api", "mesoclaw-agent"]),
    ("mesoclaw-sandbox", &[]),
    ("mesoclaw-net", &[]),
    (
        "mesoclaw-tools",
        &[
            "mesoclaw-api",
            "mesoclaw-agent",
            "mesoclaw-net",
            "mesoclaw-sandbox",
        ],
    ),
    (
        "mesoclaw-core",
        &[
            "mesoclaw-api",
            "mesoclaw-agent",
            "mesoclaw-config",
            "mesoclaw-keys",
            "mesoclaw-providers",
            "mesoclaw-store",
            "mesoclaw-tools",
        ],
    ),
    (
        "mesoclaw-daemon",
        &[
            "mesoclaw-api",
            "mesoclaw-agent",
            "mesoclaw-config",
            "mesoclaw-core",
            "mesoclaw-ipc",
            "mesoclaw-local",
            "mesoclaw-net",
            "mesoclaw-sandbox",
            "mesoclaw-tools",
        ],
    ),
    (
        "mesoclaw-cli",
        &[
            "mesoclaw-api",
            "mesoclaw-config",
            "mesoclaw-daemon",
            "mesoclaw-ipc",
        ],
    ),
    (
        "mesoclaw-testkit",
        &[
            "mesoclaw-api",
            "mesoclaw-agent",
            "mesoclaw-config",
            "mesoclaw-core",
            "mesoclaw-ipc",
        ],
    ),
    (
        "mesoclaw-bench",
        &[
            "mesoclaw-api",
            "mesoclaw-agent",
            "mesoclaw-config",
            "mesoclaw-core",
            "mesoclaw-daemon",
            "mesoclaw-ipc",
            "mesoclaw-local",
            "mesoclaw-net",
            "mesoclaw-providers",
            "mesoclaw-sandbox",
            "mesoclaw-store",
            "mesoclaw-testkit",
            "mesoclaw-tools",
        ],
    ),
];

/// The one crate of ours that tests of every other may use.
const FOR_TESTS: &str = "mesoclaw-testkit";

/// Further crates of ours that only tests of a crate may use: the core is tested with real tools.
const FOR_TESTS_OF: &[(&str, &[&str])] =
    &[("mesoclaw-core", &["mesoclaw-net", "mesoclaw-sandbox"])];

/// Foreign crates that only these crates of ours may use.
const TIED: &[(&str, &[&str])] = &[
    ("argon2", &["mesoclaw-keys"]),
    ("axum", &["mesoclaw-testkit"]),
    ("brush-parser", &["mesoclaw-agent"]),
    ("chacha20poly1305", &["mesoclaw-keys"]),
    ("clap", &["mesoclaw-cli"]),
    ("clap_complete", &["mesoclaw-cli"]),
    ("clap_mangen", &["mesoclaw-cli"]),
    ("directories", &["mesoclaw-config"]),
    ("grep-matcher", &["mesoclaw-tools"]),
    ("grep-regex", &["mesoclaw-tools"]),
    ("grep-searcher", &["mesoclaw-tools"]),
    ("html5gum", &["mesoclaw-tools"]),
    ("ignore", &["mesoclaw-tools"]),
    ("interprocess", &["mesoclaw-ipc"]),
    ("keyring-core", &["mesoclaw-keys"]),
    ("landlock", &["mesoclaw-sandbox"]),
    ("llama-cpp-2", &["mesoclaw-local"]),
    ("minijinja", &["mesoclaw-local"]),
    ("portable-pty", &["mesoclaw-testkit"]),
    (
        "reqwest",
        &[
            "mesoclaw-bench",
            "mesoclaw-local",
            "mesoclaw-net",
            "mesoclaw-providers",
        ],
    ),
    ("rig-core", &["mesoclaw-providers"]),
    ("rusqlite", &["mesoclaw-store"]),
    ("rustyline", &["mesoclaw-cli"]),
    ("seccompiler", &["mesoclaw-sandbox"]),
    ("similar", &["mesoclaw-tools"]),
    ("sqlite-vec", &["mesoclaw-store"]),
    (
        "toml_edit",
        &[
            "mesoclaw-agent",
            "mesoclaw-config",
            "mesoclaw-local",
            "mesoclaw-providers",
        ],
    ),
    ("tracing-appender", &["mesoclaw-daemon"]),
    ("tracing-subscriber", &["mesoclaw-daemon"]),
    ("vt100", &["mesoclaw-testkit"]),
    ("zbus-secret-service-keyring-store", &["mesoclaw-keys"]),
    ("zip", &["mesoclaw-local"]),
];

/// Crates of ours that may use nothing but these foreign ones, apart from their tests.
const ONLY: &[(&str, &[&str])] = &[
    (
        "mesoclaw-api",
        &[
            "futures-core",
            "schemars",
            "serde",
            "serde_json",
            "thiserror",
            "time",
            "uuid",
            "zeroize",
        ],
    ),
    (
        "mesoclaw-agent",
        &[
            "brush-parser",
            "futures-core",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "toml_edit",
        ],
    ),
];

/// What a crate of ours may not use, not even in its tests.
const NEVER: &[(&str, &[&str])] = &[("mesoclaw-agent", &["tokio", "rusqlite", "reqwest"])];

#[derive(Clone, PartialEq, Eq, Debug)]
struct Crate {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Dependency {
    name: String,
    is_for_tests: bool,
}

/// The packages of `cargo metadata --no-deps`.
fn crates(metadata: &Value) -> Vec<Crate> {
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| Crate {
            name: name_of(package),
            dependencies: package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .map(|dependency| Dependency {
                    name: name_of(dependency),
                    is_for_tests: dependency["kind"] == "dev",
                })
                .collect(),
        })
        .collect()
}

fn name_of(value: &Value) -> String {
    value["name"].as_str().expect("a name").to_owned()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("mesoclaw-")
}

fn row<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    let found = table.iter().find(|(crate_name, _)| *crate_name == name);
    found.map(|(_, row)| *row)
}

/// Arrows between our crates that the table does not have, and rows without a crate.
fn internal_arrows(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for member in crates {
        let Some(allowed) = row(ARROWS, &member.name) else {
            complaints.push(format!("{} is not in the table of arrows", member.name));
            continue;
        };
        let in_tests = row(FOR_TESTS_OF, &member.name).unwrap_or_default();
        for dependency in member.dependencies.iter().filter(|d| is_ours(&d.name)) {
            let name = dependency.name.as_str();
            let is_allowed = allowed.contains(&name)
                || (dependency.is_for_tests && (name == FOR_TESTS || in_tests.contains(&name)));
            if !is_allowed {
                complaints.push(format!(
                    "{} may not depend on {}",
                    member.name, dependency.name
                ));
            }
        }
    }
    for (name, _) in ARROWS {
        if !crates.iter().any(|member| member.name == *name) {
            complaints.push(format!(
                "the table of arrows names {name}, which is no crate"
            ));
        }
    }
    complaints
}

/// Foreign crates where they do not belong.
fn foreign_crates(crates: &[Crate]) -> Vec<String> {
    let mut complaints = Vec::new();
    for member in crates {
        for dependency in member.dependencies.iter().filter(|d| !is_ours(&d.name)) {
            let name = dependency.name.as_str();
            let is_elsewhere =
                row(TIED, name).is_some_and(|owners| !owners.contains(&member.name.as_str()));
            let is_surplus = !dependency.is_for_tests
                && row(ONLY, &member.name).is_some_and(|allowed| !allowed.contains(&name));
            let is_banned = row(NEVER, &member.name).is_some_and(|banned| banned.contains(&name));
            if is_elsewhere || is_surplus || is_banned {
                complaints.push(format!("{} may not use {name}", member.name));
            }
        }
    }
    complaints
}

/// Foreign crates of the tree that come from another place than crates.io.
fn foreign_sources(crates: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in crates["packages"].as_array().expect("packages") {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let source = dependency["source"].as_str();
            let is_fine = match source {
                None => is_ours(&name_of(dependency)),
                Some(source) => source == "registry+https://github.com/rust-lang/crates.io-index",
            };
            if !is_fine {
                complaints.push(format!(
                    "{} takes {} from {}",
                    name_of(package),
                    name_of(dependency),
                    source.unwrap_or("a path")
                ));
            }
        }
    }
    complaints
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn crates_use_what_their_row_allows() {
    let metadata = metadata();
    let crates = crates(&metadata);
    let mut complaints = internal_arrows(&crates);
    complaints.extend(foreign_crates(&crates));
    complaints.extend(foreign_sources(&metadata));
    assert_none(complaints);
}

mod checks_can_fail {
    use serde_json::json;

    use super::*;

    fn member(name: &str, normal: &[&str], dev: &[&str]) -> Crate {
        let dependency = |is_for_tests| {
            move |name: &&str| Dependency {
                name: (*name).to_owned(),
                is_for_tests,
            }
        };
        Crate {
            name: name.to_owned(),
            dependencies: normal
                .iter()
                .map(dependency(false))
                .chain(dev.iter().map(dependency(true)))
                .collect(),
        }
    }

    fn all_with(changed: Crate) -> Vec<Crate> {
        let others = ARROWS.iter().filter(|(name, _)| *name != changed.name);
        let mut crates: Vec<_> = others.map(|(name, _)| member(name, &[], &[])).collect();
        crates.push(changed);
        crates
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        let check = |name, normal: &[&str], dev: &[&str], expected: &[&str]| {
            let found = internal_arrows(&all_with(member(name, normal, dev)));
            assert_eq!(found, expected, "{name} {normal:?} {dev:?}");
        };
        check(
            "mesoclaw-ipc",
            &["mesoclaw-api"],
            &["mesoclaw-testkit"],
            &[],
        );
        check(
            "mesoclaw-ipc",
            &["mesoclaw-core"],
            &[],
            &["mesoclaw-ipc may not depend on mesoclaw-core"],
        );
        check(
            "mesoclaw-core",
            &["mesoclaw-net"],
            &["mesoclaw-net", "mesoclaw-sandbox"],
            &["mesoclaw-core may not depend on mesoclaw-net"],
        );
        check(
            "mesoclaw-ipc",
            &["mesoclaw-testkit"],
            &[],
            &["mesoclaw-ipc may not depend on mesoclaw-testkit"],
        );
        check(
            "mesoclaw-cli",
            &["mesoclaw-daemon"],
            &["mesoclaw-store"],
            &["mesoclaw-cli may not depend on mesoclaw-store"],
        );
        check(
            "mesoclaw-shiny",
            &[],
            &[],
            &["mesoclaw-shiny is not in the table of arrows"],
        );
        let mut crates = all_with(member("mesoclaw-api", &[], &[]));
        crates.retain(|member| member.name != "mesoclaw-bench");
        assert_eq!(
            internal_arrows(&crates),
            ["the table of arrows names mesoclaw-bench, which is no crate"]
        );
    }

    #[test]
    fn a_foreign_crate_in_the_wrong_place_is_found() {
        let check = |name, normal: &[&str], dev: &[&str], expected: &[&str]| {
            let found = foreign_crates(&[member(name, normal, dev)]);
            assert_eq!(found, expected, "{name} {normal:?} {dev:?}");
        };
        check("mesoclaw-store", &["rusqlite", "serde"], &[], &[]);
        check("mesoclaw-api", &["serde"], &["tokio"], &[]);
        let found = "mesoclaw-core may not use rusqlite";
        check("mesoclaw-core", &["rusqlite"], &[], &[found]);
        check("mesoclaw-core", &[], &["rusqlite"], &[found]);
        let found = "mesoclaw-api may not use tokio";
        check("mesoclaw-api", &["tokio"], &[], &[found]);
        let found = "mesoclaw-agent may not use tokio";
        check("mesoclaw-agent", &[], &["tokio"], &[found]);
    }

    #[test]
    fn a_crate_from_elsewhere_is_found() {
        let check = |dependency: Value, expected: &[&str]| {
            let metadata = json!({"packages": [{"name": "a", "dependencies": [dependency]}]});
            assert_eq!(foreign_sources(&metadata), expected);
        };
        let index = "registry+https://github.com/rust-lang/crates.io-index";
        check(json!({"name": "serde", "source": index}), &[]);
        check(json!({"name": "mesoclaw-api", "source": null}), &[]);
        check(
            json!({"name": "serde", "source": "git+https://example.org/x"}),
            &["a takes serde from git+https://example.org/x"],
        );
        check(
            json!({"name": "serde", "source": null}),
            &["a takes serde from a path"],
        );
    }

    #[test]
    fn metadata_is_read() {
        let metadata = json!({"packages": [{"name": "a", "dependencies": [
            {"name": "b", "kind": null, "source": null},
            {"name": "d", "kind": "build", "source": null},
            {"name": "c", "kind": "dev", "source": null},
        ]}]});
        assert_eq!(crates(&metadata), [member("a", &["b", "d"], &["c"])]);
    }
}
