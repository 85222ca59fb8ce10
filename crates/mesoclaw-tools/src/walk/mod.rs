//! Walks a directory tree by handles with several threads: no link is followed, no directory is
//! entered twice, what `.gitignore` and `.ignore` name is left out, and the walk ends when it is
//! told to.
//!
//! Every directory is opened from the handle of the root, so a directory that is swapped for a
//! link while the walk runs is skipped.

mod crew;
mod rules;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::background::{Stop, StopReason};
use crate::workspace::{Directory, Entry, EntryKind};

use crew::{Crew, Job};
use rules::Rules;

/// Entries after which a walk gives up.
const ENTRIES_MAX: usize = 5_000_000;

/// Files of one directory that one thread takes at once.
const BATCH: usize = 256;

/// Directories of version control, which no search goes into.
const NEVER_ENTERED: [&str; 4] = [".git", ".hg", ".svn", ".jj"];

/// Views of the kernel that look like directories.
const KERNEL_DIRS: [&str; 3] = ["/proc", "/sys", "/dev"];

/// A file or directory that was found.
pub struct Found<'a> {
    /// The directory it is in.
    pub directory: &'a Directory,
    /// Its name.
    pub name: &'a OsStr,
    /// That directory, relative to the root of the walk.
    pub parent: &'a Path,
    /// What it is.
    pub kind: EntryKind,
}

/// What is done with what is found; each thread has one of its own.
pub trait Visitor: Send {
    /// Looks at a file, directory or link.
    fn visit(&mut self, found: &Found<'_>);
}

/// How a walk went.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct WalkReport {
    /// Entries seen, those left out apart.
    pub n_entries: usize,
    /// Directories that could not be read.
    pub n_unreadable: usize,
    /// Why it ended before its end.
    pub stopped: Option<StopReason>,
    /// Whether it gave up because the tree is too large.
    pub is_too_large: bool,
}

/// Walks everything below `root`, with one visitor for each thread.
pub fn walk<V: Visitor>(
    root: &Directory,
    n_threads: usize,
    stop: &Stop,
    make: impl Fn() -> V + Sync,
) -> (Vec<V>, WalkReport) {
    let shared = Shared {
        root,
        crew: Crew::new(Job::Directory {
            relative: PathBuf::new(),
            rules: Rules::above(root.path()),
        }),
        stop,
        n_entries: AtomicUsize::new(0),
        n_unreadable: AtomicUsize::new(0),
        n_threads: n_threads.max(1),
    };
    let work = || {
        let mut visitor = make();
        while let Some(job) = shared.crew.next() {
            let _done = shared.crew.done_on_drop();
            if shared.should_end() {
                shared.crew.abandon();
            } else {
                shared.run(job, &mut visitor);
            }
        }
        visitor
    };
    let visitors = std::thread::scope(|scope| {
        let others: Vec<_> = (1..shared.n_threads).map(|_| scope.spawn(work)).collect();
        let mut visitors = vec![work()];
        // A visitor that panicked has nothing to add; the others have what they found.
        visitors.extend(others.into_iter().filter_map(|thread| thread.join().ok()));
        visitors
    });
    let n_entries = shared.n_entries.into_inner();
    let report = WalkReport {
        n_entries,
        n_unreadable: shared.n_unreadable.into_inner(),
        stopped: shared.crew.was_abandoned().then(|| stop.reason()).flatten(),
        is_too_large: n_entries > ENTRIES_MAX,
    };
    (visitors, report)
}

/// As many threads as there are cores, within reason.
pub fn n_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(8))
}

struct Shared<'a> {
    root: &'a Directory,
    crew: Crew,
    stop: &'a Stop,
    n_entries: AtomicUsize,
    n_unreadable: AtomicUsize,
    n_threads: usize,
}

impl Shared<'_> {
    fn should_end(&self) -> bool {
        self.stop.reason().is_some() || self.n_entries.load(Ordering::Relaxed) > ENTRIES_MAX
    }

    fn run(&self, job: Job, visitor: &mut impl Visitor) {
        match job {
            Job::Directory { relative, rules } => self.enter(&relative, &rules, visitor),
            Job::Files {
                directory,
                relative,
                entries,
            } => self.files(&directory, &relative, &entries, visitor),
        }
    }

    fn enter(&self, relative: &Path, above: &Arc<Rules>, visitor: &mut impl Visitor) {
        let opened = if relative.as_os_str().is_empty() {
            self.root.descend(Path::new("."))
        } else {
            self.root.descend(relative)
        };
        let Ok(directory) = opened else {
            self.n_unreadable.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let Some((mut entries, has_rules)) = self.list(&directory) else {
            return;
        };
        let path = self.root.path().join(relative);
        let rules = if has_rules {
            Rules::with_files_of(above, &directory, &path)
        } else {
            Arc::clone(above)
        };
        if !rules.is_empty() {
            let mut full = path.join("x");
            entries.retain(|entry| {
                full.set_file_name(&entry.name);
                !rules.ignores(&full, entry.kind == EntryKind::Directory)
            });
        }
        self.n_entries.fetch_add(entries.len(), Ordering::Relaxed);
        let below: Vec<Job> = entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Directory)
            .map(|entry| Job::Directory {
                relative: relative.join(&entry.name),
                rules: Arc::clone(&rules),
            })
            .collect();
        self.crew.add(below);
        if entries.len() > BATCH && self.n_threads > 1 {
            self.share(directory, relative, entries);
        } else {
            self.files(&directory, relative, &entries, visitor);
        }
    }

    /// All entries of a directory, and whether files with rules are among them.
    fn list(&self, directory: &Directory) -> Option<(Vec<Entry>, bool)> {
        let mut entries = Vec::new();
        let mut has_rules = false;
        let at_root = directory.path().parent().is_none();
        let read = directory.entries(|entry| {
            has_rules |= rules::is_rules_file(&entry.name);
            let is_entered = entry.kind == EntryKind::Directory;
            let is_left_out = is_entered && NEVER_ENTERED.iter().any(|name| entry.name == *name);
            let is_kernel = is_entered
                && at_root
                && KERNEL_DIRS
                    .iter()
                    .any(|dir| dir.get(1..).is_some_and(|dir| entry.name == dir));
            if !is_left_out && !is_kernel {
                entries.push(entry);
            }
            entries.len() % 4096 != 4095 || !self.should_end()
        });
        if read.is_err() {
            self.n_unreadable.fetch_add(1, Ordering::Relaxed);
        }
        (read.is_ok() || !entries.is_empty()).then_some((entries, has_rules))
    }

    fn share(&self, directory: Directory, relative: &Path, mut entries: Vec<Entry>) {
        let directory = Arc::new(directory);
        let mut jobs = Vec::new();
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(BATCH));
            jobs.push(Job::Files {
                directory: Arc::clone(&directory),
                relative: relative.to_path_buf(),
                entries: std::mem::replace(&mut entries, rest),
            });
        }
        self.crew.add(jobs);
    }

    fn files(
        &self,
        directory: &Directory,
        parent: &Path,
        entries: &[Entry],
        visitor: &mut impl Visitor,
    ) {
        for (at, entry) in entries.iter().enumerate() {
            if at % 32 == 31 && self.should_end() {
                break;
            }
            visitor.visit(&Found {
                directory,
                name: &entry.name,
                parent,
                kind: entry.kind,
            });
        }
    }
}

#[cfg(test)]
mod tests;
