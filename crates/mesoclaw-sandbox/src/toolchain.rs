//! What of the home directory a program may read because the person's own tools live there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// A tool directory below home: readable when PATH has a directory in it (or `with`), except for
/// the files named.
struct Toolchain {
    dir: &'static str,
    with: &'static str,
    except: &'static [&'static str],
}

const fn tools(dir: &'static str) -> Toolchain {
    Toolchain {
        dir,
        with: dir,
        except: &[],
    }
}

const fn beside(dir: &'static str, with: &'static str) -> Toolchain {
    Toolchain {
        dir,
        with,
        except: &[],
    }
}

const TOOLCHAINS: &[Toolchain] = &[
    Toolchain {
        dir: ".cargo",
        with: ".cargo",
        except: &["credentials", "credentials.toml"],
    },
    beside(".rustup", ".cargo"),
    tools(".rustup"),
    tools(".local/bin"),
    beside(".local/lib", ".local/bin"),
    beside(".local/pipx", ".local/bin"),
    beside(".local/share/pipx", ".local/bin"),
    beside(".local/share/uv", ".local/bin"),
    tools(".local/share/mise"),
    tools(".local/share/pnpm"),
    tools(".nvm"),
    tools(".fnm"),
    tools(".volta"),
    tools(".bun"),
    tools(".deno"),
    tools(".npm-global"),
    tools(".pyenv"),
    tools(".rbenv"),
    tools(".asdf"),
    tools(".sdkman"),
    tools(".ghcup"),
    tools(".opam"),
    tools(".juliaup"),
    tools(".dotnet"),
    tools("go"),
];

/// Read by tools that fail without them, and free of credentials by convention.
const ALWAYS: &[Toolchain] = &[
    tools(".gitconfig"),
    Toolchain {
        dir: ".config/git",
        with: ".config/git",
        except: &["credentials"],
    },
];

/// The paths below `home` that a sandboxed program may read and run: the tool directories that
/// `path_dirs` (the directories of PATH) point into, without the files in them that hold
/// credentials, and git's own settings. Resolved and existing. A directory of PATH elsewhere is
/// granted as it is; home itself, or a directory above it, never.
pub fn toolchain_reads(path_dirs: &[PathBuf], home: &Path) -> Vec<PathBuf> {
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    let dirs: Vec<PathBuf> = path_dirs
        .iter()
        .filter(|dir| dir.is_absolute())
        .filter_map(|dir| dir.canonicalize().ok())
        .filter(|dir| !home.starts_with(dir))
        .collect();
    let is_used = |toolchain: &&Toolchain| {
        let root = home.join(toolchain.with);
        let root = root.canonicalize().unwrap_or(root);
        dirs.iter().any(|dir| dir.starts_with(&root))
    };
    let mut reads = Vec::new();
    for toolchain in TOOLCHAINS.iter().filter(is_used).chain(ALWAYS) {
        let root = home.join(toolchain.dir);
        // A link to home or above it would grant everything.
        if let Ok(root) = root.canonicalize()
            && !home.starts_with(&root)
        {
            all_except(&root, toolchain.except, &mut reads);
        }
    }
    for dir in dirs {
        if !reads.iter().any(|read| dir.starts_with(read)) {
            reads.push(dir);
        }
    }
    reads.sort();
    reads.dedup();
    reads
}

/// `root` without the entries named (relative, `/` between parts, a trailing `*` for any end). A
/// directory with an exception in it is taken apart into its other entries, because a right on a
/// directory holds for everything below it.
pub(crate) fn all_except(root: &Path, except: &[&str], found: &mut Vec<PathBuf>) {
    if except.is_empty() {
        if root.exists() {
            found.push(root.to_owned());
        }
        return;
    }
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if except.iter().any(|pattern| names(pattern, &name)) {
            continue;
        }
        let below: Vec<&str> = except
            .iter()
            .filter_map(|pattern| pattern.split_once('/'))
            .filter(|(first, _)| OsStr::new(first) == name)
            .map(|(_, rest)| rest)
            .collect();
        // A link leads to where it leads: what counts is the file it names.
        if let Ok(path) = entry.path().canonicalize() {
            all_except(&path, &below, found);
        }
    }
}

fn names(pattern: &str, name: &OsStr) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) if !pattern.contains('/') => {
            name.as_encoded_bytes().starts_with(start.as_bytes())
        }
        _ => OsStr::new(pattern) == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_with(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().canonicalize().unwrap().join("home");
        for file in files {
            let path = home.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        (temp, home)
    }

    fn check(path_dirs: &[&str], expected: &[&str]) {
        let (_temp, home) = home_with(&[
            ".cargo/bin/cargo",
            ".cargo/config.toml",
            ".cargo/credentials.toml",
            ".cargo/credentials",
            ".rustup/settings.toml",
            ".ssh/id_ed25519",
            ".local/bin/tool",
            ".local/share/keyrings/login",
            ".config/git/credentials",
            ".config/git/ignore",
            ".gitconfig",
            "scripts/run",
        ]);
        let dirs: Vec<PathBuf> = path_dirs.iter().map(|dir| home.join(dir)).collect();
        let reads = toolchain_reads(&dirs, &home);
        let mut expected: Vec<PathBuf> = expected
            .iter()
            .chain(&[".config/git/ignore", ".gitconfig"])
            .map(|path| home.join(path))
            .collect();
        expected.sort();
        assert_eq!(reads, expected, "{path_dirs:?}");
    }

    #[test]
    fn tool_directories_are_readable_without_their_credentials() {
        check(&[], &[]);
        check(
            &[".cargo/bin"],
            &[".cargo/bin", ".cargo/config.toml", ".rustup"],
        );
        check(&[".local/bin", "missing"], &[".local/bin"]);
        check(&["scripts"], &["scripts"]);
    }

    #[test]
    fn home_and_what_is_above_it_are_never_granted() {
        check(&[".", "..", "/"], &[]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_home_grants_nothing() {
        let (_temp, home) = home_with(&[".ssh/id_ed25519"]);
        std::os::unix::fs::symlink(".", home.join(".cargo")).unwrap();
        std::os::unix::fs::symlink("..", home.join("bin")).unwrap();
        let dirs = [
            home.join(".cargo/bin"),
            home.join(".cargo"),
            home.join("bin"),
        ];
        assert_eq!(toolchain_reads(&dirs, &home), Vec::<PathBuf>::new());
    }
}
