//! Tests of the module beside.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use mesoclaw_agent::policy::PathKind;
use serde_json::json;

use super::*;
use crate::testing::Ground;

fn fact(ground: &Ground, given: &str) -> mesoclaw_agent::policy::PathFact {
    let question = PathQuestion {
        given: given.to_owned(),
        is_glob: false,
    };
    answer(&question, &ground.roots(), true).unwrap()
}

/// Cases 27 and 28.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn paths_resolve_to_where_the_system_would_go() {
    let ground = Ground::new();
    ground.file("src/main.rs", "x");
    ground.outside_file("secret", "x");
    symlink(&ground.outside, ground.root.join("out")).unwrap();
    symlink("src", ground.root.join("in")).unwrap();
    symlink(ground.outside.join("new"), ground.root.join("dangling")).unwrap();
    std::fs::hard_link(ground.outside.join("secret"), ground.root.join("hard")).unwrap();
    let (root, outside, home) = (&ground.root, &ground.outside, &ground.home);
    let file = PathKind::File;
    for (given, resolved, kind, through_link, other_names) in [
        (
            "src/main.rs",
            root.join("src/main.rs"),
            file.clone(),
            false,
            false,
        ),
        (
            "./src//../src/main.rs",
            root.join("src/main.rs"),
            file.clone(),
            false,
            false,
        ),
        (".", root.clone(), PathKind::Directory, false, false),
        (
            "../outside/secret",
            outside.join("secret"),
            file.clone(),
            false,
            true,
        ),
        (
            "src/../../outside/secret",
            outside.join("secret"),
            file.clone(),
            false,
            true,
        ),
        (
            "out/secret",
            outside.join("secret"),
            file.clone(),
            true,
            true,
        ),
        (
            "out/new/../x",
            outside.join("x"),
            PathKind::Missing,
            true,
            false,
        ),
        (
            "in/main.rs",
            root.join("src/main.rs"),
            file.clone(),
            true,
            false,
        ),
        (
            "in/../src",
            root.join("src"),
            PathKind::Directory,
            true,
            false,
        ),
        (
            "dangling",
            outside.join("new"),
            PathKind::Missing,
            true,
            false,
        ),
        ("hard", root.join("hard"), file, false, true),
        (
            "no/such/file",
            root.join("no/such/file"),
            PathKind::Missing,
            false,
            false,
        ),
        ("~/x", home.join("x"), PathKind::Missing, false, false),
        ("~", home.clone(), PathKind::Directory, false, false),
        (
            "~other/x",
            root.join("~other/x"),
            PathKind::Missing,
            false,
            false,
        ),
    ] {
        let expected = mesoclaw_agent::policy::PathFact {
            resolved,
            kind,
            through_link,
            other_names,
            identity: fact(&ground, given).identity,
            below: mesoclaw_agent::policy::Below::Unknown,
            matches: None,
        };
        assert_eq!(fact(&ground, given), expected, "{given}");
    }
}

/// Case 30.
#[test]
fn special_files_are_told_by_name() {
    let ground = Ground::new();
    let pipe = ground.root.join("pipe");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    symlink("loop", ground.root.join("loop")).unwrap();
    symlink("/dev/zero", ground.root.join("zero")).unwrap();
    for (given, kind) in [
        ("pipe", "a named pipe"),
        ("/dev/null", "a device"),
        ("zero", "a device"),
        ("loop", "a loop of links"),
        ("loop/x", "a loop of links"),
        ("/proc/self/environ", "the inside of a process"),
        ("/proc/self/mem", "the inside of a process"),
        ("/proc/self/root/etc/passwd", "the inside of a process"),
        ("/proc/self/fd/0", "the inside of a process"),
        ("/dev/fd/0", "the inside of a process"),
        ("/dev/stdin", "the inside of a process"),
        ("/proc/kmsg", "the inside of the kernel"),
    ] {
        assert_eq!(
            fact(&ground, given).kind,
            PathKind::Special(kind.to_owned()),
            "{given}"
        );
    }
    assert_eq!(fact(&ground, "/proc/cpuinfo").kind, PathKind::File);
}

#[test]
fn links_of_the_system_do_not_count_as_links() {
    let ground = Ground::new();
    let (bin, usr_bin) = (fact(&ground, "/bin/sh"), fact(&ground, "/usr/bin/env"));
    assert_eq!((bin.kind, bin.through_link), (PathKind::File, false));
    assert_eq!(
        (usr_bin.kind, usr_bin.through_link),
        (PathKind::File, false)
    );
}

#[test]
fn words_mean_directories_of_the_user_for_tools_only() {
    let ground = Ground::new();
    let home = &ground.home;
    for (given, resolved) in [
        ("Downloads/x", home.join("Downloads/x")),
        ("downloads", home.join("Downloads")),
        ("DOCUMENTS/a/b", home.join("Documents/a/b")),
        ("Desktop", home.join("Desktop")),
        ("home/x", home.join("x")),
        ("Home", home.clone()),
        ("./Downloads/x", ground.root.join("Downloads/x")),
        ("downloadsx", ground.root.join("downloadsx")),
    ] {
        assert_eq!(fact(&ground, given).resolved, resolved, "{given}");
    }
    let question = PathQuestion {
        given: "Downloads/x".to_owned(),
        is_glob: false,
    };
    let of_command = answer(&question, &ground.roots(), false).unwrap();
    assert_eq!(of_command.resolved, ground.root.join("Downloads/x"));
    ground.file("documents/plan.md", "x");
    let own = fact(&ground, "documents/plan.md").resolved;
    assert_eq!(own, ground.root.join("documents/plan.md"));
}

#[test]
fn directories_of_other_languages_are_found() {
    let ground = Ground::new();
    std::fs::create_dir_all(ground.home.join(".config")).unwrap();
    std::fs::create_dir(ground.home.join("Schreibtisch")).unwrap();
    let text = "# x\nXDG_DESKTOP_DIR=\"$HOME/Schreibtisch\"\nXDG_DOCUMENTS_DIR=\"$HOME/none\"\n";
    std::fs::write(ground.home.join(".config/user-dirs.dirs"), text).unwrap();
    let desktop = fact(&ground, "desktop/x").resolved;
    assert_eq!(desktop, ground.home.join("Schreibtisch/x"));
    let documents = fact(&ground, "documents").resolved;
    assert_eq!(documents, ground.home.join("Documents"));
}

fn matches(ground: &Ground, glob: &str) -> Option<Vec<String>> {
    let question = PathQuestion {
        given: glob.to_owned(),
        is_glob: true,
    };
    let fact = answer(&question, &ground.roots(), false).unwrap();
    Some(fact.matches?.into_iter().map(|found| found.text).collect())
}

#[test]
fn globs_expand_as_the_shell_does() {
    let ground = Ground::new();
    for name in [
        "a.rs",
        "b.rs",
        ".hidden.rs",
        "src/c.rs",
        "src/deep/d.rs",
        "[x]",
        "q*",
        "sp ace",
        "é",
    ] {
        ground.file(name, "x");
    }
    for (glob, expected) in [
        ("*.rs", vec!["a.rs", "b.rs"]),
        ("?.rs", vec!["a.rs", "b.rs"]),
        ("[ab].rs", vec!["a.rs", "b.rs"]),
        ("[!a].rs", vec!["b.rs"]),
        ("[a-b].rs", vec!["a.rs", "b.rs"]),
        ("[[:alpha:]].rs", vec!["a.rs", "b.rs"]),
        (".*.rs", vec![".hidden.rs"]),
        ("*/*.rs", vec!["src/c.rs"]),
        ("src/*/d.rs", vec!["src/deep/d.rs"]),
        ("*/", vec!["src/"]),
        ("\\[x\\]*", vec!["[x]"]),
        ("q\\**", vec!["q*"]),
        ("sp*", vec!["sp ace"]),
        ("?", vec!["é"]),
        ("*.none", vec![]),
        ("./a*", vec!["./a.rs"]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(matches(&ground, glob), Some(expected), "{glob}");
    }
}

#[test]
fn what_a_glob_matches_is_what_bash_expands() {
    let ground = Ground::new();
    let names = [
        "a", "ab", "b1", "-rf", "x.y", "A", "c]d", "e-f", "a b", "a*b", "^z", "!y",
    ];
    for name in names {
        ground.file(name, "x");
    }
    for glob in [
        "*", "a*", "[a-c]*", "[!a]*", "[^a]*", "?", "??", "*[]]*", "*-*", "[]a]*", "*.*", "[a",
        "a\\*b*", "[-x]*",
    ] {
        let output = std::process::Command::new("bash")
            .args([
                "--norc",
                "-c",
                &format!("shopt -s nullglob; printf '%s\\n' {glob}"),
            ])
            .env("LC_ALL", "C")
            .current_dir(&ground.root)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let real: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let judged = matches(&ground, glob).unwrap();
        for word in real.iter().filter(|word| **word != glob) {
            assert!(
                judged.iter().any(|text| text == word),
                "{glob}: {word} not in {judged:?}"
            );
        }
    }
}

#[test]
fn a_glob_with_too_many_matches_is_not_listed() {
    let ground = Ground::new();
    for n in 0..600 {
        ground.file(&format!("f{n}"), "");
    }
    assert_eq!(matches(&ground, "f*"), None);
    assert_eq!(matches(&ground, "f59*").unwrap().len(), 11);
}

fn program(path: &Path, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Case 19.
#[test]
fn programs_come_from_trusted_directories_only() {
    let ground = Ground::new();
    program(&ground.root.join("bin/ls"), 0o755);
    program(&ground.outside.join("bin/ls"), 0o755);
    let path = format!(
        "{}:relative:{}:/usr/bin",
        ground.root.join("bin").display(),
        ground.outside.join("bin").display()
    );
    let dirs = trusted_dirs(&path, Some(&ground.home), Some(&ground.root));
    assert!(
        dirs.iter()
            .all(|dir| dir.is_absolute() && !dir.starts_with(&ground.root))
    );
    assert!(
        !dirs.contains(&ground.outside.join("bin")),
        "a directory below a shared one"
    );
    assert_eq!(
        dirs.first().map(PathBuf::as_path),
        Some(Path::new("/usr/bin"))
    );
    let found = programs::look_up("ls", &dirs, &ground.roots());
    assert!(found.resolved.unwrap().starts_with("/usr/bin"));
    assert_eq!(found.untrusted, None);
    assert!(found.identity.is_some());
}

/// Case 19.
#[test]
fn programs_named_by_path_say_why_they_are_not_trusted() {
    let ground = Ground::new();
    program(&ground.root.join("run"), 0o755);
    program(&ground.root.join("data"), 0o644);
    program(&ground.temp.join("run"), 0o755);
    let look = |name: &str| programs::look_up(name, &[PathBuf::from("/usr/bin")], &ground.roots());
    for (name, untrusted) in [
        ("./run", Some("it lies in the workspace")),
        ("./data", Some("it is not executable")),
        ("/usr/bin/env", None),
    ] {
        let found = look(name);
        assert_eq!(found.untrusted.as_deref(), untrusted, "{name}");
        assert!(found.resolved.is_some(), "{name}");
    }
    assert_eq!(look("./missing"), ProgramFact::default());
    assert_eq!(look("no-such-program"), ProgramFact::default());
    assert_eq!(look("/"), ProgramFact::default());
    assert!(
        look(ground.temp.join("run").to_str().unwrap())
            .untrusted
            .is_some()
    );
}

use mesoclaw_agent::policy::ProgramFact;

#[test]
fn a_child_gets_pinned_values_and_trusted_directories() {
    let ground = Ground::new();
    let inherited = [
        ("HOME", "/h"),
        ("PATH", "/evil"),
        ("LD_PRELOAD", "x"),
        ("PAGER", "evil"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let dirs = [
        PathBuf::from("/usr/bin"),
        PathBuf::from("/odd:dir"),
        PathBuf::from("/bin"),
    ];
    let environment = child_environment(&inherited, &dirs, &ground.roots());
    let value = |name: &str| environment.get(name).map(String::as_str);
    assert_eq!(value("PATH"), Some("/usr/bin:/bin"));
    assert_eq!(value("HOME"), Some("/h"));
    assert_eq!(value("LD_PRELOAD"), None);
    assert_eq!(value("PAGER"), Some("cat"));
    assert_eq!(value("TMPDIR"), ground.temp.to_str());
}

#[test]
fn a_workspace_knows_its_repository_and_when_it_is_too_broad() {
    let ground = Ground::new();
    std::fs::create_dir_all(ground.root.join("sub/deep")).unwrap();
    std::fs::create_dir(ground.root.join(".git")).unwrap();
    symlink(&ground.root, ground.outside.join("link")).unwrap();
    let home = Some(ground.home.as_path());
    let workspace = workspace_of(&ground.outside.join("link/sub/deep"), home).unwrap();
    assert_eq!(
        workspace.root,
        ground.root.join("sub/deep").to_str().unwrap()
    );
    assert_eq!(workspace.git_root.as_deref(), ground.root.to_str());
    assert_eq!(workspace.too_broad, None);
    for directory in [
        ground.home.as_path(),
        ground.home.parent().unwrap(),
        Path::new("/"),
        Path::new("/etc"),
        Path::new("/usr/lib"),
        Path::new("/tmp"),
        Path::new("/home"),
    ] {
        let workspace = workspace_of(directory, home).unwrap();
        assert!(workspace.too_broad.is_some(), "{}", directory.display());
        let roots = roots(Some(&workspace), None, ground.temp.clone(), Vec::new());
        assert_eq!(roots.workspace, None);
    }
    assert!(workspace_of(Path::new("relative"), home).is_err());
    assert!(workspace_of(&ground.root.join("none"), home).is_err());
    ground.file("file", "x");
    assert!(workspace_of(&ground.root.join("file"), home).is_err());
}

#[test]
fn a_repository_is_told_only_when_it_is_understood() {
    let ground = Ground::new();
    let look = |name: &str| repository::look(&ground.root.join(name));
    let plain = "[core]\n\tbare = false\n";
    for name in ["plain", "hostile", "modules", "around"] {
        for part in ["HEAD", "objects/x", "refs/x"] {
            ground.file(&format!("{name}/.git/{part}"), "x");
        }
    }
    ground.file("plain/.git/config", plain);
    ground.file("plain/sub/x", "x");
    assert_eq!(look("plain/sub").unwrap().runs, Vec::<String>::new());
    ground.file("hostile/.git/config", "[core]\n\tsshCommand = evil\n");
    assert_eq!(look("hostile").unwrap().runs, ["core.sshcommand"]);
    ground.file("worktree/.git", "gitdir: ../plain/.git\n");
    assert_eq!(look("worktree"), None);
    ground.file("modules/.git/config", plain);
    ground.file("modules/.git/modules/x/config", plain);
    assert_eq!(look("modules"), None);
    for name in ["HEAD", "config", "objects/x", "refs/x"] {
        ground.file(&format!("bare/{name}"), plain);
    }
    assert_eq!(look("bare"), None);
    // Git passes over the inner one, and takes what lies around it.
    ground.file("bare/.git/config", plain);
    assert_eq!(look("bare"), None);
    ground.file("empty/.git/config", plain);
    assert_eq!(look("empty"), None);
    ground.file("around/.git/config", plain);
    for name in ["HEAD", "objects/x", "refs/x"] {
        ground.file(&format!("around/{name}"), plain);
    }
    assert_eq!(look("around"), None);
    symlink(ground.root.join("plain/.git"), ground.outside.join(".git")).unwrap();
    assert_eq!(repository::look(&ground.outside), None);
}

#[test]
fn secrets_below_are_found_within_bounds() {
    use mesoclaw_agent::policy::{BELOW_MAX, Below};
    let ground = Ground::new();
    let below = |command: &str| {
        let line = command.to_owned();
        let inquiry = Inquiry::new("shell", &json!({}), vec![Action::Command { line }]);
        let (none, sandbox) = (BTreeMap::new(), SandboxFact::default());
        let facts = gather(&inquiry, &ground.roots(), &none, sandbox);
        let mut found: Vec<Below> = Vec::new();
        for fact in facts.paths.into_values() {
            found.extend(
                fact.matches
                    .into_iter()
                    .flatten()
                    .map(|found| found.fact.below),
            );
            found.push(fact.below);
        }
        found.retain(|below| *below != Below::Unknown);
        found
    };
    ground.file("plain/a/b.txt", "x");
    ground.file("plain/node_modules/x/.env", "x");
    ground.file("deep/a/b/.env", "x");
    ground.outside_file("id_rsa", "x");
    std::fs::create_dir(ground.root.join("linked")).unwrap();
    let link = ground.root.join("linked/notes");
    symlink(ground.outside.join("id_rsa"), &link).unwrap();
    std::fs::create_dir(ground.root.join("many")).unwrap();
    for n in 0..=BELOW_MAX {
        std::fs::File::create(ground.root.join(format!("many/{n}"))).unwrap();
    }
    let secret = |path: &str| Below::Secret(ground.root.join(path));
    for (command, expected) in [
        ("grep -r x plain", vec![Below::Plain]),
        ("grep -r x deep", vec![secret("deep/a/b/.env")]),
        ("cd deep && grep -r x", vec![secret("deep/a/b/.env")]),
        ("rg --hidden x dee*", vec![secret("deep/a/b/.env")]),
        ("grep -r x linked", vec![secret("linked/notes")]),
        ("grep -r x many", vec![Below::TooMuch]),
        ("grep x deep", vec![]),
        ("rg x deep", vec![]),
        ("ls -R deep", vec![]),
    ] {
        assert_eq!(below(command), expected, "{command}");
    }
}

#[test]
fn gathering_answers_every_question() {
    let ground = Ground::new();
    ground.file("a", "x");
    let actions = vec![
        Action::Read {
            path: "a".to_owned(),
        },
        Action::Write {
            path: "Downloads/b".to_owned(),
        },
    ];
    let inquiry = Inquiry::new("test", &json!({}), actions);
    let facts = gather(
        &inquiry,
        &ground.roots(),
        &BTreeMap::new(),
        SandboxFact::default(),
    );
    let resolved: Vec<&Path> = facts
        .paths
        .values()
        .map(|fact| fact.resolved.as_path())
        .collect();
    assert_eq!(
        resolved,
        [ground.home.join("Downloads/b"), ground.root.join("a")]
    );
    assert_eq!(facts.roots, ground.roots());
}
