//! Start-up files of the workspace that a command changed. Project code may write everywhere in
//! the workspace, also what starts programs later and outside the sandbox; it is not kept from
//! it, but it is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{Roots, escaped, place};
use mesoclaw_agent::tool::ToolOutput;

use crate::output::{floor_char_boundary, with_notes};

/// Entries of one directory that are looked at, and places that are remembered altogether.
const ENTRIES_MAX: usize = 4_000;
const PLACES_MAX: usize = 4_000;

/// How deep directories of start-up files are looked into.
const DEPTH_MAX: usize = 4;

/// Names that are told, and bytes of each.
const TOLD_MAX: usize = 10;
const NAME_MAX_BYTES: usize = 120;

/// What of a git directory starts programs or says where the repository lies. Everything else in
/// it changes all the time.
const GIT_STARTS: [&str; 6] = [
    "commondir",
    "config",
    "config.worktree",
    "hooks",
    "info",
    "modules",
];

/// Of a submodule's git directory, below `modules`, and what is not looked into there.
const SUBMODULE_STARTS: [&str; 3] = ["config", "config.worktree", "hooks"];
const SUBMODULE_DATA: [&str; 4] = ["lfs", "logs", "objects", "refs"];

/// What tells that a file was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mark {
    bytes: u64,
    kind: fs::FileType,
    times: Times,
    target: Option<PathBuf>,
}

#[cfg(unix)]
type Times = (u64, i64, i64, u32);

#[cfg(unix)]
fn times(found: &fs::Metadata) -> Times {
    use std::os::unix::fs::MetadataExt;
    // The time of the last change of the inode: unlike the file's own, no program sets it.
    (found.ino(), found.ctime(), found.ctime_nsec(), found.mode())
}

#[cfg(not(unix))]
type Times = Option<std::time::SystemTime>;

#[cfg(not(unix))]
fn times(found: &fs::Metadata) -> Times {
    found.modified().ok()
}

/// The start-up files of a workspace at one moment.
pub(super) struct Watch {
    roots: Vec<PathBuf>,
    known: Roots,
    marks: BTreeMap<PathBuf, Mark>,
}

impl Watch {
    /// Looks at the start-up files of the workspace. Blocking; bounded.
    pub(super) fn look(known: &Roots) -> Self {
        let mut roots: Vec<PathBuf> = known.workspace.iter().cloned().collect();
        let cwd = &known.cwd;
        if roots
            .iter()
            .any(|root| cwd.starts_with(root) && cwd != root)
        {
            roots.push(cwd.clone());
        }
        let marks = marks(&roots, known);
        Self {
            roots,
            known: known.clone(),
            marks,
        }
    }

    /// A sentence about what is not as it was; `None` = everything is. Blocking; bounded.
    pub(super) fn changed(&self) -> Option<String> {
        let now = marks(&self.roots, &self.known);
        let is_other = |path: &&PathBuf| self.marks.get(*path) != now.get(*path);
        let mut paths: Vec<&PathBuf> = self.marks.keys().chain(now.keys()).collect();
        paths.sort();
        paths.dedup();
        paths.retain(is_other);
        if paths.is_empty() {
            return None;
        }
        let root = self.known.workspace.as_deref().unwrap_or(Path::new(""));
        let mut names: Vec<String> = paths
            .iter()
            .take(TOLD_MAX)
            .map(|path| shown(path.strip_prefix(root).unwrap_or(path)))
            .collect();
        if paths.len() > TOLD_MAX {
            names.push(format!("{} more", paths.len() - TOLD_MAX));
        }
        Some(format!(
            "this command changed start-up files: {}; look at them before you run git or open an editor",
            names.join(", ")
        ))
    }
}

/// Adds to an answer what the command changed, and tells it the person who watches.
pub(super) async fn tell(
    watch: Option<Watch>,
    mut output: ToolOutput,
    progress: &(dyn Fn(String) + Send + Sync),
) -> ToolOutput {
    let Some(watch) = watch else {
        return output;
    };
    let looked = tokio::task::spawn_blocking(move || watch.changed()).await;
    let line = looked.unwrap_or_else(|error| {
        Some(format!(
            "whether this command changed start-up files could not be found out: {error}"
        ))
    });
    if let Some(line) = line {
        progress(line.clone());
        output.output = with_notes(output.output, &[line]);
    }
    output
}

fn shown(path: &Path) -> String {
    let mut text = escaped(&path.to_string_lossy());
    let end = floor_char_boundary(&text, NAME_MAX_BYTES);
    if end < text.len() {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn marks(roots: &[PathBuf], known: &Roots) -> BTreeMap<PathBuf, Mark> {
    let mut marks = BTreeMap::new();
    // First, so that no number of other files takes its place.
    for root in roots {
        git(&root.join(".git"), &mut marks);
    }
    for root in roots {
        for path in entries(root) {
            let name = path.file_name().unwrap_or_default();
            if name == ".git" {
                continue;
            }
            if place(&path, known).protected.is_some() {
                collect(&path, DEPTH_MAX, &mut marks);
            } else if name.as_encoded_bytes().starts_with(b".") {
                // `.github` is no start-up file, but `.github/workflows` is.
                for inner in entries(&path) {
                    if place(&inner, known).protected.is_some() {
                        collect(&inner, DEPTH_MAX, &mut marks);
                    }
                }
            }
        }
    }
    marks
}

/// A git directory, or the file or link that stands for one.
fn git(path: &Path, marks: &mut BTreeMap<PathBuf, Mark>) {
    if !is_directory(path) {
        collect(path, 0, marks);
        return;
    }
    for name in GIT_STARTS {
        let inner = path.join(name);
        if name == "modules" {
            modules(&inner, DEPTH_MAX, marks);
        } else {
            collect(&inner, DEPTH_MAX, marks);
        }
    }
}

/// The git directories of submodules.
fn modules(path: &Path, depth: usize, marks: &mut BTreeMap<PathBuf, Mark>) {
    for inner in entries(path) {
        let name = inner.file_name().unwrap_or_default();
        let is_one_of = |names: &[&str]| names.iter().any(|one| name == *one);
        if is_one_of(&SUBMODULE_STARTS) {
            collect(&inner, DEPTH_MAX, marks);
        } else if depth > 0 && !is_one_of(&SUBMODULE_DATA) {
            modules(&inner, depth - 1, marks);
        }
    }
}

/// What is at a path and below it. Links are not followed. Of directories only what lies in them
/// counts.
fn collect(path: &Path, depth: usize, marks: &mut BTreeMap<PathBuf, Mark>) {
    let Ok(found) = path.symlink_metadata() else {
        return;
    };
    // Git never runs the samples of hooks that it puts into every new repository.
    let is_sample = path.extension().is_some_and(|end| end == "sample");
    if marks.len() >= PLACES_MAX || is_sample {
        return;
    }
    if found.is_dir() {
        if depth > 0 {
            for inner in entries(path) {
                collect(&inner, depth - 1, marks);
            }
        }
        return;
    }
    let mark = Mark {
        bytes: found.len(),
        kind: found.file_type(),
        times: times(&found),
        target: fs::read_link(path).ok(),
    };
    marks.insert(path.to_path_buf(), mark);
}

/// The first entries of a directory that is no link, by name.
fn entries(path: &Path) -> Vec<PathBuf> {
    if !is_directory(path) {
        return Vec::new();
    }
    let Ok(found) = fs::read_dir(path) else {
        return Vec::new();
    };
    let found = found.take(ENTRIES_MAX).flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::testing::Ground;

    fn told(names: &str) -> String {
        format!(
            "this command changed start-up files: {names}; look at them before you run git or open an editor"
        )
    }

    #[test]
    fn changed_start_up_files_are_named_and_others_are_not() {
        let ground = Ground::new();
        for (name, is_told) in [
            ("src/main.rs", false),
            (".git/HEAD", false),
            (".git/hooks/update.sample", false),
            (".git/modules/a/objects/config", false),
            (".gitignore", false),
            (".github/readme", false),
            (".git/config", true),
            (".git/hooks/pre-commit", true),
            (".git/modules/a/b/config", true),
            (".envrc", true),
            (".npmrc", true),
            (".vscode/tasks.json", true),
            (".cargo/config.toml", true),
            (".github/workflows/ci.yml", true),
            ("sitecustomize.py", true),
        ] {
            // Made, changed, left alone, removed.
            for (content, is_other) in [(Some("x"), true), (Some("longer"), true), (None, false)] {
                let watch = Watch::look(&ground.roots());
                if let Some(content) = content {
                    ground.file(name, content);
                }
                let expected = (is_told && is_other).then(|| told(name));
                assert_eq!(watch.changed(), expected, "{name}");
            }
            let watch = Watch::look(&ground.roots());
            fs::remove_file(ground.root.join(name)).unwrap();
            assert_eq!(watch.changed(), is_told.then(|| told(name)), "{name}");
        }
    }

    #[test]
    fn links_and_several_files_are_named() {
        let ground = Ground::new();
        let watch = Watch::look(&ground.roots());
        std::os::unix::fs::symlink("a", ground.root.join(".mcp.json")).unwrap();
        ground.file(".envrc", "");
        assert_eq!(watch.changed(), Some(told(".envrc, .mcp.json")));
    }

    #[test]
    fn a_file_that_looks_as_before_is_still_another() {
        let ground = Ground::new();
        let path = ground.file(".envrc", "one");
        let watch = Watch::look(&ground.roots());
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        assert!(watch.changed().is_some());
    }

    #[test]
    fn long_lists_and_odd_names_stay_short() {
        let ground = Ground::new();
        let watch = Watch::look(&ground.roots());
        for n in 0..30 {
            ground.file(&format!(".git/hooks/{n:02}\n{}", "a".repeat(200)), "");
        }
        let told = watch.changed().unwrap();
        assert!(
            told.contains("00\\n") && told.contains(", 20 more;"),
            "{told}"
        );
        assert!(!told.contains('\n') && told.len() < 1_800, "{told}");
    }
}
